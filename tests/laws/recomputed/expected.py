"""Expected backups and what became of them, judged plainly: all of an appliance, from the beginning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.laws.recomputed import imports
from tests.laws.recomputed.habit import DAY, HOUR, WEEK, Habit, Start, learned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.laws.recomputed.jobs import Asked, Exported

# Jobs of a clock that was more than a day ahead are not judged.
_JOBS = """
SELECT
    epoch_us(made) // 1000000,
    epoch_us(greatest(made, coalesce(end_time, made))) // 1000000,
    status,
    type,
    CASE WHEN status = 'FAILED' THEN coalesce(
        json_extract_string(info, '$.messages[0].default_message'),
        json_extract_string(info, '$.error.messages[0].default_message'),
        json_extract_string(info, '$.error.value.messages[0].default_message')
    ) END
FROM theirs, asked
WHERE appliance = $name AND made <= now AND made <= first_seen + INTERVAL 1 DAY AND year(day) >= 2016
ORDER BY made, key
"""
_OPEN = ("PENDING", "BLOCKED", "RUNNING")


class Job(NamedTuple):
    """A job; times are in seconds since 1970."""

    at: int
    end: int
    status: str
    type: str
    message: str | None


class Due(NamedTuple):
    """When a backup is due, from when on one may start, and how late it may be."""

    at: int
    opens: int
    grace: int


class Row(NamedTuple):
    """An expected backup: `outcome` is met, failed, running, habit changed, or None without a job."""

    at: int
    grace: int
    outcome: str | None
    attempts: int
    message: str | None


class Judged(NamedTuple):
    """An appliance: its rows up to the first ones after the last import, and what follows from them."""

    rows: list[Row]
    basis: str
    rpo: int | None
    rpo_from: str
    overdue_since: int | None
    next_due: int | None
    last_import: int
    import_limit: int


def judged(exported: Exported, asked: Asked) -> dict[str, Judged]:
    """Return all appliances in scope by name, as of its time."""
    exported.ask(asked)
    found: dict[str, Judged] = {}
    for name, first_seen, last_seen in exported.rows(
        "SELECT appliance, first_seen, last_seen FROM last_import ORDER BY appliance"
    ):
        cadence = dict(asked.cadences).get(name)
        key = (name, asked.now, cadence)
        if key not in exported.outcomes:
            now = datetime.fromisoformat(asked.now).replace(tzinfo=None)
            last = min(last_seen, now)
            jobs = [Job._make(row) for row in exported.rows(_JOBS, name=name)]
            usual = imports.usual(exported, name, last)
            exported.outcomes[key] = _judged(
                jobs, seconds(first_seen), seconds(last), usual, cadence
            )
        found[name] = exported.outcomes[key]
    return found


def seconds(moment: datetime) -> int:
    """Return the whole seconds from 1970 to a time in UTC."""
    return int(moment.replace(tzinfo=UTC).timestamp() // 1)


def _judged(
    jobs: list[Job], first_seen: int, last: int, usual: int | None, cadence: int | None
) -> Judged:
    # Without a job for two years nothing more is expected, whatever an import's clock said.
    imported = last
    last = min(last, max([first_seen, *(job.at for job in jobs)]) + 731 * DAY)
    until = last + 66 * DAY
    if cadence is not None:
        basis, rows = "cadence", list(_by_cadence(jobs, first_seen, cadence, until))
    else:
        basis, rows = "learned", _by_habit(jobs, until)
    later = [row.at for row in rows if row.at > last]
    rows = [row for row in rows if row.at <= last + 8 * DAY or row.at == later[0]]
    following = [row.at for row in rows if row.at > last and row.outcome != "met"]
    rpo, rpo_from = _rpo(rows, last, basis, jobs, cadence)
    limit = max(50 * HOUR, rpo or 0) if usual is None else usual * 3 // 2
    overdue = _overdue_since(rows, last)
    good = [job for job in jobs if job.status == "SUCCEEDED"]
    if rpo_from == "irregular" and (old := good[-1].end + (rpo or 0)) < last:
        overdue = old if overdue is None else min(old, overdue)
    return Judged(
        rows, basis, rpo, rpo_from, overdue, following[0] if following else None, imported, limit
    )


def _rpo(
    rows: list[Row], last: int, basis: str, jobs: list[Job], cadence: int | None
) -> tuple[int | None, str]:
    before = [row for row in rows if row.at <= last]
    after = [row for row in rows if row.at > last]
    if after:
        lately = [row for row in before if row.at >= last - 42 * DAY] or before[-1:]
        lately = [*lately[-60:], *after]
        gaps = [later.at - one.at for one, later in pairwise(lately)]
        gap = cadence if basis == "cadence" else max(gaps, default=None)
        return (None if gap is None else gap + lately[-1].grace), basis
    good = [job.at for job in jobs if job.status == "SUCCEEDED"][-12:]
    gaps = [later - one for one, later in pairwise(good)]
    return (max(2 * max(gaps), 25 * HOUR), "irregular") if len(gaps) >= 3 else (None, "none")


def _overdue_since(rows: list[Row], last: int) -> int | None:
    """Return the due time of the first of the missed ones in a row, or of three of one time of day."""
    known = [row for row in rows if row.outcome == "met" or row.at + row.grace <= last][-60:]
    known = [row for row in known if row.outcome != "habit changed"]
    missed: list[Row] = []
    for row in reversed(known):
        if row.outcome == "met":
            break
        if missed or row.outcome != "running":
            missed.append(row)
    if missed:
        return missed[-1].at
    since = []
    lately = [row for row in reversed(known) if row.at > last - 42 * DAY]
    while lately:
        time = lately[0].at
        same = [row for row in lately if min((row.at - time) % DAY, (time - row.at) % DAY) <= 5400]
        lately = [row for row in lately if row not in same]
        number = next((n for n, row in enumerate(same) if row.outcome == "met"), len(same))
        if number >= 3 and last - time <= 2 * (time - same[1].at) + HOUR:
            since.append(same[number - 1].at)
    return min(since, default=None)


def _by_cadence(jobs: list[Job], first_seen: int, cadence: int, until: int) -> Iterator[Row]:
    """Yield what is due: a success within so many seconds of the start of the last one."""
    good = [job.at for job in jobs if job.status == "SUCCEEDED"]
    grace = max(HOUR, cadence // 12)
    since = min([first_seen, *good])
    while (due := since + cadence) < until:
        tried = [job for job in jobs if job.status != "SUCCEEDED" and since <= job.at < due + grace]
        met = max((at for at in good if since < at < due + grace), default=None)
        yield _row(Due(due, since, grace), tried, is_met=met is not None)
        since = due if met is None else met


def _row(due: Due, tried: Sequence[Job], *, is_met: bool) -> Row:
    if is_met:
        return Row(due.at, due.grace, "met", len(tried), None)
    if not tried:
        return Row(due.at, due.grace, None, 0, None)
    way = "running" if tried[-1].status in _OPEN else "failed"
    return Row(due.at, due.grace, way, len(tried), tried[-1].message)


def _by_habit(jobs: list[Job], until: int) -> list[Row]:
    """Return what habits expect."""
    starts = [Start(job.at, job.type == "SCHEDULED", job.status == "FAILED") for job in jobs]
    dues: list[Due] = []
    changes: list[tuple[int, list[Habit]]] = []
    for noon, held in _held(starts, until):
        if not changes or not _are_same(changes[-1][1], held):
            changes.append((noon, held))
        for at, opens in _due(held, noon):
            if at < until and (not dues or at - dues[-1].at >= HOUR):
                dues.append(Due(at, opens, 2 * HOUR))
    first_starts = [
        due.opens if before is None else max(due.opens, (before.at + due.at) // 2)
        for before, due in zip([None, *dues], dues, strict=False)
    ]
    rows = []
    for due, first, following in zip(
        dues, first_starts, [*first_starts[1:], until + WEEK], strict=False
    ):
        end = min(following, due.at + 7 * DAY)
        theirs = [job for job in jobs if first <= job.at < end]
        tried = [job for job in theirs if job.status != "SUCCEEDED"]
        rows.append(_row(due, tried, is_met=len(tried) < len(theirs)))
    return [
        row._replace(outcome="habit changed") if _is_explained(row, changes) else row
        for row in rows
    ]


def _held(starts: list[Start], until: int) -> Iterator[tuple[int, list[Habit]]]:
    """Yield each noon with the habits that hold until the next one.

    They are learned anew each Thursday, and each day after a start that they do not explain.
    """
    if not starts:
        return
    noon = (starts[0].at - DAY // 2) // WEEK * WEEK + DAY // 2
    held: list[Habit] = []
    is_kept = False
    while noon < until:
        is_thursday = (noon - DAY // 2) % WEEK == 0
        known = [one for one in starts if one.at < noon]
        due = [one for one in _due(held, noon - DAY) if one[0] >= noon - DAY]
        ran = [one.at for one in known if one.at >= noon - DAY]
        is_kept = (
            is_kept
            and not is_thursday
            and len(due) == len(ran)
            and all(
                opens <= at <= latest + HOUR for (latest, opens), at in zip(due, ran, strict=True)
            )
        )
        if not is_kept:
            held = learned(known)
        is_kept = is_kept or is_thursday
        yield noon, held
        noon += DAY


def _due(held: list[Habit], noon: int) -> list[tuple[int, int]]:
    """Return what is due from an hour before a noon until the next one, and from when on it is met."""
    days = [noon // DAY + place for place in range(-2, 3)]
    dues = [
        (day * DAY + one.due, day * DAY + one.due - one.early)
        for one in held
        for day in days
        if one.is_on(_date(day))
    ]
    return sorted(due for due in dues if noon - HOUR <= due[0] < noon + DAY)


def _are_same(some: list[Habit], others: list[Habit]) -> bool:
    return len(some) == len(others) and all(map(Habit.same, some, others))


def _is_explained(row: Row, changes: list[tuple[int, list[Habit]]]) -> bool:
    """Return whether a new habit of the next 35 days does not expect what did not run."""
    later = [held for noon, held in changes if row.at < noon < row.at + 35 * DAY and held]
    if row.outcome is not None or not later:
        return False
    return not any(
        one.is_on(_date(day))
        for one in later[-1]
        for day in range(row.at // DAY - 1, row.at // DAY + 2)
        if abs(day * DAY + one.due - row.at) <= 3 * HOUR
    )


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
