"""Day totals: reports over the fleet and time read them instead of the jobs.

The transaction that changes a job subtracts its old contribution and adds the new one, so they are
exact. `verify` counts them again and compares; `rebuild` writes them again. Both start from
`pruned_day`, the share of jobs whose details were pruned.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa

from archive import db, quantile_sketch
from archive.db import seals, tables
from archive.store.chunks import chunks
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

_LOW_BITS = 2**32 - 1
# Jobs fetched together when all are counted.
_ROWS_AT_A_TIME = 10_000
_KEY = ("day", "type", "status")
# The totals first: a sketch refers to its total.
_TABLES = (tables.day_total, tables.day_sketch)
# Values are counted together in batches of this size, which is several times faster.
_WAITING = 256


class Contribution(NamedTuple):
    """A job's share of the totals, in bytes and seconds; `type` is "" if the job has none."""

    day: str
    type: str
    status: str
    size_bytes: int | None
    duration_seconds: int | None


_Key = tuple[str, str, str]


class _Measure:
    """A count, a sum and a sketch of values; `_stored` is the stored sketch, not yet merged."""

    def __init__(self) -> None:
        self._number = 0
        self._total = 0
        self._stored = b""
        self._bins: Counter[int] = Counter()
        # Values of 64 bits, eight bytes each.
        self._waiting = array("q")

    def add(self, value: int) -> None:
        """Add a value; it may wait, as many are counted together faster."""
        self._waiting.append(value)
        if len(self._waiting) >= _WAITING:
            self._settle()

    def remove(self, value: int) -> None:
        """Take a value out that was added before, in this transaction or an earlier one."""
        self._number -= 1
        self._total -= value
        self._bins.subtract(quantile_sketch.bins_of([value]))

    def merge(self, number: int, high: int, low: int, data: bytes) -> None:
        """Add a stored count, sum (in two halves of 32 bits) and sketch; call it only once."""
        self._number += number
        self._total += (high << 32) + low
        self._stored = data

    def is_empty(self) -> bool:
        """Return whether nothing is left to count, so that the row can go."""
        self._settle()
        return not (self._number or self._total or any(self._bins.values()))

    def sums(self) -> tuple[int, int, int]:
        """Return the number of values, and the high and low 32 bits of their sum."""
        self._settle()
        return self._number, *_halves(self._total)

    def sketch(self) -> bytes:
        """Return the encoded sketch of the values."""
        self._settle()
        return quantile_sketch.changed(self._stored, self._bins)

    def _settle(self) -> None:
        """Count the waiting values."""
        waiting = self._waiting
        if waiting:
            self._number += len(waiting)
            self._total += sum(waiting)
            self._bins.update(quantile_sketch.bins_of(waiting))
            del waiting[:]


class _Total:
    """The totals of a day, type and status.

    `rate` has the rates of the jobs with a size and a duration above 0, in whole bytes per second;
    `rated_bytes` and `rated_seconds` are the sums over these jobs.
    """

    def __init__(self) -> None:
        self.jobs = 0
        self.size = _Measure()
        self.duration = _Measure()
        self.rate = _Measure()
        self.rated_bytes = 0
        self.rated_seconds = 0

    def is_empty(self) -> bool:
        """Return whether no job of the day, type and status is left."""
        if self.jobs or self.rated_bytes or self.rated_seconds:
            return False
        return all(measure.is_empty() for measure in (self.size, self.duration, self.rate))

    def merge(self, row: sa.Row[Any]) -> None:
        """Add a stored total."""
        self.jobs += row.jobs
        self.size.merge(row.sized, row.size_high, row.size_low, row.sizes)
        self.duration.merge(row.timed, row.duration_high, row.duration_low, row.durations)
        self.rate.merge(row.rated, 0, 0, row.rates)  # the sum of rates has no meaning
        self.rated_bytes += (row.rated_size_high << 32) + row.rated_size_low
        self.rated_seconds += (row.rated_duration_high << 32) + row.rated_duration_low

    def rated(self) -> tuple[int, int, int, int, int]:
        """Return the number of rates, and the halves of the sums of bytes and of seconds."""
        number, _, _ = self.rate.sums()
        return number, *_halves(self.rated_bytes), *_halves(self.rated_seconds)


class Totals:
    """Changes to the day totals, collected over a transaction and written at its end."""

    def __init__(self) -> None:
        self._totals: dict[_Key, _Total] = {}

    def add(self, job: Contribution, sign: int = 1) -> None:
        """Add a job; with a sign of -1, subtract it.

        Call it for a job before a change with -1, and after it with 1.
        """
        day, type_, status, size, duration = job
        key = (day, type_, status)
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = _Total()
        total.jobs += sign
        if size is not None:
            (total.size.add if sign > 0 else total.size.remove)(size)
        if duration is not None:
            (total.duration.add if sign > 0 else total.duration.remove)(duration)
            if size is not None and size >= 0 and duration > 0:
                (total.rate.add if sign > 0 else total.rate.remove)(size // duration)
                total.rated_bytes += sign * size
                total.rated_seconds += sign * duration

    def write(self, connection: Connection) -> None:
        """Add the changes to the stored totals, and clear them."""
        changes = {key: total for key, total in self._totals.items() if not total.is_empty()}
        self._totals = {}
        if not changes:
            return
        # Every load changes the totals of today, so loads take turns here.
        db.lock(connection, ["totals"])
        # Read under the lock: another load may just have changed them.
        for row in _stored(connection, {day for day, _, _ in changes}):
            total = changes.get((row.day, row.type, row.status))
            if total is not None:
                total.merge(row)
        _replace(connection, changes)

    def merge(self, row: sa.Row[Any]) -> None:
        """Add a stored total with its sketches; call it only once for each day, type and status."""
        key = (row.day, row.type, row.status)
        self._totals.setdefault(key, _Total()).merge(row)

    def write_pruned(self, connection: Connection) -> None:
        """Add the totals to those of pruned jobs, and clear them. Takes the lock of the totals."""
        db.lock(connection, ["totals"])
        table = tables.pruned_day
        for chunk in chunks(sorted({day for day, _, _ in self._totals})):
            for row in connection.execute(sa.select(table).where(table.c.day.in_(chunk))):
                if (row.day, row.type, row.status) in self._totals:
                    self.merge(row)
        rows = [(*one, *sketch[len(_KEY) :]) for one, sketch in zip(*self.rows(), strict=True)]
        self._totals = {}
        names = [column.name for column in seals.facts(table) if not column.primary_key]
        db.upsert(connection, table, rows, names)

    def rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the changes as rows of `day_total` and `day_sketch`, in key order."""
        totals = [(key, total) for key, total in sorted(self._totals.items()) if total.jobs]
        return (
            [_total_row(key, total) for key, total in totals],
            [_sketch_row(key, total) for key, total in totals],
        )


def count(connection: Connection) -> Totals:
    """Return the totals of all jobs, pruned ones included; memory grows with the days."""
    totals = Totals()
    for row in connection.execute(sa.select(tables.pruned_day)):
        totals.merge(row)
    for job in _contributions(connection):
        totals.add(job)
    return totals


def subtract(connection: Connection, appliance_id: int) -> None:
    """Take all jobs of an appliance, which the caller has locked, out of the totals."""
    totals = Totals()
    for job in _contributions(connection, tables.job.c.appliance_id == appliance_id):
        totals.add(job, -1)
    totals.write(connection)


def _contributions(
    connection: Connection, *conditions: sa.ColumnElement[bool]
) -> Iterator[Contribution]:
    job = tables.job
    query = sa.select(
        job.c.day, sa.func.coalesce(job.c.type, ""), job.c.status, job.c.size_bytes,
        job.c.duration_seconds,
    ).where(*conditions)  # fmt: skip
    for row in connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME}):
        yield cast("Contribution", row)


def rebuild(connection: Connection) -> int:
    """Recompute all totals from the jobs, and return how many rows were wrong."""
    db.lock(connection, ["totals"])
    totals = count(connection)
    wrong = len(differences(connection, totals))
    for table in reversed(_TABLES):
        connection.execute(sa.delete(table))
    for table, rows in zip(_TABLES, totals.rows(), strict=True):
        db.insert(connection, table, rows)
    return wrong


def differences(connection: Connection, totals: Totals) -> list[WrongRow]:
    """Return the stored rows that differ from the given totals."""
    return [
        wrong
        for table, rows in zip(_TABLES, totals.rows(), strict=True)
        for wrong in compare(table, connection.execute(sa.select(table)), rows)
    ]


_TOTAL, _DRAWN = _TABLES
# Making the statement takes longer than executing it for one day.
_OF_DAYS = (
    sa.select(_TOTAL, _DRAWN.c.sizes, _DRAWN.c.durations, _DRAWN.c.rates)
    .join(_DRAWN, sa.and_(*(_TOTAL.c[name] == _DRAWN.c[name] for name in _KEY)))
    .where(_TOTAL.c.day.in_(sa.bindparam("days", expanding=True)))
)


def _stored(connection: Connection, days: set[str]) -> Iterator[sa.Row[Any]]:
    """Yield the stored totals of some days, with their sketches."""
    for chunk in chunks(sorted(days)):
        yield from connection.execute(_OF_DAYS, {"days": chunk})


def _replace(connection: Connection, totals: dict[_Key, _Total]) -> None:
    """Write totals as they now are; one without jobs is deleted."""
    kept = [(key, total) for key, total in sorted(totals.items()) if total.jobs]
    gone = [
        {f"of_{name}": value for name, value in zip(_KEY, key, strict=True)}
        for key, total in totals.items()
        if not total.jobs
    ]
    # A sketch refers to its total.
    for table in reversed(_TABLES) if gone else ():
        conditions = (table.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)
        connection.execute(sa.delete(table).where(*conditions), gone)
    for table, row_of in zip(_TABLES, (_total_row, _sketch_row), strict=True):
        values = [column.name for column in table.columns if not column.primary_key]
        db.upsert(connection, table, [row_of(*item) for item in kept], values)


def _total_row(key: _Key, total: _Total) -> tuple[Any, ...]:
    return (*key, total.jobs, *total.size.sums(), *total.duration.sums(), *total.rated())


def _sketch_row(key: _Key, total: _Total) -> tuple[Any, ...]:
    return (*key, total.size.sketch(), total.duration.sketch(), total.rate.sketch())


def _halves(total: int) -> tuple[int, int]:
    return total >> 32, total & _LOW_BITS
