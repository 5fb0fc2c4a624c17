"""Judge the appliances in scope from their jobs, as of any instant.

It gives what the stored judgement gives, for the times and filters that the latter does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.calendar import FIRST_DAY, ordinal, start
from archive.judgement import expected, reporting, rpo, standing
from archive.judgement.expected import Imports
from archive.judgement.local_time import instant, seconds
from archive.reports.core.judged import Expectation, Judged, Standing
from archive.store import appliance_history, import_intervals, judged_appliances, settings
from archive.store.appliance_history import JobTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.judgement.expected import Expected
    from archive.judgement.rpo import Rpo
    from archive.reports.core.scope import Scope
    from archive.store.appliance_history import Jobs
    from archive.store.judged_appliances import Appliance


def judged(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any]
) -> Iterator[Judged]:
    """Yield the appliances in scope by name, each with its expected backups and their outcomes.

    `columns` are selected for each job in addition to those that judging needs. As of an earlier
    instant than the last import, later imports count as not known yet.
    """
    calendar = settings.calendar(connection)
    now = seconds(scope.now)
    today = ordinal(calendar.day(scope.now))
    since = FIRST_DAY if scope.since is None else max(FIRST_DAY, ordinal(scope.since))
    until = today if scope.until is None else min(today, ordinal(scope.until))
    known = list(appliances(connection, scope))
    usual = import_intervals.usual_intervals(
        connection, {one.id: min(one.last_seen, scope.now) for one in known}
    )
    for one in known:
        if since > until:
            yield Judged(one.name, [])
            continue
        # The limit of imports follows from the RPO, and that from recent days, whatever days are
        # asked for.
        found, jobs, believed = _found(connection, calendar, one, scope.now, since, columns)
        allowed = _rpo(connection, one, found, believed, scope.now)
        limit = reporting.limit(usual.get(one.id), allowed.seconds or 0)
        last_seen = seconds(min(one.last_seen, scope.now))
        imports = Imports(last_seen, now > last_seen + limit)
        judged = (_expectation(calendar, row, jobs, imports, now) for row in found)
        yield Judged(
            one.name, [row for row in judged if row is not None and since <= row.day <= until]
        )


def appliances(connection: Connection, scope: Scope) -> Iterator[Appliance]:
    """Yield the appliances in scope, ordered by name."""
    ids = scope.appliance_ids(connection)
    cadences = dict(scope.cadences)
    for one in judged_appliances.appliances(connection, settings.calendar(connection), ids):
        # The configuration has the last word, although the archive may not have recorded it yet.
        if one.name in cadences:
            yield one._replace(known=one.known._replace(cadence=cadences[one.name]))
        else:
            yield one


def standings(connection: Connection, scope: Scope) -> Iterator[Standing]:
    """Yield how each appliance in scope stands as of its last import, ordered by name.

    It reads the jobs of 100 days for each appliance, or all if none of these met an expected backup.
    """
    calendar = settings.calendar(connection)
    known = list(appliances(connection, scope))
    usual = import_intervals.usual_intervals(
        connection, {one.id: min(one.last_seen, scope.now) for one in known}
    )
    for one in known:
        found, jobs, believed = _found(connection, calendar, one, scope.now)
        if 0 < len(found) < rpo.LATEST and all(row.outcome != expected.MET for row in found):
            # It may have been overdue since before these.
            found, jobs, believed = _found(connection, calendar, one, scope.now, FIRST_DAY)
        allowed = _rpo(connection, one, found, believed, scope.now)
        since = min(
            filter(
                None,
                (
                    standing.overdue_since(found, believed),
                    _limit(jobs, allowed.age_limit, believed),
                ),
            ),
            default=None,
        )
        following = standing.next_due(found, believed)
        last_seen = seconds(min(one.last_seen, scope.now))
        limit = reporting.limit(usual.get(one.id), allowed.seconds or 0)
        yield Standing(
            one.id,
            one.name,
            one.first_seen,
            one.last_seen,
            allowed,
            None if since is None else instant(since),
            None if following is None else instant(following),
            usual.get(one.id),
            instant(last_seen + limit),
            None if one.known.retired is None else instant(one.known.retired),
        )


# The RPO and what is overdue follow from so many seconds before the last import.
_RECENT = 100 * 86_400


def _found(
    connection: Connection,
    calendar: Calendar,
    one: Appliance,
    now: str,
    since: int | None = None,
    columns: Sequence[sa.ColumnElement[Any]] = (),
) -> tuple[list[Expected], Jobs, int]:
    """Return what is expected lately, or from a day (ordinal) on, the jobs, and until when they show it.

    The time is in seconds; see `expected.believed`.
    """
    last_seen = believed = seconds(min(one.last_seen, now))
    while True:
        first = max(ordinal(calendar.day(instant(believed - _RECENT))), FIRST_DAY)
        first = first if since is None else min(since, first)
        jobs = appliance_history.jobs(
            connection, one.id, _from(one, first), now, columns, floor=one.floor
        )
        last = jobs.judged[-1].at if jobs.judged else None
        before, believed = believed, expected.believed(one.known, last, last_seen)
        if believed == before:
            return _judged(calendar, one, jobs, first, believed), jobs, believed


def _judged(
    calendar: Calendar, one: Appliance, jobs: Jobs, first: int, last_seen: int
) -> list[Expected]:
    """Return the expected backups from a day on."""
    begun = max(_begun(one, jobs), seconds(start(calendar, max(first, one.floor))))
    found = expected.judge(one.known, jobs.judged, begun, last_seen + expected.LONGEST)
    return expected.ahead(found, last_seen)


def _rpo(
    connection: Connection, one: Appliance, found: list[Expected], last_seen: int, now: str
) -> Rpo:
    return rpo.rpo(
        one.rpo_seconds,
        one.known,
        found,
        last_seen,
        lambda: appliance_history.latest_successes(connection, one.id, now, one.floor),
    )


def _limit(jobs: Jobs, age_limit: int | None, last_seen: int) -> int | None:
    """Return since when the last success is older than its limit, as of the last import."""
    last = next((job.id for job in reversed(jobs.judged) if job.status == "SUCCEEDED"), None)
    if last is None or age_limit is None:
        return None
    row = jobs.rows[last]
    began = appliance_history.began(row)
    limit = seconds(max(began, row.end_time or began)) + age_limit
    return limit if limit < last_seen else None


def _from(one: Appliance, first: int) -> int:
    """Return the day from which on jobs are read; a cadence counts from the first success."""
    return first if one.known.cadence is None else one.floor


def _begun(one: Appliance, jobs: Jobs) -> int:
    """Return the first instant of which anything can be said."""
    first = one.known.first_seen
    return min([first, *(job.at for job in jobs.judged[:1])])


def _expectation(
    calendar: Calendar, row: Expected, jobs: Jobs, imports: Imports, now: int
) -> Expectation | None:
    """Return an expected backup with its outcome; None if it still has time, or a habit has changed."""
    outcome = expected.outcome(row, imports, now)
    # What a change of habit explains was not missed, and counts nowhere.
    if outcome is None or outcome == expected.CHANGED:
        return None
    due = instant(row.at)
    return Expectation(
        ordinal(calendar.day(due)),
        due,
        row.basis,
        outcome,
        None if row.job is None else jobs.rows[row.job][len(JobTimes._fields) :],
        row.attempts,
    )
