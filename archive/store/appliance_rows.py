"""All rows of an appliance: those that have its number, and those that have only its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.store import collection_log
from archive.store.foreign_keys import delete_unused

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Tables with the name of an appliance instead of its number: it may never have answered. The log of
# maintenance keeps its names.
NAMED = (tables.attempt, tables.quarantine, tables.notified_problem)


def delete(connection: Connection, appliance_id: int) -> None:
    """Delete an appliance, which the caller has locked, with all rows that have its number.

    Its imports stay in the log, without the appliance.
    """
    run = tables.ingest_run
    connection.execute(
        sa.update(run).where(run.c.appliance_id == appliance_id).values(appliance_id=None)
    )
    for table in reversed(tables.metadata.sorted_tables):
        if "appliance_id" in table.c and table is not run:
            connection.execute(sa.delete(table).where(table.c.appliance_id == appliance_id))
    connection.execute(sa.delete(tables.appliance).where(tables.appliance.c.id == appliance_id))


def delete_named(connection: Connection, name: str) -> None:
    """Delete what has only the name. The collections that asked the appliance count it no longer."""
    attempt = tables.attempt
    asked = sa.select(attempt.c.collection_id).where(attempt.c.appliance_name == name)
    collections = connection.execute(asked).scalars().all()
    for table in NAMED:
        connection.execute(sa.delete(table).where(table.c.appliance_name == name))
    for number in collections:
        collection_log.ask_one_less(connection, number)


def runs(connection: Connection, appliance_id: int) -> list[int]:
    """Return the numbers of the imports of an appliance."""
    run = tables.ingest_run
    query = sa.select(run.c.id).where(run.c.appliance_id == appliance_id)
    return list(connection.execute(query).scalars())


def delete_runs(connection: Connection, numbers: list[int]) -> int:
    """Delete those of some imports that nothing refers to from the log; return how many."""
    return delete_unused(connection, tables.ingest_run, numbers)
