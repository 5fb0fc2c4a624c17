"""Join two appliances that are one: which imports brought their jobs, and which was the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.store import seen_documents
from archive.store.job_writer import update_jobs
from archive.store.last_seen import set_last_seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


class LatestImport(NamedTuple):
    """When an appliance's latest import was seen, and the keys of its jobs by fingerprint."""

    seen_at: str
    keys: dict[bytes, str]


class Brought(NamedTuple):
    """The imports that brought the jobs of an appliance, by key, and showed their statuses first.

    Jobs have their digest, statuses the time of observation.
    """

    jobs: dict[str, tuple[bytes, int]]
    statuses: dict[tuple[str, str], tuple[str, int]]


def take_latest(connection: Connection, appliance_id: int) -> LatestImport | None:
    """Give the jobs of an appliance's latest import a `last_seen` of their own, and return the import."""
    job, table = tables.job, tables.latest_import
    row = connection.execute(sa.select(table).where(table.c.appliance_id == appliance_id)).first()
    if row is None:
        return None
    unmarked = (job.c.appliance_id == appliance_id, job.c.last_seen.is_(None))
    found = connection.execute(sa.select(job.c.id, job.c.key).where(*unmarked))
    keys: dict[int, str] = dict(map(tuple, found))
    connection.execute(sa.update(job).where(*unmarked).values(last_seen=row.seen_at))
    connection.execute(sa.delete(table).where(table.c.appliance_id == appliance_id))
    documents = seen_documents.decode(row.documents)
    return LatestImport(
        row.seen_at, {mark: keys[number] for mark, number in documents.items() if number in keys}
    )


def store_latest(connection: Connection, appliance_id: int, found: Sequence[LatestImport]) -> None:
    """Store what is the latest import of an appliance, by the rule that imports follow.

    An import that has only a small part of the jobs of the one before does not replace it.
    """
    if not found:
        return
    *_, older, newer = sorted([found[0], *found], key=lambda one: one.seen_at)
    if older.seen_at == newer.seen_at:
        newer = newer._replace(keys=older.keys | newer.keys)
    gone = set(older.keys.values()) - set(newer.keys.values())
    latest = older if len(gone) > len(newer.keys) else newer
    job, table = tables.job, tables.latest_import
    query = sa.select(job.c.key, job.c.id).where(
        job.c.appliance_id == appliance_id, job.c.last_seen == latest.seen_at
    )
    numbers: dict[str, int] = dict(map(tuple, connection.execute(query)))
    # By job, since both may have a document of it.
    marks = {numbers[key]: mark for mark, key in latest.keys.items() if key in numbers}
    set_last_seen(connection, appliance_id, marks, None)
    documents = seen_documents.encode({mark: number for number, mark in marks.items()})
    connection.execute(
        sa.insert(table).values(
            appliance_id=appliance_id, seen_at=latest.seen_at, documents=documents
        )
    )


def brought(connection: Connection, appliance_id: int) -> Brought:
    """Return the imports of an appliance's jobs and of their statuses."""
    job, status = tables.job, tables.job_status
    jobs = sa.select(job.c.key, job.c.digest, job.c.run_id).where(
        job.c.appliance_id == appliance_id
    )
    statuses = (
        sa.select(job.c.key, status.c.status, status.c.observed_at, status.c.run_id)
        .join(status, (status.c.appliance_id == job.c.appliance_id) & (status.c.job_id == job.c.id))
        .where(job.c.appliance_id == appliance_id)
    )
    return Brought(
        {row.key: (row.digest, row.run_id) for row in connection.execute(jobs)},
        {
            (row.key, row.status): (row.observed_at, row.run_id)
            for row in connection.execute(statuses)
        },
    )


def store_brought(connection: Connection, appliance_id: int, before: Sequence[Brought]) -> None:
    """Store for each job which import of both appliances brought its document first."""
    job, status = tables.job, tables.job_status
    now = brought(connection, appliance_id)
    query = sa.select(job.c.key, job.c.id).where(job.c.appliance_id == appliance_id)
    numbers: dict[str, int] = dict(map(tuple, connection.execute(query)))
    jobs: list[dict[str, Any]] = []
    for key, (digest, run_id) in now.jobs.items():
        runs = (one.jobs[key] for one in before if key in one.jobs)
        # The numbers of imports grow with time, so the least is the first.
        first = min(run for mark, run in runs if mark == digest)
        if first != run_id:
            jobs.append({"of_appliance": appliance_id, "of_job": numbers[key], "new_run_id": first})
    update_jobs(connection, jobs)
    changed: list[dict[str, Any]] = []
    for (key, name), (_, run_id) in now.statuses.items():
        first = min(one.statuses[key, name] for one in before if (key, name) in one.statuses)[1]
        if first != run_id:
            changed.append({"of_job": numbers[key], "of_status": name, "new_run": first})
    if changed:
        connection.execute(
            sa.update(status)
            .where(
                status.c.appliance_id == appliance_id,
                status.c.job_id == sa.bindparam("of_job"),
                status.c.status == sa.bindparam("of_status"),
            )
            .values(run_id=sa.bindparam("new_run")),
            changed,
        )
