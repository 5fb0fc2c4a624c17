"""Day totals: what fleet-wide questions about time read instead of the jobs.

They are kept exactly, in the transaction that changes the jobs: the old contribution of a job goes
out, the new one comes in. `verify` counts them anew and compares; `rebuild` writes them anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import dialects, sketch, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

_LOW_BITS = 2**32 - 1
_ROWS_AT_A_TIME = 10_000
_KEY = ("day", "type", "status")
_TABLES = (tables.day_total, tables.day_sketch)


class Contribution(NamedTuple):
    """What a job adds to the totals; `type` is empty where the job has none."""

    day: str
    type: str
    status: str
    size_bytes: int | None
    duration_seconds: int | None


_Key = tuple[str, str, str]


@dataclass
class _Measure:
    """A sum in two halves (as in `parts.total`), over how many values, and their sketch."""

    number: int = 0
    high: int = 0
    low: int = 0
    bins: sketch.Bins = field(default_factory=dict)

    def add(self, value: int | None, sign: int) -> None:
        if value is not None:
            self.number += sign
            self.high += sign * (value >> 32)
            self.low += sign * (value & _LOW_BITS)
            sketch.add(self.bins, [(sketch.bin_of(value), sign)])

    def merge(self, other: _Measure) -> None:
        self.number += other.number
        self.high += other.high
        self.low += other.low
        sketch.add(self.bins, other.bins.items())


@dataclass
class _Total:
    jobs: int = 0
    size: _Measure = field(default_factory=_Measure)
    duration: _Measure = field(default_factory=_Measure)

    def merge(self, other: _Total) -> None:
        self.jobs += other.jobs
        self.size.merge(other.size)
        self.duration.merge(other.duration)


class Totals:
    """Changes to the day totals, collected over a transaction and written at its end."""

    def __init__(self) -> None:
        self._totals: dict[_Key, _Total] = {}

    def add(self, job: Contribution, sign: int = 1) -> None:
        """Count a job in, or with a sign of -1 out again."""
        total = self._totals.setdefault(job[:3], _Total())
        total.jobs += sign
        total.size.add(job.size_bytes, sign)
        total.duration.add(job.duration_seconds, sign)

    def write(self, connection: Connection) -> None:
        """Add the changes to the stored totals, and forget them."""
        changes = {key: total for key, total in self._totals.items() if total != _Total()}
        self._totals = {}
        if not changes:
            return
        # Every load touches today's totals: whoever comes here waits for the one before.
        dialects.lock(connection, ["totals"])
        for key, stored in _stored(connection, {day for day, _, _ in changes}):
            if key in changes:
                changes[key].merge(stored)
        _replace(connection, changes)

    def rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return what has been collected as rows of `day_total` and `day_sketch`, in key order."""
        totals = [(key, total) for key, total in sorted(self._totals.items()) if total.jobs]
        return (
            [_total_row(key, total) for key, total in totals],
            [_sketch_row(key, total) for key, total in totals],
        )


def count(connection: Connection) -> Totals:
    """Count all jobs of the archive anew."""
    job = tables.job
    query = sa.select(
        job.c.day, sa.func.coalesce(job.c.type, ""), job.c.status, job.c.size_bytes,
        job.c.duration_seconds,
    )  # fmt: skip
    totals = Totals()
    options = {"yield_per": _ROWS_AT_A_TIME}
    for row in connection.execute(query, execution_options=options):
        totals.add(Contribution._make(row))
    return totals


def rebuild(connection: Connection) -> int:
    """Write all totals anew from the jobs, and return how many rows differed."""
    dialects.lock(connection, ["totals"])
    totals = count(connection)
    wrong = differences(connection, totals)
    for table in reversed(_TABLES):
        connection.execute(sa.delete(table))
    for table, rows in zip(_TABLES, totals.rows(), strict=True):
        dialects.insert(connection, table, rows)
    return wrong


def differences(connection: Connection, totals: Totals) -> int:
    """Return in how many rows the stored totals differ from those that were counted."""
    wrong = 0
    for table, rows in zip(_TABLES, totals.rows(), strict=True):
        stored = {tuple(row) for row in connection.execute(sa.select(table))}
        wrong += len(stored ^ set(rows))
    return wrong


def _stored(connection: Connection, days: set[str]) -> Iterator[tuple[_Key, _Total]]:
    total, drawn = tables.day_total, tables.day_sketch
    query = (
        sa.select(total, drawn.c.sizes, drawn.c.durations)
        .join(drawn, sa.and_(*(total.c[name] == drawn.c[name] for name in _KEY)))
        .where(total.c.day.in_(sorted(days)))
    )
    for row in connection.execute(query):
        yield (
            (row.day, row.type, row.status),
            _Total(
                row.jobs,
                _Measure(row.sized, row.size_high, row.size_low, dict(sketch.decode(row.sizes))),
                _Measure(
                    row.timed,
                    row.duration_high,
                    row.duration_low,
                    dict(sketch.decode(row.durations)),
                ),
            ),
        )


def _replace(connection: Connection, totals: dict[_Key, _Total]) -> None:
    kept = [(key, total) for key, total in sorted(totals.items()) if total.jobs]
    gone = [
        {f"of_{name}": value for name, value in zip(_KEY, key, strict=True)}
        for key, total in totals.items()
        if not total.jobs
    ]
    for table in reversed(_TABLES) if gone else ():
        conditions = (table.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)
        connection.execute(sa.delete(table).where(*conditions), gone)
    for table, row_of in zip(_TABLES, (_total_row, _sketch_row), strict=True):
        values = [column.name for column in table.columns if not column.primary_key]
        dialects.upsert(connection, table, [row_of(*item) for item in kept], values)


def _total_row(key: _Key, total: _Total) -> tuple[Any, ...]:
    size, duration = total.size, total.duration
    return (
        *key, total.jobs, size.number, size.high, size.low, duration.number, duration.high,
        duration.low,
    )  # fmt: skip


def _sketch_row(key: _Key, total: _Total) -> tuple[Any, ...]:
    return (*key, sketch.encode(total.size.bins), sketch.encode(total.duration.bins))
