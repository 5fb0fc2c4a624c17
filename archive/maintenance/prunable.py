"""Which jobs of an appliance can be pruned without a change of its present state.

The last success and what came after it are kept, whatever their age. So are the jobs without which another
backup would be expected, or another RPO would hold: where habits are learned, these are some weeks.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.calendar import iso, ordinal
from archive.db import tables
from archive.store import appliance_history, pruned_periods
from archive.store.appliance_judge import ApplianceJudge
from archive.store.folded_streaks import folded
from archive.store.import_intervals import usual_intervals
from archive.store.judgement_rows import Changes
from archive.store.pruned_periods import PrunedPeriod
from archive.store.pruned_totals import PrunedJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.judgement.streaks import Streaks
    from archive.store.judged_appliances import Appliance

_JOB, _STANDING, _EXPECTED = tables.job, tables.appliance_standing, tables.expected_backup
# So many months more are kept, one number after the other, until the judgement does not change.
_MORE_MONTHS = (0, 1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48)
# The first day that is judged by the jobs left is moved so often at most.
_MOVES = 6
_DAY, _NUMBER, _DUE_TIME, _OUTCOME = 1, 2, 3, 6


class Cut(NamedTuple):
    """The days (ISO, the first of a month each) from which on jobs and failed jobs are kept."""

    jobs: str
    failures: str


def limit(
    connection: Connection, calendar: Calendar, one: Appliance, cut: Cut
) -> PrunedPeriod | None:
    """Return what an appliance's pruned period is when all jobs before a cut are pruned that can be.

    It ends at the first day of a month. None: nothing can be pruned, or nothing more than was.
    """
    known = one.pruned
    last = _last_success(connection, one.id)
    first = _first_job(connection, one)
    if last is None or first is None:
        return known
    until = min(cut.jobs, last[:8] + "01")
    for months in _MORE_MONTHS:
        day = months_before(until, months)
        if day <= first or (known is not None and calendar.start(day) <= known.until):
            break
        found = settled(connection, calendar, one, day)
        if found is not None:
            return found
    return known


def settled(
    connection: Connection, calendar: Calendar, one: Appliance, day: str
) -> PrunedPeriod | None:
    """Return the period if jobs of days before `day` (ISO) can go; None: the judgement would change.

    What was expected in the first weeks afterwards may follow from jobs that go. It then stays as it is
    stored, until the first day from which on the jobs left give the same.
    """
    until = calendar.start(day)
    query = sa.select(_EXPECTED).where(_EXPECTED.c.appliance_id == one.id)
    query = query.order_by(_EXPECTED.c.day, _EXPECTED.c.number)
    stored = [tuple(row) for row in connection.execute(query)]
    standing = connection.execute(
        sa.select(_STANDING).where(_STANDING.c.appliance_id == one.id)
    ).one()
    usual = usual_intervals(connection, {one.id: one.last_seen}).get(one.id)
    before = 0 if one.pruned is None else one.pruned.jobs
    streaks = _streaks(connection, one, day)
    judged_from = until
    for _ in range(_MOVES):
        period = PrunedPeriod(until, judged_from, before, timestamps.now(), streaks)
        changes = Changes()
        left = one.without(period, calendar)
        ApplianceJudge(connection, calendar, left, None).run_anew(usual, changes)
        # The second column says from when on jobs are not judged yet.
        is_same = changes.standings[0][2:] == tuple(standing)[2:]
        if changes.new == stored:
            return period if is_same else None
        following = _equal_from(calendar, stored, changes.new)
        if following is None or following <= judged_from:
            return None
        judged_from = following
    return None


def _equal_from(
    calendar: Calendar, stored: list[tuple[Any, ...]], judged: list[tuple[Any, ...]]
) -> str | None:
    """Return the start of the first day from which on rows are the same, with all that are open."""
    found = None
    for one, other in zip(reversed(stored), reversed(judged), strict=False):
        if one != other:
            break
        if one[_NUMBER] == 1:
            found = calendar.start(one[_DAY])
    open_from = next((row[_DUE_TIME] for row in stored if row[_OUTCOME] is None), None)
    return None if found is None or (open_from is not None and open_from < found) else found


def prunable(
    connection: Connection, calendar: Calendar, appliance_id: int, until: str, cut: Cut
) -> Iterator[PrunedJob]:
    """Yield the jobs that can go, by day: those that began before `until`, but no failures to be kept.

    A job whose start is not known is kept, since nothing would keep it from coming back.
    """
    day = calendar.day(until)
    query = (
        sa.select(*(_JOB.c[name] for name in PrunedJob._fields))
        .where(
            _JOB.c.appliance_id == appliance_id,
            _JOB.c.day < sa.literal(day, _JOB.c.day.type),
            sa.or_(
                _JOB.c.status != "FAILED", _JOB.c.day < sa.literal(cut.failures, _JOB.c.day.type)
            ),
        )
        .order_by(_JOB.c.day, _JOB.c.id)
    )
    for job in map(PrunedJob._make, connection.execute(query)):
        at = pruned_periods.began(job.key, job.start_time)
        if at is not None and at < until:
            yield job


def months_before(day: str, months: int) -> str:
    """Return the first day (ISO) of the month that many months before that of a day."""
    number = max(12 * int(day[:4]) + int(day[5:7]) - 1 - months, 12)
    return date(number // 12, number % 12 + 1, 1).isoformat()


def _last_success(connection: Connection, appliance_id: int) -> str | None:
    """Return the day (ISO) of the success from which an appliance's present state follows."""
    return connection.execute(
        sa.select(_JOB.c.day)
        .join_from(
            _STANDING,
            _JOB,
            (_JOB.c.appliance_id == _STANDING.c.appliance_id)
            & (_JOB.c.id == _STANDING.c.success_id),
        )
        .where(_STANDING.c.appliance_id == appliance_id)
    ).scalar()


def _first_job(connection: Connection, one: Appliance) -> str | None:
    """Return the first day (ISO) with jobs that take part in the judgement."""
    kind = _JOB.c.day.type
    query = sa.select(sa.func.min(_JOB.c.day, type_=kind)).where(
        _JOB.c.appliance_id == one.id, _JOB.c.day >= sa.literal(iso(one.floor), kind)
    )
    return connection.execute(query).scalar()


def _streaks(connection: Connection, one: Appliance, day: str) -> Streaks:
    """Return the streaks of the finished jobs before a day, with those of jobs pruned already."""
    rows = appliance_history.jobs(connection, one.id, one.floor, None, floor=one.floor).ordered
    known = pruned_periods.NO_STREAKS if one.pruned is None else one.pruned.streaks
    _, found = folded(
        None, known, [row for row in rows if row.day < day and ordinal(row.day) >= one.floor]
    )
    return found
