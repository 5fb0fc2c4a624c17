"""How an appliance stands: whether it is overdue, its state, and how much of a time was covered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps
from archive.calendar import ordinal
from archive.judgement.due_times import GRACE
from archive.judgement.expected import CHANGED, MET, RUNNING
from archive.judgement.local_time import DAY
from archive.judgement.rpo import LATEST, RECENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from archive.calendar import Calendar
    from archive.judgement.expected import Expected

OK, OVERDUE, NEVER, NO_RECENT_DATA = "ok", "overdue", "never", "no recent data"
RETIRED = "retired"
STATES = (NEVER, OVERDUE, NO_RECENT_DATA, OK, RETIRED)  # worst first
# So many missed backups in a row at one time of day are a problem, even if others succeed.
REPEATED = 3
# Due times that differ by no more, from day to day, are of one time of day.
_SAME_TIME = 90 * 60
# The resolution of instants: the last moment before one.
_TICK = timedelta(microseconds=1)


class Span(NamedTuple):
    """The time from an instant until before another.

    Both are fixed-width UTC instants.
    """

    first: str
    until: str


def next_due(found: Sequence[Expected], last_seen: int) -> int | None:
    """Return when the next backup is due as of the last import, if it has not succeeded early.

    `found` is in order of time; the result is in seconds.
    """
    return next((one.at for one in found if one.at > last_seen and one.outcome != MET), None)


def overdue_since(found: Sequence[Expected], last_seen: int) -> int | None:
    """Return since when a backup is due that was missed, as of the last import; None if none is.

    It is the due time of the first of the missed ones in a row: of the latest, or of REPEATED ones at
    one time of day. A backup in progress is not missed yet, but those before it are.

    `found` is in order of time; instants are in seconds.
    """
    passed = [one for one in found if one.outcome == MET or one.at + one.grace <= last_seen]
    # Those that a change explains count as well: it must not depend on what was due before these.
    passed = [one for one in passed[-LATEST:] if one.outcome != CHANGED]
    since = None
    for one in reversed(passed):
        if one.outcome == MET:
            break
        if since is not None or one.outcome != RUNNING:
            since = one.at
    return _repeated_since(passed, last_seen) if since is None else since


def _repeated_since(passed: Sequence[Expected], last_seen: int) -> int | None:
    """Return since when the backups of one time of day have been missed, if often enough."""
    times: list[list[Expected]] = []
    for one in reversed(passed):
        if one.at <= last_seen - RECENT:
            break
        for same in times:
            apart = abs(one.at - same[0].at) % DAY
            if min(apart, DAY - apart) <= _SAME_TIME:
                same.append(one)
                break
        else:
            times.append([one])
    missed = [since for same in times if (since := _missed_since(same, last_seen)) is not None]
    return min(missed, default=None)


def _missed_since(latest: Sequence[Expected], last_seen: int) -> int | None:
    """Return since when backups of a time of day, latest first, have been missed."""
    number = next((n for n, one in enumerate(latest) if one.outcome == MET), len(latest))
    if number < REPEATED:
        return None
    # A time of day that is no longer expected is history.
    gap = latest[0].at - latest[1].at
    return latest[number - 1].at if last_seen - latest[0].at <= 2 * gap + GRACE else None


class NextDue(NamedTuple):
    """When the next backup is due (a fixed-width UTC text), or why nobody can say what became of it.

    `passed` is PASSED_OVERDUE or PASSED_UNKNOWN; both are None where nothing is expected.
    """

    time: str | None
    passed: str | None


# Its due time has passed, and no import shows what became of it.
PASSED_OVERDUE, PASSED_UNKNOWN = "overdue", "unknown"


def still_due(next_due: str | None, state: str, now: str) -> NextDue:
    """Return when the next backup is due as of now, by what the last import has shown.

    A time that has passed stays until another import is missing: the next one will tell.

    Instants are fixed-width UTC texts.
    """
    if next_due is None or next_due > now or state == OK:
        return NextDue(next_due, None)
    if state == RETIRED:
        return NextDue(None, None)
    return NextDue(None, PASSED_OVERDUE if state in (OVERDUE, NEVER) else PASSED_UNKNOWN)


class Age(NamedTuple):
    """When the last success ended, None without any; how old it may become, in seconds, if limited."""

    end: str | None
    limit_seconds: int | None


def state(age: Age, overdue_since: str | None, last_seen: str, now: str, import_due: str) -> str:
    """Return the state of an appliance that is not RETIRED, as its last import shows it.

    OVERDUE: a backup was overdue, or the last success older than its limit, at the last import. It is
    NO_RECENT_DATA only where an import is missing: it was due before now.

    All instants are fixed-width UTC texts.
    """
    imported = timestamps.to_datetime(min(last_seen, now))
    if age.end is None:
        return NEVER
    if overdue_since is not None:
        return OVERDUE
    if age.limit_seconds is not None:
        until = timestamps.to_datetime(age.end) + timedelta(seconds=age.limit_seconds)
        if until < imported:
            return OVERDUE
    if import_due < now:
        return NO_RECENT_DATA
    return OK


def seconds_between(first: str, last: str) -> int:
    """Return the whole seconds from an instant to a later one.

    Negative if the second instant is the earlier one.
    """
    return (timestamps.to_datetime(last) - timestamps.to_datetime(first)) // timedelta(seconds=1)


def shares(
    calendar: Calendar, runs: Iterable[Span], rpo_seconds: int | None, span: Span
) -> tuple[float | None, float | None]:
    """Return the share of a span's time, and of its days, within the RPO; None of nothing, or without.

    That is where a success ended no longer ago than the RPO; of a day, all of it in the span. A run is
    the time from the end of a success to that of a later one, or of the same, without a longer gap
    between two of them.
    """
    if rpo_seconds is None or span.first >= span.until:
        return None, None
    first, until = timestamps.to_datetime(span.first), timestamps.to_datetime(span.until)
    uncovered = timedelta()
    outside: set[int] = set()
    rpo = timedelta(seconds=rpo_seconds)
    for begun, over in _gaps(sorted(runs), rpo, first, until):
        uncovered += over - begun
        outside.update(range(_day(calendar, begun), _day(calendar, over - _TICK) + 1))
    days = _day(calendar, until - _TICK) - _day(calendar, first) + 1
    whole = until - first
    return ((whole - uncovered) // _TICK) / (whole // _TICK), (days - len(outside)) / days


def _gaps(
    runs: Iterable[Span], rpo: timedelta, first: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what of a span no success covers."""
    covered = first
    for run in runs:
        begun = timestamps.to_datetime(run.first)
        if begun >= until:
            break
        if begun > covered:
            yield covered, begun
        covered = max(covered, timestamps.to_datetime(run.until) + rpo)
    if covered < until:
        yield covered, until


def _day(calendar: Calendar, moment: datetime) -> int:
    """Return the day (ordinal) of a moment in the archive's calendar."""
    return ordinal(calendar.day(timestamps.from_datetime(moment)))
