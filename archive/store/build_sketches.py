"""Sketches of the sizes and durations of each appliance's succeeded jobs by build.

The transaction that changes a job adds its new values and removes the old ones, as in day totals: an
appliance can have many jobs of one build, too many to count them again with each import.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, quantile_sketch
from archive.db import tables
from archive.store.chunks import chunks
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection

# Stands for no build in the key.
NO_BUILD = 0
# So many are compared in memory at a time.
_APPLIANCES_AT_A_TIME = 20
# The numbers of an appliance and of a build.
_Key = tuple[int, int]
_Row = tuple[int, int, bytes, bytes]


class Ran(NamedTuple):
    """A job as the sketches see it, in bytes and seconds."""

    appliance_id: int
    build_id: int | None
    status: str
    size_bytes: int | None
    duration_seconds: int | None


class _Changes:
    """Values to add to the two sketches of a build, and to remove from them."""

    def __init__(self) -> None:
        self.added: tuple[list[int], list[int]] = ([], [])
        self.removed: tuple[list[int], list[int]] = ([], [])

    def apply(self, stored: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """Return the stored sketches of sizes and durations with the changes."""
        sizes, durations = (
            quantile_sketch.changed(data, _counts(added, removed))
            for data, added, removed in zip(stored, self.added, self.removed, strict=True)
        )
        return sizes, durations


class BuildSketches:
    """Changes to the sketches, collected over a transaction and written at its end."""

    def __init__(self) -> None:
        self._changes: dict[_Key, _Changes] = {}

    def add(self, job: Ran, sign: int = 1) -> None:
        """Add a job; with a sign of -1, remove it.

        Open and failed jobs are ignored. Call it for a job before a change with -1, and after it
        with 1.
        """
        appliance_id, build_id, status, size, duration = job
        if status != "SUCCEEDED":
            return
        key = (appliance_id, build_id or NO_BUILD)
        changes = self._changes.get(key)
        if changes is None:
            changes = self._changes[key] = _Changes()
        sizes, durations = changes.added if sign > 0 else changes.removed
        if size is not None:
            sizes.append(size)
        if duration is not None:
            durations.append(duration)

    def write(self, connection: Connection) -> None:
        """Apply the changes to the stored sketches; the caller has locked the appliances."""
        rows = self._changed(connection, _TABLE)
        db.upsert(connection, _TABLE, [row for row in rows if any(row[2:])], ["sizes", "durations"])
        # A build without jobs any more: an empty sketch would differ from one counted anew.
        _delete(connection, [row[:2] for row in rows if not any(row[2:])])

    def write_pruned(self, connection: Connection) -> None:
        """Add the values to the sketches of pruned jobs; the caller has locked the appliances."""
        rows = [row for row in self._changed(connection, _PRUNED) if any(row[2:])]
        db.upsert(connection, _PRUNED, rows, ["sizes", "durations"])

    def _changed(self, connection: Connection, table: sa.Table) -> list[_Row]:
        """Return the changed rows of a table, in key order, and clear the changes."""
        changes, self._changes = self._changes, {}
        # A build without a row has empty sketches.
        stored = dict.fromkeys(changes, (b"", b""))
        for row in _stored(connection, {appliance_id for appliance_id, _ in changes}, table):
            if row[:2] in stored:
                stored[row[:2]] = row[2:]
        return [(*key, *changes[key].apply(sketches)) for key, sketches in sorted(stored.items())]

    def rows(self, pruned: Iterable[_Row] = ()) -> list[_Row]:
        """Return the changes as rows, in key order, added to the rows of pruned jobs."""
        found = {row[:2]: row[2:] for row in pruned}
        for key, changes in self._changes.items():
            found[key] = changes.apply(found.get(key, (b"", b"")))
        return [(*key, *sketches) for key, sketches in sorted(found.items()) if any(sketches)]


def join_pruned(connection: Connection, source: int, target: int) -> None:
    """Add the sketches of an appliance's pruned jobs to those of another; the caller has locked both."""
    gone = list(_stored(connection, [source], _PRUNED))
    for table in (_PRUNED, _TABLE):
        own = {row[1]: row[2:] for row in _stored(connection, [target], table)}
        rows = []
        for _, build_id, *sketches in gone:
            before = own.get(build_id, (b"", b""))
            pairs = zip(before, sketches, strict=True)
            added = (
                quantile_sketch.changed(old, quantile_sketch.decode(new)) for old, new in pairs
            )
            rows.append((target, build_id, *added))
        db.upsert(connection, table, rows, ["sizes", "durations"])


_TABLE, _PRUNED = tables.build_sketch, tables.pruned_build
_OF_APPLIANCE = {
    table: db.Prepared(
        sa.select(table.c.appliance_id, table.c.build_id, table.c.sizes, table.c.durations).where(
            table.c.appliance_id == sa.bindparam("of_appliance")
        )
    )
    for table in (_TABLE, _PRUNED)
}


def differences(connection: Connection) -> list[WrongRow]:
    """Return the stored rows that are wrong, missing or not needed."""
    return [
        wrong for right, stored in _compared(connection) for wrong in compare(_TABLE, stored, right)
    ]


def rebuild(connection: Connection) -> int:
    """Compute all sketches again from the jobs, and return how many rows were wrong."""
    wrong = 0
    for right, stored in _compared(connection):
        if right != stored:
            wrong += len(compare(_TABLE, stored, right))
            _delete(connection, [row[:2] for row in stored])
            db.insert(connection, _TABLE, right)
    return wrong


def _compared(connection: Connection) -> Iterator[tuple[list[_Row], list[_Row]]]:
    """Yield the right rows of some appliances and the stored ones, both in key order."""
    job = tables.job
    ids = connection.execute(sa.select(tables.appliance.c.id)).scalars().all()
    columns = (
        job.c.appliance_id,
        job.c.build_id,
        job.c.status,
        job.c.size_bytes,
        job.c.duration_seconds,
    )
    for chunk in chunks(sorted(ids), _APPLIANCES_AT_A_TIME):
        found = BuildSketches()
        query = sa.select(*columns).where(
            job.c.appliance_id.in_(chunk), job.c.status == "SUCCEEDED"
        )
        for row in connection.execute(query):
            found.add(Ran._make(row))
        right = found.rows(_stored(connection, chunk, _PRUNED))
        yield right, sorted(_stored(connection, chunk, _TABLE))


def _stored(
    connection: Connection, appliance_ids: Iterable[int], table: sa.Table
) -> Iterator[_Row]:
    """Yield the stored rows of appliances, as plain tuples."""
    for chunk in chunks(sorted(appliance_ids), _APPLIANCES_AT_A_TIME):
        values = [{"of_appliance": appliance_id} for appliance_id in chunk]
        for rows in _OF_APPLIANCE[table].rows_of_each(connection, values):
            yield from rows


def _delete(connection: Connection, keys: Iterable[Any]) -> None:
    gone = [{"of_appliance": appliance_id, "of_build": build_id} for appliance_id, build_id in keys]
    if gone:
        statement = sa.delete(_TABLE).where(
            _TABLE.c.appliance_id == sa.bindparam("of_appliance"),
            _TABLE.c.build_id == sa.bindparam("of_build"),
        )
        connection.execute(statement, gone)


def _counts(added: list[int], removed: list[int]) -> Counter[int]:
    """Return how many values to add to each bin; negative for those to remove."""
    counts = Counter(quantile_sketch.bins_of(added))
    counts.subtract(quantile_sketch.bins_of(removed))
    return counts
