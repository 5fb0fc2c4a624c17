"""The appliances of an archive over time: list them, and find the one that a change is about.

`changing` is the transaction of all such changes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.appliance_names import check_name
from archive.db import tables
from archive.errors import AlreadyRunningError, UsageError
from archive.store.chunks import chunks
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

# Jobs with the same key and content that two appliances share before they are suspected to be one.
SHARED_JOBS = 3


class ListedAppliance(NamedTuple):
    """An appliance with its jobs, those pruned included.

    `retired_at`: nothing is expected from then on. `held_at`: since then nothing is pruned.

    Days are those of the archive's calendar (ISO dates), instants fixed-width UTC texts; the days
    are None without jobs.
    """

    name: str
    jobs: int
    first_day: str | None
    last_day: str | None
    first_seen: str
    last_seen: str
    retired_at: str | None
    held_at: str | None


class Twins(NamedTuple):
    """Two appliances that share jobs, the one that was seen first first."""

    name: str
    other: str
    jobs: int


class Extent(NamedTuple):
    """What an archive has of an appliance; `id` is None if it has never answered."""

    name: str
    id: int | None
    jobs: int
    imports: int
    attempts: int
    quarantined: int


def listed(connection: Connection) -> list[ListedAppliance]:
    """Return the appliances by name.

    Jobs are counted by month totals, so the time does not grow with their number.
    """
    appliance, month = tables.appliance, tables.appliance_month
    query = (
        sa.select(
            appliance.c.name,
            sa.cast(sa.func.coalesce(sa.func.sum(month.c.jobs), 0), sa.BigInteger),
            sa.func.min(month.c.first_day, type_=month.c.first_day.type),
            sa.func.max(month.c.last_day, type_=month.c.last_day.type),
            appliance.c.first_seen,
            appliance.c.last_seen,
            appliance.c.retired_at,
            appliance.c.held_at,
        )
        .outerjoin(month, month.c.appliance_id == appliance.c.id)
        .group_by(appliance.c.id)
        .order_by(appliance.c.name)
    )
    return [ListedAppliance._make(row) for row in connection.execute(query)]


def twins(connection: Connection) -> list[Twins]:
    """Return the pairs of appliances that share at least SHARED_JOBS jobs, by name.

    vCenter's keys are times and build numbers, so two appliances may share some, but not what is in
    the documents.
    """
    one, other = tables.job.alias(), tables.job.alias()
    query = (
        sa.select(
            one.c.appliance_id,
            other.c.appliance_id.label("other_id"),
            sa.func.count().label("jobs"),
        )
        .join(
            other,
            (one.c.key == other.c.key)
            & (one.c.digest == other.c.digest)
            # Each pair once, the appliance that came into the archive first before the other.
            & (one.c.appliance_id < other.c.appliance_id),
        )
        .group_by(one.c.appliance_id, other.c.appliance_id)
        .having(sa.func.count() >= SHARED_JOBS)
    )
    # Names by a query of their own: Citus joins jobs of different nodes only in a whole statement.
    shared = connection.execute(query).all()
    names = _names_of(connection, {number for row in shared for number in row[:2]})
    return sorted(Twins(names[row.appliance_id], names[row.other_id], row.jobs) for row in shared)


def _names_of(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Return the names of some appliances by ID."""
    table = tables.appliance
    return {
        number: name
        for chunk in chunks(list(numbers))
        for number, name in connection.execute(
            sa.select(table.c.id, table.c.name).where(table.c.id.in_(chunk))
        )
    }


def find(connection: Connection, name: str) -> Extent:
    """Return what the archive has of an appliance. Raises UsageError for an unknown name."""
    found = look_up(connection, name)
    if found is None:
        known = _names(connection)
        raise UsageError(f"no appliance {quoted(check_name(name))}{suggestion(name, known)}")
    return found


def look_up(connection: Connection, name: str) -> Extent | None:
    """Return what the archive has of an appliance, or None.

    The name is compared without regard to case and a trailing dot. Raises UsageError for an invalid
    one.
    """
    name = check_name(name)
    appliance, run = tables.appliance, tables.ingest_run
    query = sa.select(appliance.c.id).where(appliance.c.name == name)
    number = connection.execute(query).scalar()
    attempts, quarantined = (
        _count(connection, table, table.c.appliance_name == name)
        for table in (tables.attempt, tables.quarantine)
    )
    if number is None and not attempts and not quarantined:
        return None
    jobs = _count(connection, tables.job, tables.job.c.appliance_id == number)
    imports = _count(connection, run, run.c.appliance_id == number)
    return Extent(name, number, jobs, imports, attempts, quarantined)


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction beside which nothing is imported or collected.

    Raises AlreadyRunningError if a collection is running: it would bring the old names again.

    The block's transaction is committed at its end; an exception undoes all of it. Raises
    DatabaseError.
    """
    with db.alone(engine, "collect") as alone:
        if not alone:
            raise AlreadyRunningError(
                "`archive collect` is running on this archive: try again when it has ended"
            )
        with db.writing(engine) as connection:
            db.lock(connection, ["calendar"])
            yield connection


def _names(connection: Connection) -> list[str]:
    """Return the names to suggest for an unknown one, also those that have never answered, in order."""
    appliance, attempt = tables.appliance, tables.attempt
    query = sa.union(sa.select(appliance.c.name), sa.select(attempt.c.appliance_name))
    return sorted(connection.execute(query).scalars())


def _count(connection: Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    """Return the number of rows of a table under a condition."""
    query = sa.select(sa.func.count()).select_from(table).where(condition)
    return int(connection.execute(query).scalar_one())
