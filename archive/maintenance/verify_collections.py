"""Check the log of collections against the imports.

The counts of a collection are stored with it, and could differ from its attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.maintenance.undo_import import UNDONE
from archive.store.collection_log import COMPLETE, FAILED, PARTIAL, RUNNING, collections, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


def contradictions(connection: Connection) -> Iterator[str]:
    """Yield one line for each attempt or collection that contradicts what was archived.

    An attempt that refers to an import must be of the same appliance, and its import must be
    complete, or undone since: with its last import an appliance goes. Collections that are still
    running are not compared.
    """
    attempt, run, appliance = tables.attempt, tables.ingest_run, tables.appliance
    is_gone = (run.c.outcome == UNDONE) & run.c.appliance_id.is_(None)
    foreign = (
        sa.select(attempt.c.appliance_name, attempt.c.collection_id, run.c.id)
        .join(run, attempt.c.run_id == run.c.id)
        .outerjoin(appliance, run.c.appliance_id == appliance.c.id)
        .where(
            sa.or_(
                appliance.c.name.is_distinct_from(attempt.c.appliance_name) & ~is_gone,
                run.c.outcome.not_in((COMPLETE, UNDONE)),
            )
        )
        .order_by(attempt.c.collection_id, attempt.c.appliance_name)
    )
    for name, number, run_id in connection.execute(foreign):
        yield f"{name}: import {run_id} does not match collection {number}"
    counts = _counts_by_collection(connection)
    for one in collections(connection):
        stored = {COMPLETE: one.complete, PARTIAL: one.partial, FAILED: one.failed}
        if one.outcome != RUNNING and columns(counts.get(one.id, {})) != stored:
            yield f"collection {one.id}: the counts do not match the attempts"


def _counts_by_collection(connection: Connection) -> dict[int, dict[str, int]]:
    """Return the number of attempts by outcome, by the number of the collection."""
    table = tables.attempt
    keys = (table.c.collection_id, table.c.outcome)
    found: dict[int, dict[str, int]] = {}
    for number, outcome, count in connection.execute(
        sa.select(*keys, sa.func.count()).group_by(*keys)
    ):
        found.setdefault(number, {})[outcome] = count
    return found
