"""Totals of an appliance's jobs by month: reports over appliances and months read them.

The transaction that changes a job counts the month of its appliance again. That is exact whatever has
changed, and cheap, since an appliance has few jobs in a month. What `pruned_month` has of jobs whose
details were pruned is added.
"""

from __future__ import annotations

from calendar import monthrange
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import Day, tables
from archive.store.chunks import chunks
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

# The first and the last month that dates have: all months.
_EARLIEST, _LATEST = "0001-01", "9999-12"
# So many are compared in memory at a time.
_APPLIANCES_AT_A_TIME = 20
_Select = sa.Select[Any]


class ChangedMonths:
    """The months of appliances in which a transaction has changed jobs."""

    def __init__(self) -> None:
        self._months: dict[int, set[str]] = {}

    def add(self, appliance_id: int, day: str) -> None:
        """Add the month of a day on which a job is, or was before it changed."""
        self._months.setdefault(appliance_id, set()).add(day[:7])

    def write(self, connection: Connection) -> None:
        """Count the months again and store the totals; the caller has locked the appliances."""
        changed = self._months
        self._months = {}
        _write(
            connection,
            (
                (appliance_id, first, last)
                for appliance_id, months in changed.items()
                for first, last in _spans(months)
            ),
        )


# What the totals are by; then they are numbered.
_KEYS = ("appliance_id", "month", "type", "status", "location_id", "build_id")


def counted(*conditions: sa.ColumnElement[bool]) -> _Select:
    """Return the SELECT of the totals of jobs, with the columns of `appliance_month` but `seq`.

    Sizes and durations are of jobs of every status: reports choose by the status of the row.
    """
    job = tables.job
    month = db.MonthOf(job.c.day)
    keys = (
        job.c.appliance_id,
        month.label("month"),
        job.c.type,
        job.c.status,
        job.c.location_id,
        job.c.build_id,
    )
    # Bit 0 is the first day; 31 bits fit into an INTEGER.
    day_of_month = sa.cast(sa.extract("day", job.c.day), sa.Integer)
    bit = sa.literal_column("1", sa.Integer).bitwise_lshift(day_of_month - 1)
    return (
        sa.select(
            *keys,
            sa.func.count().label("jobs"),
            *_sums(job.c.size_bytes, "sized", "size"),
            *_sums(job.c.duration_seconds, "timed", "duration"),
            sa.func.min(job.c.day).label("first_day"),
            sa.func.max(job.c.day).label("last_day"),
            # Different bits, each added once.
            sa.cast(sa.func.sum(bit.distinct()), sa.Integer).label("days"),
        )
        .where(*conditions)
        .group_by(*keys)
    )


def _sums(column: sa.Column[int], number: str, name: str) -> Iterator[sa.Label[int]]:
    """Yield the number of a column's values, and their sum in two halves."""
    yield sa.func.count(column).label(number)
    for half, value in zip(("high", "low"), db.halves(column), strict=True):
        # Sums of BIGINT are NUMERIC on PostgreSQL; these are too small to need it.
        total = sa.cast(sa.func.coalesce(sa.func.sum(value), 0), sa.BigInteger)
        yield total.label(f"{name}_{half}")


def _with_pruned(
    jobs: Sequence[sa.ColumnElement[bool]], pruned: Sequence[sa.ColumnElement[bool]]
) -> _Select:
    """Return the SELECT of `counted` with the totals of pruned jobs, under conditions of each."""
    table = tables.pruned_month
    own = counted(*jobs)
    names = own.selected_columns.keys()
    # Of jobs that are left and of pruned ones, each key has at most one row of days.
    left = own.add_columns(sa.literal_column("0", sa.Integer).label("pruned_days"))
    gone = sa.select(
        *(
            sa.literal_column("0", sa.Integer).label(name) if name == "days" else table.c[name]
            for name in names
        ),
        table.c.days.label("pruned_days"),
    ).where(*pruned)
    both = sa.union_all(left, gone).subquery("both")
    keys = [both.c[name] for name in _KEYS]

    def total(name: str) -> sa.ColumnElement[Any]:
        column = both.c[name]
        if name == "days":
            days = sa.func.sum(column), sa.func.sum(both.c.pruned_days)
            first, second = (sa.cast(one, sa.Integer) for one in days)
            return first.bitwise_or(second).label(name)
        if name in ("first_day", "last_day"):
            edge = sa.func.min if name == "first_day" else sa.func.max
            return edge(column, type_=column.type).label(name)
        return sa.cast(sa.func.sum(column), sa.BigInteger).label(name)

    return sa.select(*keys, *(total(name) for name in names if name not in _KEYS)).group_by(*keys)


def _numbered(found: sa.Subquery) -> _Select:
    """Return the SELECT of the rows of `appliance_month`, from that of their totals."""
    place = sa.func.row_number().over(
        partition_by=(found.c.appliance_id, found.c.month),
        order_by=[
            found.c[name].asc().nulls_first()
            for name in ("type", "status", "location_id", "build_id")
        ],
    )
    columns = {column.key: column for column in found.c} | {"seq": place.label("seq")}
    return sa.select(*(columns[column.name] for column in tables.appliance_month.columns))


def _write(connection: Connection, spans: Iterable[tuple[int, str, str]]) -> None:
    """Count the months of appliances again: from a first to a last month, by appliance id."""
    gone, new, with_pruned = _statements()
    # Most archives have no pruned jobs, and this query takes 3 µs.
    if _ANY_PRUNED.rows(connection, {}):
        new = with_pruned
    # All rows go before they are counted: there may now be fewer.
    for chunk in chunks(spans):
        gone.execute_many(
            connection,
            [{"of_appliance": one, "first": start, "last": end} for one, start, end in chunk],
        )
        new.execute_many(
            connection,
            [
                {"of_appliance": one, "first_day": f"{start}-01", "last_day": _last_day(end)}
                for one, start, end in chunk
            ],
        )


@lru_cache  # building the statements takes longer than running them
def _statements() -> tuple[db.Prepared, db.Prepared, db.Prepared]:
    """Return what deletes and what counts the rows of an appliance from a month to a month.

    The last one counts pruned jobs, too.
    """
    table, job, pruned = tables.appliance_month, tables.job, tables.pruned_month
    appliance: sa.BindParameter[int] = sa.bindparam("of_appliance")
    gone = sa.delete(table).where(
        table.c.appliance_id == appliance,
        table.c.month >= sa.bindparam("first"),
        table.c.month <= sa.bindparam("last"),
    )
    first_day, last_day = (sa.bindparam(name, type_=Day()) for name in ("first_day", "last_day"))
    jobs = (job.c.appliance_id == appliance, job.c.day.between(first_day, last_day))
    months = (
        pruned.c.appliance_id == appliance,
        pruned.c.month.between(db.MonthOf(first_day), db.MonthOf(last_day)),
    )
    new, with_pruned = (
        db.Prepared(
            sa.insert(table).from_select(
                table.columns.keys(), _numbered(found.subquery("counted")), include_defaults=False
            )
        )
        for found in (counted(*jobs), _with_pruned(jobs, months))
    )
    return db.Prepared(gone), new, with_pruned


_ANY_PRUNED = db.Prepared(sa.select(tables.pruned_month.c.seq).limit(1))


def _spans(months: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the first and the last month of each run of consecutive months."""
    ordered = sorted(months)
    places = [12 * int(month[:4]) + int(month[5:]) - place for place, month in enumerate(ordered)]
    for _, run in groupby(zip(places, ordered, strict=True), key=itemgetter(0)):
        months_of_run = [month for _, month in run]
        yield months_of_run[0], months_of_run[-1]


def _last_day(month: str) -> str:
    """Return the last day (ISO) of a month."""
    return f"{month}-{monthrange(int(month[:4]), int(month[5:]))[1]}"


def rebuild(connection: Connection) -> None:
    """Count all months again; the caller has locked the archive's jobs."""
    connection.execute(sa.delete(tables.appliance_month))
    ids = connection.execute(sa.select(tables.appliance.c.id)).scalars().all()
    _write(connection, ((number, _EARLIEST, _LATEST) for number in ids))


def differences(connection: Connection) -> list[WrongRow]:
    """Return the stored rows that are wrong, missing or not needed."""
    table, job, pruned = tables.appliance_month, tables.job, tables.pruned_month
    ids = connection.execute(sa.select(tables.appliance.c.id)).scalars().all()
    wrong: list[WrongRow] = []
    for chunk in chunks(ids, _APPLIANCES_AT_A_TIME):
        found = _with_pruned([job.c.appliance_id.in_(chunk)], [pruned.c.appliance_id.in_(chunk)])
        right = connection.execute(_numbered(found.subquery("counted")))
        stored = connection.execute(sa.select(table).where(table.c.appliance_id.in_(chunk)))
        wrong += compare(table, stored, map(tuple, right))
    return wrong
