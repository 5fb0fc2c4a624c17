"""Distribute an archive over the nodes of a Citus cluster, as one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, DropConstraint

from archive import db
from archive.db import roles
from archive.db.citus import send_settings
from archive.db.distributed import classes, nodes
from archive.db.distributed.views import avoid_recursion
from archive.db.engine import LOCK_WAIT_SECONDS
from archive.db.rights import Rights
from archive.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.engine import Connection, Engine


class Distribution(NamedTuple):
    """What has been distributed: the nodes and shards, and how many tables are where."""

    nodes: nodes.Nodes
    distributed: int
    reference: int
    local: int


def distribute(
    engine: Engine, on_bytes: Callable[[int, int], None] = lambda *_: None
) -> Distribution:
    """Distribute the tables of an archive, with all their rows.

    Imports wait meanwhile. `on_bytes` is called with the size of the tables that are done, and of all.

    Raises UsageError or DatabaseError, with nothing changed, if there is no cluster, or the archive is
    distributed already or has readers, which cannot read there.
    """
    with db.writing(engine) as connection:
        found = nodes.require(connection)
        if db.is_distributed(connection):
            raise UsageError("the archive is distributed already")
        db.lock_schema(connection)
        db.lock(connection, ["calendar"])  # as each import does
        _require_no_readers(connection)
        place_tables(connection, on_bytes)
        avoid_recursion(connection)
        return Distribution(
            found, len(classes.DISTRIBUTED), len(classes.REFERENCE), len(classes.LOCAL)
        )


def _require_no_readers(connection: Connection) -> None:
    """Raise DatabaseError if there are roles that only read."""
    given = roles.given(connection).items()
    if readers := sorted(name for name, rights in given if rights is Rights.READER):
        raise DatabaseError(roles.NO_READERS.format(", ".join(readers)))


def place_tables(
    connection: Connection, on_bytes: Callable[[int, int], None] = lambda *_: None
) -> list[str]:
    """Distribute the tables that are not distributed yet, and return their names.

    After an upgrade these are the new ones. Foreign keys are made anew: Citus takes them only between
    tables that it knows.
    """
    send_settings(connection, LOCK_WAIT_SECONDS)
    known = nodes.placed(connection)
    missing = [
        table for table in (*classes.REFERENCE, *classes.DISTRIBUTED) if table.name not in known
    ]
    sizes = [_size(connection, table) for table in missing]
    _drop_constraints(connection, missing)
    for place, table in enumerate(missing):
        on_bytes(sum(sizes[:place]), sum(sizes))
        _place(connection, table)
    for key in classes.foreign_keys(kept=True):
        if key.table in missing or key.referred_table in missing:
            connection.execute(AddConstraint(key, isolate_from_table=False))
    return [table.name for table in missing]


def _size(connection: Connection, table: sa.Table) -> int:
    query = "SELECT pg_total_relation_size(%s::regclass)"
    return int(connection.exec_driver_sql(query, (table.name,)).scalar_one())


def _drop_constraints(connection: Connection, missing: Collection[sa.Table]) -> None:
    """Drop the constraints in the way, and make the indexes that replace unique ones."""
    for key in (*classes.foreign_keys(kept=True), *classes.foreign_keys(kept=False)):
        if key.table in missing or key.referred_table in missing:
            connection.execute(DropConstraint(key, if_exists=True))
    for constraint, stand_in in classes.not_unique():
        if constraint.table in missing:
            connection.execute(DropConstraint(constraint))
            columns = ", ".join(column.name for column in constraint.columns)
            connection.exec_driver_sql(
                f"CREATE INDEX {stand_in} ON {constraint.table.name} ({columns})"
            )


def _place(connection: Connection, table: sa.Table) -> None:
    if table in classes.REFERENCE:
        connection.execute(sa.select(sa.func.create_reference_table(table.name)))
    else:
        first = classes.DISTRIBUTED[0]
        beside = "none" if table is first else first.name
        connection.exec_driver_sql(
            "SELECT create_distributed_table(%s, %s, colocate_with => %s)",
            (table.name, classes.distribution_column(table).name, beside),
        )
    # The rows that were there are copied; the coordinator keeps them, hidden, until they are truncated.
    connection.exec_driver_sql(
        "SELECT truncate_local_data_after_distributing_table(%s::regclass)", (table.name,)
    )
