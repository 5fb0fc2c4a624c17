"""Prune the jobs of past years: their details go, their totals stay.

It runs in parts. Each is a transaction that leaves a whole archive, in which every total is the same as
before; a process that is killed is continued by the next one, since what is left to do follows from the
jobs that are left. Appliances on legal hold are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.maintenance.prunable import Cut, limit, months_before, prunable, settled
from archive.store import (
    anomalies,
    judged_appliances,
    judged_backups,
    maintenance_log,
    pruned_periods,
    pruned_totals,
    seen_documents,
    settings,
    size_forecasts,
)
from archive.store.chunks import chunks
from archive.store.job_writer import delete_jobs
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Connection, Engine

    from archive.calendar import Calendar
    from archive.store.judged_appliances import Appliance
    from archive.store.pruned_totals import PrunedJob

# Jobs of a transaction: imports wait for its end.
JOBS_AT_A_TIME = 2000
# Rows that belong to a job, and go with it.
_OF_JOBS = (
    tables.message,
    tables.job_status,
    tables.job_finding,
    tables.job_error,
    tables.irregular_document,
)


class Prunable(NamedTuple):
    """What would be pruned of an appliance, or is kept by a legal hold (`is_held`).

    `rows` are those of all tables, messages included. Days are ISO dates; failed jobs that are kept
    longer are in `failures_kept`.
    """

    appliance: str
    jobs: int
    messages: int
    rows: int
    first_day: str
    last_day: str
    failures_kept: int
    is_held: bool


def plan(connection: Connection, cut: Cut) -> list[Prunable]:
    """Return what would be pruned now, by the name of the appliance; nothing is changed."""
    calendar = settings.calendar(connection)
    held = _held(connection)
    found = []
    for one in judged_appliances.appliances(connection, calendar):
        period = limit(connection, calendar, one, cut)
        if period is None:
            continue
        jobs = list(prunable(connection, calendar, one.id, period.until, cut))
        if not jobs:
            continue
        numbers = [_count(connection, table, one.id, jobs) for table in _OF_JOBS]
        everything = Cut(cut.jobs, cut.jobs)
        before = sum(1 for _ in prunable(connection, calendar, one.id, period.until, everything))
        found.append(
            Prunable(
                one.name, len(jobs), numbers[0], len(jobs) + sum(numbers), jobs[0].day, jobs[-1].day,
                before - len(jobs), one.id in held,
            )
        )  # fmt: skip
    return found


def prune(engine: Engine, cut: Cut, on_jobs: Callable[[int], None] = lambda _: None) -> int:
    """Prune all jobs before a cut, and return how many; `on_jobs` gets the number after each part.

    Raises DatabaseError; what was pruned until then stays pruned.
    """
    with db.reading(engine) as connection:
        query = sa.select(tables.appliance.c.id).order_by(tables.appliance.c.name)
        left = list(connection.execute(query).scalars())
    done = 0
    while left:
        with db.writing(engine) as connection:
            # No import may run meanwhile: it would remember what goes.
            db.lock(connection, ["calendar"])
            pruned = _prune_some(connection, left, cut)
        done += pruned
        on_jobs(done)
    return done


def _prune_some(connection: Connection, left: list[int], cut: Cut) -> int:
    """Prune jobs of the first appliances, which are taken off the list when they are done."""
    calendar, held = settings.calendar(connection), _held(connection)
    names: list[str] = []
    done = 0
    while left and done < JOBS_AT_A_TIME:
        ended = True
        for one in judged_appliances.appliances(connection, calendar, left[:1]):
            if one.id not in held:
                jobs, ended = _prune_one(connection, calendar, one, cut)
                done += jobs
                names += [one.name] if jobs else []
        if not ended:
            break
        del left[0]
    if done:
        failures = "" if cut.failures == cut.jobs else f", failures before {cut.failures}"
        of = names[0] if len(names) == 1 else None
        many = "" if of else f" of {counted(len(names), 'appliance')}"
        detail = f"before {cut.jobs}{failures}{many}"
        maintenance_log.record(connection, maintenance_log.PRUNE, of, jobs=done, detail=detail)
    return done


def _prune_one(
    connection: Connection, calendar: Calendar, one: Appliance, cut: Cut
) -> tuple[int, bool]:
    """Prune jobs of an appliance: return how many, and whether these were all."""
    judged_backups.judge(connection, calendar, {one.id: None})
    period = limit(connection, calendar, one, cut)
    if period is None:
        return 0, True
    jobs = list(prunable(connection, calendar, one.id, period.until, cut))
    if not jobs:
        return 0, True
    ended = True
    if len(jobs) > JOBS_AT_A_TIME:
        last = jobs[JOBS_AT_A_TIME].day
        known = one.pruned
        if known is not None and last < calendar.day(known.until):  # kept failures of earlier years
            jobs, period, ended = jobs[:JOBS_AT_A_TIME], known, False
        else:
            # Whole months, at least one.
            day = max(months_before(last, 0), months_before(jobs[0].day, -1))
            part = settled(connection, calendar, one, day)
            if part is not None and part.until < period.until:
                period, ended = part, False
                jobs = list(prunable(connection, calendar, one.id, period.until, cut))
    _delete(connection, one.id, jobs)
    count = (0 if one.pruned is None else one.pruned.jobs) + len(jobs)
    period = period._replace(jobs=count, pruned_at=timestamps.now())
    pruned_periods.store(connection, one.id, period)
    anomalies.judge_again(connection, [one.id])
    size_forecasts.compute_again(connection, [one.id])
    return len(jobs), ended


def _delete(connection: Connection, appliance_id: int, jobs: Sequence[PrunedJob]) -> None:
    """Delete jobs of an appliance with all that belongs to them, after their totals are added."""
    pruned_totals.add(connection, appliance_id, jobs)
    expected = tables.expected_backup
    ids = sorted(one.id for one in jobs)
    for chunk in chunks(ids):
        # Numbers are given again: none of a job that is gone may stay.
        connection.execute(
            sa.update(expected)
            .where(expected.c.appliance_id == appliance_id, expected.c.job_id.in_(chunk))
            .values(job_id=None)
        )
    delete_jobs(connection, appliance_id, ids)
    seen_documents.remove(connection, appliance_id, set(ids))


def _held(connection: Connection) -> set[int]:
    """Return the ids of the appliances on legal hold."""
    table = tables.appliance
    return set(
        connection.execute(sa.select(table.c.id).where(table.c.held_at.is_not(None))).scalars()
    )


def _count(
    connection: Connection, table: sa.Table, appliance_id: int, jobs: Sequence[PrunedJob]
) -> int:
    """Return the number of rows of a table that belong to jobs."""
    query = sa.select(sa.func.count()).select_from(table)
    return sum(
        connection.execute(
            query.where(table.c.appliance_id == appliance_id, table.c.job_id.in_(chunk))
        ).scalar_one()
        for chunk in chunks(one.id for one in jobs)
    )
