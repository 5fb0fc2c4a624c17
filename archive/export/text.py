"""Export as text: rows for CSV, or every job as one line of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import tables
from archive.export import relations
from archive.store import job_reader
from archive.store.selection import Extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.export.relations import Relation

ALL = Extent()


def rows(
    connection: Connection,
    relation: Relation,
    extent: Extent = ALL,
    advance: Callable[[float], None] = lambda _: None,
) -> Iterator[Sequence[Any]]:
    """Yield a relation's rows in order, bytes as hexadecimal.

    `advance` is called with the fraction of rows read, from 0 to 1.

    Other values stay as Python has them. `connection` must stay open until the last row.
    """
    # Rows of jobs come by appliance, so the number of the last one shows how far it is.
    greatest, place = 0, 0
    if relation.of_jobs is not None:
        query = sa.select(sa.func.coalesce(sa.func.max(tables.appliance.c.id), 0))
        greatest = connection.execute(query).scalar_one()
        place = relation.names().index("appliance_id")
    for part in relations.partitions(connection, relation, relation.select(extent)):
        for row in part:
            yield [cell.hex() if isinstance(cell, bytes) else cell for cell in row]
        if greatest:
            advance(part[-1][place] / greatest)


def lines(
    connection: Connection,
    extent: Extent = ALL,
    appliance_ids: Sequence[int] | None = None,
    on_appliance: Callable[[int, int], None] = lambda *_: None,
) -> Iterator[str]:
    """Yield jobs as JSON lines that `ingest` reads, by appliance and job key.

    The jobs are those of an extent, of all or some appliances. `on_appliance` is called with the
    number of appliances read so far, and the number of all.

    Each has the keys `appliance`, `job`, `info` and `seen`, and ends with a line feed. An import of
    all of them makes an archive with the same jobs.
    """
    for job in job_reader.jobs(connection, extent, appliance_ids, on_appliance):
        yield job.line() + "\n"
