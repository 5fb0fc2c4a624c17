"""Which due times an appliance keeps by habit, learned plainly from the starts of its jobs.

Days are those of UTC, counted from 1970; times are seconds since then.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400
_FIRST_DAY = date(1970, 1, 1)


class Start(NamedTuple):
    """When a job started, in seconds since 1970, whether by a schedule, and whether it failed."""

    at: int
    scheduled: bool
    failed: bool


class Habit(NamedTuple):
    """A due time of the day (seconds), how long before it a run may start, and on which days."""

    due: int
    early: int
    is_on: Callable[[date], bool]
    kind: object

    def same(self, other: Habit) -> bool:
        """Return whether two habits are the same."""
        return (self.due, self.early, self.kind) == (other.due, other.early, other.kind)


def learned(starts: Sequence[Start]) -> list[Habit]:
    """Return the habits that the starts before some noon show."""
    if not starts:
        return []
    window = [one for one in starts if one.at >= starts[-1].at - 42 * DAY]
    window = window if len(window) >= 12 else list(starts[-12:])
    times = [one.at for one in window if one.scheduled]
    if len(times) < 4:
        times = [
            one.at
            for place, one in enumerate(window)
            if not (
                place and window[place - 1].failed and one.at - window[place - 1].at <= 4 * HOUR
            )
        ]
    if len(times) < 4:
        return []
    recent = [at for at in times if at >= times[-1] - 42 * DAY]
    times = recent if len(recent) >= 12 else times[-12:]
    night = _begin_of_day(times)
    counted = sorted({(at - night) // DAY for at in times})
    pause = _pause(counted)
    found = []
    for group in _by_time_of_day(times, night):
        lately = sorted((at - night) % DAY for at in group[-14:])
        latest = night + lately[-1 - len(lately) // 10]
        due = latest // 300 * 300
        shift = due // DAY
        days = sorted({(at - night) // DAY + shift for at in group})
        kind = _kind(days, counted[-1] + shift, {day + shift for day in pause})
        if kind is not None:
            early = due - (night + lately[0]) + 3 * HOUR
            found.append(Habit(due - shift * DAY, early, _is_on(kind), kind))
    return found


def _begin_of_day(times: Sequence[int]) -> int:
    """Return the middle of the longest time of day without a start; before noon, or negative."""
    of_day = sorted({at % DAY for at in times})
    around = list(pairwise([*of_day, of_day[0] + DAY]))
    longest = max(after - before for before, after in around)
    before = max(before for before, after in around if after - before == longest)
    middle = (before + longest // 2) % DAY
    return middle - DAY if middle > 12 * HOUR else middle


def _by_time_of_day(times: Sequence[int], night: int) -> list[list[int]]:
    """Return the starts in groups that are more than 90 minutes apart, as clocks show them."""
    groups: list[list[int]] = []
    before = -DAY
    for at in sorted(times, key=lambda at: (at - night) % DAY):
        of_day = (at - night) % DAY
        if of_day - before > 90 * 60:
            groups.append([])
        groups[-1].append(at)
        before = of_day
    return [sorted(group) for group in groups]


def _pause(days: Sequence[int]) -> set[int]:
    """Return the days of the longest time without starts, if it is twice as long as any other."""
    gaps = sorted((after - before, before) for before, after in pairwise(days))
    if len(gaps) < 3 or gaps[-1][0] < 2 * gaps[-2][0]:
        return set()
    long, before = gaps[-1]
    return set(range(before + 1, before + long))


def _kind(days: Sequence[int], last: int, pause: set[int]) -> tuple[object, ...] | None:
    """Return the pattern of days: weekly, every so many days, or monthly; None without any."""
    if len(days) < 3:
        return None
    gaps = [after - before for before, after in pairwise(days)][-6:]
    usual = sorted(gaps)[(len(gaps) - 1) // 2]
    ago = last - days[-1]
    if 26 <= usual <= 36 and ago < 3 * 36:
        monthly = _monthly([_date(day) for day in days[-3:]])
        if monthly is not None:
            return monthly
    often = max(gaps, key=lambda gap: (gaps.count(gap), -gaps.index(gap)))
    if (
        often not in (1, 7)
        and often <= 28
        and all(gap % often == 0 for gap in gaps)
        and gaps.count(often) >= max(3, len(gaps) * 3 / 4)
    ):
        return ("every", often, days[-1] % often) if ago < 3 * often else None
    return _weekly(days, last, pause) if usual <= 7 else None


def _weekly(days: Sequence[int], last: int, pause: set[int]) -> tuple[object, ...] | None:
    """Return the weekdays that had a start at least every other time in the last four weeks."""
    came = [day for day in range(max(days[0], last - 27), last + 1) if day not in pause]
    ran = [day for day in came if day in days]
    some = [day for day in days if day >= max(days[0], last - 27)]
    weekdays = {
        number
        for number in range(7)
        if (of := sum(day % 7 == number for day in ran))
        and 2 * of >= sum(day % 7 == number for day in came)
    }
    kept = sum(day % 7 in weekdays for day in ran)
    expected = sum(day % 7 in weekdays for day in came)
    missed = sum(day % 7 in weekdays for day in range(days[-1] + 1, last + 1))
    is_kept = kept >= 3 and missed < 4 and kept >= 0.75 * expected and kept >= 0.7 * len(some)
    return ("weekly", *sorted(weekdays)) if is_kept else None


def _monthly(latest: Sequence[date]) -> tuple[object, ...] | None:
    ends = [_is_last(day) for day in latest]
    longest = max(day.day for day in latest)
    if all(
        day.day == longest or (day.day < longest and end)
        for day, end in zip(latest, ends, strict=True)
    ):
        return ("last",) if all(ends) else ("day", longest)
    which = {(day.weekday(), (day.day - 1) // 7) for day in latest}
    return ("nth", *which.pop()) if len(which) == 1 else None


def _is_last(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _is_on(kind: tuple[object, ...]) -> Callable[[date], bool]:
    """Return whether a date is one of a pattern."""
    name, *of = kind
    rules: dict[object, Callable[[date], bool]] = {
        "weekly": lambda day: (day - _FIRST_DAY).days % 7 in of,
        "every": lambda day: (day - _FIRST_DAY).days % of[0] == of[1],  # type: ignore[operator]
        "last": _is_last,
        "day": lambda day: day.day == of[0] or (day.day < of[0] and _is_last(day)),  # type: ignore[operator]
        "nth": lambda day: [day.weekday(), (day.day - 1) // 7] == of,
    }
    return rules[name]


def _date(day: int) -> date:
    return _FIRST_DAY + timedelta(days=day)
