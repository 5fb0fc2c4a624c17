"""The stored forecasts of the sizes of each appliance's backups: the report `growth` reads them.

A forecast follows from whole weeks, so most imports do not change it. The transaction that does
computes it again; `verify` compares it with one computed anew.

Whatever a forecast needs is in its row: slopes, deviations and weights, so that the report reads no
jobs.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.calendar import FIRST_DAY, iso
from archive.db import Day, tables
from archive.judgement.forecast import (
    HISTORY_DAYS,
    Figures,
    Forecast,
    NoForecast,
    forecast,
    week_of,
    whole_weeks,
)
from archive.store.chunks import chunks
from archive.store.job_order import order
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    _Row = tuple[Any, ...]

_TABLE, _JOB = tables.size_forecast, tables.job
# The numbers of a line, of which a row has two: of the line and of the curve.
_LINES = 5
# Appliances whose sizes are read together.
_READ_TOGETHER = 50


class ChangedForecasts:
    """The appliances whose successes a transaction has changed, and on which days."""

    def __init__(self) -> None:
        self._days: dict[int, tuple[str, str]] = {}
        self._removed: set[int] = set()

    def add(self, appliance_id: int, status: str, day: str, sign: int) -> None:
        """Add a job that is on a day, or with a sign of -1 was, if it succeeded.

        `day` is an ISO date of the archive's calendar.
        """
        if status != "SUCCEEDED":
            return
        first, last = self._days.get(appliance_id, (day, day))
        self._days[appliance_id] = (min(first, day), max(last, day))
        if sign < 0:
            self._removed.add(appliance_id)

    def write(self, connection: Connection) -> None:
        """Compute the forecasts that may change; the caller has locked the appliances."""
        changed, removed = self._days, self._removed
        self._days, self._removed = {}, set()
        for chunk in chunks(changed):
            stored = _UNTIL.rows_of_each(connection, [{"of_appliance": number} for number in chunk])
            concerned = [
                number
                for number, found in zip(chunk, stored, strict=True)
                if number in removed or not _is_settled(found, *changed[number])
            ]
            compute_again(connection, concerned)


def _is_settled(found: Sequence[tuple[str]], first: str, last: str) -> bool:
    """Return whether changes from a day to a day are in the week that begins after the stored ones.

    These sizes are in no forecast yet: the week is not over. `found` has the end of the stored ones.
    """
    return any(until <= first and week_of(_ordinal(last)) == _ordinal(until) for (until,) in found)


def rebuild(connection: Connection) -> int:
    """Compute all forecasts again, and return how many rows were wrong."""
    wrong = len(differences(connection))
    for chunk in chunks(_ids(connection)):
        compute_again(connection, chunk)
    return wrong


def differences(connection: Connection) -> list[WrongRow]:
    """Return the stored rows that are wrong, missing or not needed."""
    return [
        wrong
        for chunk in chunks(_ids(connection))
        for wrong in compare(_TABLE, _stored(connection, chunk), _rows(connection, chunk))
    ]


def found(row: Any) -> Forecast | NoForecast:
    """Return the forecast of a row of the table.

    `row` has all columns of the table, those of the lines last and in order.
    """
    if row.reason is not None:
        return NoForecast(row.reason)
    values = tuple(row)
    line, curve = values[-2 * _LINES : -_LINES], values[-_LINES:]
    return Forecast.made(
        Figures(_ordinal(row.last_day), row.line_weight, row.weeks, row.freedom, line, curve)
    )


def compute_again(connection: Connection, ids: Sequence[int]) -> None:
    """Compute the forecasts of appliances, which the caller has locked, again, and write the rows."""
    if ids:
        _DELETE.execute_many(connection, [{"of_appliance": number} for number in ids])
    db.insert(connection, _TABLE, list(_rows(connection, ids)))


def _rows(connection: Connection, ids: Sequence[int]) -> Iterator[_Row]:
    """Yield the right rows of appliances that have a success with a size."""
    for some in chunks(ids, _READ_TOGETHER):
        lasts = _LAST.rows_of_each(connection, [{"of_appliance": number} for number in some])
        spans = [
            _span(number, last) for number, ((last,),) in zip(some, lasts, strict=True) if last
        ]
        for span, rows in zip(spans, _SIZES.rows_of_each(connection, spans), strict=True):
            sizes = [(_ordinal(day), size) for day, size in rows]
            until = max(week_of(_ordinal(span["last"])), FIRST_DAY)
            yield _row(span["of_appliance"], iso(until), whole_weeks(sizes))


def _span(appliance_id: int, last: str) -> dict[str, Any]:
    """Return an appliance with the days of the sizes from which its forecast follows."""
    first = max(week_of(_ordinal(last)) - HISTORY_DAYS, FIRST_DAY)
    return {"of_appliance": appliance_id, "first": iso(first), "last": last}


def _row(appliance_id: int, until: str, sizes: Sequence[tuple[int, int]]) -> _Row:
    """Return the row of an appliance, with a forecast or with the reason why there is none."""
    made = forecast(sizes)
    if isinstance(made, NoForecast):
        return (appliance_id, until, len(sizes), made.reason, *[None] * (5 + 2 * _LINES))
    last, weight, number, free, line, curve = made.figures()
    return (
        appliance_id, until, len(sizes), None, iso(last), made.size, number, free, weight, *line,
        *curve,
    )  # fmt: skip


def _stored(connection: Connection, ids: Sequence[int]) -> Sequence[sa.Row[Any]]:
    """Return the stored rows of appliances, in no order."""
    return connection.execute(sa.select(_TABLE).where(_TABLE.c.appliance_id.in_(ids))).all()


def _ids(connection: Connection) -> Sequence[int]:
    """Return the ids of all appliances."""
    return sorted(connection.execute(sa.select(tables.appliance.c.id)).scalars())


def _ordinal(day: str) -> int:
    """Return a day as an ordinal, as the judgement counts days."""
    return date.fromisoformat(day).toordinal()


_OF_APPLIANCE = _TABLE.c.appliance_id == sa.bindparam("of_appliance")
_UNTIL = db.Prepared(sa.select(_TABLE.c.until_day).where(_OF_APPLIANCE))
_DELETE = db.Prepared(sa.delete(_TABLE).where(_OF_APPLIANCE))
_START = _JOB.c.start_time
_COUNTING = (
    _JOB.c.appliance_id == sa.bindparam("of_appliance"),
    _JOB.c.status == "SUCCEEDED",
    _JOB.c.size_bytes >= 0,
    _JOB.c.day >= sa.literal_column(f"'{iso(FIRST_DAY)}'", Day()),
    # Not those with the time of a wrong clock.
    sa.or_(
        _START.is_(None),
        _JOB.c.first_seen >= _START,
        db.AtMostADayLater(_START, _JOB.c.first_seen),
    ),
)
_LAST = db.Prepared(
    sa.select(
        sa.select(_JOB.c.day)
        .where(*_COUNTING)
        .order_by(_JOB.c.day.desc())
        .limit(1)
        .scalar_subquery()
    )
)
_SIZES = db.Prepared(
    sa.select(_JOB.c.day, _JOB.c.size_bytes)
    .where(
        *_COUNTING,
        _JOB.c.day.between(sa.bindparam("first", type_=Day()), sa.bindparam("last", type_=Day())),
    )
    .order_by(*order(_JOB))
)
