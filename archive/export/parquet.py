"""Export as Parquet: one file for each table, or for each month if its rows belong to jobs.

Instants are timestamps in UTC with microseconds, whole numbers are signed 64-bit integers: DuckDB,
pandas and Spark read them directly. Importing this module without pyarrow raises ArchiveError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import sqlalchemy as sa

from archive import extras
from archive.db import Day, Instant
from archive.errors import ArchiveError
from archive.export import relations

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as error:
    raise ArchiveError(f'Parquet needs the extra "parquet"; {extras.advice("parquet")}') from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from archive.export.relations import Relation
    from archive.store.selection import Extent

# Rows and bytes of a row group, whichever is reached first; memory holds one group.
_GROUP_ROWS = 100_000
_GROUP_BYTES = 32 << 20
# By the type of the column; every whole number has 64 bits, whatever its column has.
_TYPES: dict[type[Any], Any] = {
    Instant: pa.timestamp("us", "UTC"),
    Day: pa.date32(),
    sa.BigInteger: pa.int64(),
    sa.Integer: pa.int64(),
    sa.SmallInteger: pa.int64(),
    sa.Double: pa.float64(),
    sa.Boolean: pa.bool_(),
    sa.LargeBinary: pa.binary(),
    sa.Text: pa.string(),
}


def write_file(connection: Connection, relation: Relation, extent: Extent, out: BinaryIO) -> None:
    """Write a relation as one file.

    `out` needs no position, so it may be a pipe.
    """
    _write(connection, relation, relation.select(extent), _Counting(out))


def write_folder(
    connection: Connection,
    relation: Relation,
    extent: Extent,
    months: list[str],
    folder: Path,
    advance: Callable[[float], None] = lambda _: None,
) -> None:
    """Write a relation into a folder: as `NAME.parquet`, or by month if its rows belong to jobs.

    Each of the `months` has a file `NAME/month=2026-03/part-0.parquet` without a column `month`.
    `advance` is called with the fraction written, from 0 to 1.

    The names follow Hive's partitioning, from which readers make a column `month` again. The folder
    must exist, and none of the files in it.
    """
    if relation.of_jobs is None:
        with (folder / f"{relation.name}.parquet").open("xb") as out:
            write_file(connection, relation, extent, out)
        return
    columns = relation.without("month")
    for number, month in enumerate(months, 1):
        place = folder / relation.name / f"month={month}"
        place.mkdir(parents=True)
        with (place / "part-0.parquet").open("xb") as out:
            _write(connection, columns, columns.select(extent, month), _Counting(out))
        advance(number / len(months))


def schema(relation: Relation) -> Any:
    """Return the Arrow schema of a relation, in the order of its columns; all may be null."""
    names = zip(relation.names(), relation.columns, strict=True)
    return pa.schema([(name, _TYPES[type(column.type)]) for name, column in names])


def _write(
    connection: Connection, relation: Relation, query: sa.Select[Any], out: _Counting
) -> None:
    """Write the rows of a query; memory holds one row group at a time."""
    form = schema(relation)
    with parquet.ParquetWriter(out, form) as writer:
        for group in _groups(_batches(connection, relation, query, form)):
            writer.write_table(pa.Table.from_batches(group, form), row_group_size=_GROUP_ROWS)


def _batches(
    connection: Connection, relation: Relation, query: sa.Select[Any], form: Any
) -> Iterator[Any]:
    """Yield the rows as Arrow record batches, one for each part that the database returned."""
    for rows in relations.partitions(connection, relation, query):
        columns = zip(*rows, strict=True)
        arrays = [_array(values, kind) for values, kind in zip(columns, form.types, strict=True)]
        yield pa.record_batch(arrays, schema=form)


def _array(values: tuple[Any, ...], kind: Any) -> Any:
    """Return the values of a column as an Arrow array; instants and days are parsed from their text."""
    if pa.types.is_temporal(kind):  # both are texts of ISO 8601
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def _groups(batches: Iterator[Any]) -> Iterator[list[Any]]:
    """Collect batches into row groups."""
    group: list[Any] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group


class _Counting:
    """A stream that counts the bytes written, because a pipe cannot tell its position."""

    # pyarrow asks for it before it writes.
    closed = False

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._written = 0

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._out.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._written

    def flush(self) -> None:
        """Do nothing: the caller that opened the stream flushes it."""
