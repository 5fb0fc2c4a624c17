"""Merge two appliances that are one: as if all imports of both had come under one name.

It goes through the loader, job by job, since two appliances may have the same job in different
states. The jobs of the source are deleted afterwards, with everything else that has its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.document.parse import Observation, parse
from archive.errors import DatabaseError, UsageError
from archive.maintenance.appliances import Extent, changing, find
from archive.maintenance.joined_names import join_names
from archive.store import (
    appliance_rows,
    day_totals,
    job_reader,
    joined_histories,
    joined_imports,
    judged_backups,
    maintenance_log,
    pruned_periods,
    pruned_totals,
    received_documents,
    settings,
    shared_rows,
)
from archive.store.chunks import chunks
from archive.store.counts import Counts
from archive.store.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine

    from archive.store.job_reader import ArchivedJob

# Jobs loaded together, as an import does.
_BATCH = 2000


class Merged(NamedTuple):
    """What a merge did: the appliances before it, and the jobs that both had."""

    source: Extent
    target: Extent
    known: int


def merge(
    engine: Engine, name: str, into: str, on_jobs: Callable[[int, int], None] = lambda *_: None
) -> Merged:
    """Merge one appliance into another, in one transaction; the settings of the other one stay.

    Jobs are merged by the rules of imports: of a job that both have, the state with the higher rank
    stays. `on_jobs` is called with the number of jobs moved so far, and the number of all. Raises
    UsageError for unknown or equal names, and DatabaseError if a job is damaged.
    """
    with changing(engine) as connection:
        source, target = find(connection, name), find(connection, into)
        if source.name == target.name:
            raise UsageError(f"{source.name} cannot be merged into itself")
        known = 0
        if source.id is not None and target.id is not None:
            known = _join(connection, source.id, target.id, on_jobs)
            # What only states of jobs referred to that gave way to those of the other appliance.
            shared_rows.remove_unused(connection)
        elif source.id is not None:  # the other one has never answered
            table = tables.appliance
            connection.execute(
                sa.update(table).where(table.c.id == source.id).values(name=target.name)
            )
        join_names(connection, source.name, target.name)
        maintenance_log.record(
            connection, maintenance_log.MERGE, source.name, new_name=target.name, jobs=source.jobs
        )
    return Merged(source, target, known)


def _join(
    connection: Connection, source: int, target: int, on_jobs: Callable[[int, int], None]
) -> int:
    """Give everything of one appliance to another, and return the number of jobs that both had."""
    both = (source, target)
    pruned_periods.join(connection, source, target)
    # First: what is expected and anomalous follows from the jobs, and is made anew at the end.
    judged_backups.forget(connection, both)
    latest = [joined_imports.take_latest(connection, number) for number in both]
    before = [joined_imports.brought(connection, number) for number in both]
    _widen(connection, source, target)
    known = _load(connection, source, target, before[0].jobs, on_jobs)
    joined_imports.store_brought(connection, target, before)
    joined_imports.store_latest(connection, target, [one for one in latest if one is not None])
    joined_histories.join(connection, source, target)
    pruned_totals.join(connection, source, target)
    run = tables.ingest_run
    connection.execute(
        sa.update(run).where(run.c.appliance_id == source).values(appliance_id=target)
    )
    received_documents.hand_over(connection, source, target)
    # Before its jobs go: the loader has counted them for the other appliance.
    day_totals.subtract(connection, source)
    appliance_rows.delete(connection, source)
    judged_backups.judge(connection, settings.calendar(connection), {target: None})
    return known


def _load(
    connection: Connection,
    source: int,
    target: int,
    jobs: dict[str, tuple[bytes, int]],
    on_jobs: Callable[[int, int], None],
) -> int:
    """Load the jobs of one appliance as those of another; return how many the other one had.

    The imports of jobs are wrong until `joined_imports.store_brought` has stored the right ones.
    """
    if not jobs:
        return 0
    table = tables.appliance
    query = sa.select(table.c.name, table.c.last_seen).where(table.c.id == target)
    name, last_seen = connection.execute(query).one()
    # The number of an import that exists; the right ones are stored afterwards.
    run_id = min(run for _, run in jobs.values())
    calendar = settings.calendar(connection)
    loader = Loader(run_id, calendar, last_seen, refuses_pruned=False)
    counts = Counts()
    for batch in chunks(job_reader.jobs(connection, appliance_ids=[source]), _BATCH):
        loader.load(connection, [_observation(job, name) for job in batch], counts)
        on_jobs(counts.seen, len(jobs))
    loader.finish(connection)
    return counts.seen - counts.new


def _observation(job: ArchivedJob, name: str) -> Observation:
    """Return an archived job as an import brings it. Raises DatabaseError if it is damaged."""
    if not job.intact():
        raise DatabaseError(
            f"job {job.key} of {job.appliance} is damaged: run `archive db verify`; nothing has changed"
        )
    return Observation(name, job.key, parse(job.text.encode()), job.seen, None)


def _widen(connection: Connection, source: int, target: int) -> None:
    """Set when the appliance was seen, first and last, and whether it is on hold, from both."""
    table = tables.appliance
    both = table.c.id.in_((source, target))
    first, last, held = (
        sa.select(function(column, type_=column.type)).where(both).scalar_subquery()
        for function, column in (
            (sa.func.min, table.c.first_seen),
            (sa.func.max, table.c.last_seen),
            (sa.func.min, table.c.held_at),
        )
    )
    seen = connection.execute(sa.select(first, last, held)).one()
    names = ("first_seen", "last_seen", "held_at")
    connection.execute(
        sa.update(table).where(table.c.id == target).values(dict(zip(names, seen, strict=True)))
    )
