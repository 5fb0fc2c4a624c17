"""Undo an import: the archive is then as if it had never come, except for its line in the log.

It relies on what each row says of its import (`run_id`, and the instants at which imports were
seen). Everything that follows from jobs is calculated anew afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.errors import UsageError
from archive.maintenance.hold import require_released
from archive.maintenance.undone_times import correct_days, forget_statuses
from archive.store import (
    appliance_rows,
    joined_histories,
    judged_backups,
    maintenance_log,
    pruned_periods,
    seen_documents,
    settings,
    totals,
)
from archive.store.job_writer import delete_jobs
from archive.store.last_seen import set_last_seen
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

UNDONE = "undone"


class Undone(NamedTuple):
    """What an undo changed: jobs deleted, jobs that other imports brought too, documents released."""

    jobs: int
    kept: int
    quarantined: int


class _Import(NamedTuple):
    """An import: its number, when it was seen (a fixed-width UTC instant), and its outcome."""

    id: int
    seen_at: str
    outcome: str


class _Job(NamedTuple):
    """A job whose document an import wrote; `others`: other imports had brought it before."""

    id: int
    last_seen: str
    others: bool


def undo(engine: Engine, number: int) -> Undone:
    """Take back what an import alone brought, in one transaction.

    Jobs that later imports brought, too, stay, as first seen with the next of them. Raises UsageError,
    with nothing changed, for an unknown import, for one whose jobs were pruned or are of expected backups
    that cannot be judged again since a prune, or for one that replaced the documents of jobs: their
    earlier state is not kept.

    Undoing the imports of a wrong appliance one after the other deletes the appliance with the
    last. Raises DatabaseError.
    """
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"])  # no import may run meanwhile
        run = _find(connection, number)
        appliances = _appliances(connection, run)
        require_released(connection, appliances)
        if pruned_periods.lack_jobs_of(connection, run.id, appliances):
            raise UsageError(f"jobs of import {run.id} were pruned, so it cannot be undone")
        if pruned_periods.settled_by_jobs_of(connection, run.id, appliances):
            raise UsageError(
                f"backups that were expected soon after pruned ones have jobs of import {run.id}, so it"
                " cannot be undone: without the pruned jobs they cannot be judged again"
            )
        brought = {appliance: list(_jobs(connection, run, appliance)) for appliance in appliances}
        changed = sum(job.others for jobs in brought.values() for job in jobs)
        if changed:
            raise UsageError(
                f"import {number} replaced the documents of {counted(changed, 'job')} that other"
                " imports had brought before; it cannot be undone, because those are not kept"
            )
        calendar = settings.calendar(connection)
        # Nothing shows from when on the judgement differs: it is made anew below.
        judged_backups.forget(connection, appliances)
        gone = kept = 0
        for appliance, jobs in brought.items():
            # What was seen later was brought by another import, too.
            alone = [job.id for job in jobs if job.last_seen <= run.seen_at]
            others = [job for job in jobs if job.last_seen > run.seen_at]
            gone, kept = gone + len(alone), kept + len(others)
            delete_jobs(connection, appliance, alone)
            _hand_over(connection, run, appliance, others)
            forget_statuses(connection, run.id, run.seen_at, appliance)
            correct_days(connection, calendar, appliance)
            _forget_seen(connection, run, appliance)
            _forget_facts(connection, run, appliance)
            _narrow(connection, run, appliance)
        held = _release(connection, run)
        run_table = tables.ingest_run
        connection.execute(
            sa.update(run_table).where(run_table.c.id == run.id).values(outcome=UNDONE)
        )
        maintenance_log.record(
            connection, maintenance_log.UNDO, jobs=gone, detail=f"import {run.id}"
        )
        totals.rebuild(connection)
        judged_backups.judge(connection, calendar, dict.fromkeys(appliances, None))
    return Undone(gone, kept, held)


def _find(connection: Connection, number: int) -> _Import:
    """Return an import. Raises UsageError for an unknown one, and for one that is undone already."""
    run = tables.ingest_run
    query = sa.select(run.c.id, run.c.seen_at, run.c.outcome).where(run.c.id == number)
    found = connection.execute(query).first()
    if found is None:
        raise UsageError(f"no import {number}: see `archive log imports`")
    if found.outcome == UNDONE:
        raise UsageError(f"import {number} is undone already")
    return _Import(*found)


def _appliances(connection: Connection, run: _Import) -> list[int]:
    """Return the appliances of an import: its own, or those of its lines."""
    job, table = tables.job, tables.ingest_run
    own = sa.select(table.c.appliance_id).where(
        table.c.id == run.id, table.c.appliance_id.is_not(None)
    )
    query = sa.union(own, sa.select(job.c.appliance_id).where(job.c.run_id == run.id))
    return sorted(connection.execute(query).scalars())


def _jobs(connection: Connection, run: _Import, appliance: int) -> Iterator[_Job]:
    """Yield the jobs whose document an import wrote, with what other imports knew of them."""
    job, status = tables.job, tables.job_status
    last_seen = next(
        column for column in seen_documents.job_columns() if column.key == job.c.last_seen.key
    )
    # A status that another import had observed by then shows that it brought the job before.
    others = sa.exists().where(
        status.c.appliance_id == job.c.appliance_id,
        status.c.job_id == job.c.id,
        status.c.run_id != run.id,
        status.c.observed_at <= run.seen_at,
    )
    query = (
        sa.select(job.c.id, last_seen, others.label("others"))
        .select_from(seen_documents.joined())
        .where(job.c.appliance_id == appliance, job.c.run_id == run.id)
    )
    for row in connection.execute(query):
        yield _Job(row.id, row.last_seen, bool(row.others))


def _others(connection: Connection, run: _Import, appliance: int) -> list[_Import]:
    """Return the other imports of an appliance, in the order in which they were seen."""
    table = tables.ingest_run
    query = (
        sa.select(table.c.id, table.c.seen_at, table.c.outcome)
        .where(
            table.c.appliance_id == appliance,
            table.c.id != run.id,
            table.c.outcome.in_(("complete", "running")),
        )
        .order_by(table.c.seen_at, table.c.id)
    )
    return [_Import(*row) for row in connection.execute(query)]


def _hand_over(connection: Connection, run: _Import, appliance: int, jobs: list[_Job]) -> None:
    """Make the next import the one that brought these jobs first.

    Imports of several appliances are not among those of one: a job that was last seen with such an
    import, before the next one, was seen first then.
    """
    later = [one for one in _others(connection, run, appliance) if one.seen_at > run.seen_at]
    if not jobs or not later:
        return
    job, status, following = tables.job, tables.job_status, later[0]
    for number, last_seen, _ in jobs:
        of_job = (job.c.appliance_id == appliance, job.c.id == number)
        first_seen = min(following.seen_at, last_seen)
        connection.execute(
            sa.update(job).where(*of_job).values(first_seen=first_seen, run_id=following.id)
        )
        connection.execute(
            sa.update(status)
            .where(
                status.c.appliance_id == appliance,
                status.c.job_id == number,
                status.c.run_id == run.id,
            )
            .values(observed_at=first_seen, run_id=following.id)
        )


def _before(connection: Connection, run: _Import, appliance: int) -> str | None:
    """Return when the import before this one was seen; None if there is none.

    It may have been at the same time: files of one command are.
    """
    earlier = [one for one in _others(connection, run, appliance) if one.seen_at <= run.seen_at]
    return earlier[-1].seen_at if earlier else None


def _forget_seen(connection: Connection, run: _Import, appliance: int) -> None:
    """Take back that jobs of earlier imports were seen with this one."""
    before = _before(connection, run, appliance)
    job, latest = tables.job, tables.latest_import
    left = set(
        connection.execute(sa.select(job.c.id).where(job.c.appliance_id == appliance)).scalars()
    )
    row = connection.execute(sa.select(latest).where(latest.c.appliance_id == appliance)).first()
    if before is not None:
        seen = sa.select(job.c.id).where(
            job.c.appliance_id == appliance, job.c.last_seen == run.seen_at
        )
        set_last_seen(connection, appliance, connection.execute(seen).scalars().all(), before)
    if row is None:
        return
    # Deleted jobs are no longer in the latest import either.
    known = {mark: one for mark, one in seen_documents.decode(row.documents).items() if one in left}
    change: dict[str, Any] = {"documents": seen_documents.encode(known)}
    if row.seen_at == run.seen_at:
        if before is None:
            set_last_seen(connection, appliance, known.values(), run.seen_at)
            connection.execute(sa.delete(latest).where(latest.c.appliance_id == appliance))
            return
        change["seen_at"] = before
    connection.execute(sa.update(latest).where(latest.c.appliance_id == appliance).values(**change))


def _forget_facts(connection: Connection, run: _Import, appliance: int) -> None:
    """Take back what a collection learned about the appliance with this import."""
    attempt = tables.attempt
    query = sa.select(attempt.c.run_id).where(attempt.c.run_id == run.id)
    if connection.execute(query).first() is not None:
        joined_histories.take_back(connection, appliance, run.seen_at)


def _narrow(connection: Connection, run: _Import, appliance: int) -> None:
    """Set when the appliance was seen from its other imports; delete it if there is nothing else."""
    job, table = tables.job, tables.appliance
    others = _others(connection, run, appliance)
    seen = sa.select(sa.func.min(job.c.first_seen), sa.func.max(job.c.last_seen))
    first, last = connection.execute(seen.where(job.c.appliance_id == appliance)).one()
    instants = [one.seen_at for one in others] + [at for at in (first, last) if at is not None]
    # What is left shows when it was seen; otherwise it came with this import alone.
    if instants:
        connection.execute(
            sa.update(table)
            .where(table.c.id == appliance)
            .values(first_seen=min(instants), last_seen=max(instants))
        )
        return
    appliance_rows.delete(connection, appliance)


def _release(connection: Connection, run: _Import) -> int:
    """Delete the quarantined documents that this import alone brought; return how many."""
    table = tables.quarantine
    return connection.execute(
        sa.delete(table).where(table.c.run_id == run.id, table.c.last_seen <= run.seen_at)
    ).rowcount
