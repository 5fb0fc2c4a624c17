"""Growth of backups: how fast they grow, how large they will be, and when the target is full.

The sizes are those of succeeded jobs of any type.
`archive.judgement.forecast` fits a line and an exponential curve to the middles of weeks; the
report shows what it says of each appliance, and the sums of the fleet.

Retired appliances are left out: their backups no longer grow.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from math import hypot
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import charts
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement.forecast import HISTORY_DAYS, Forecast, NoForecast
from archive.reports import growth_by_appliance
from archive.reports.core.report import JOBS, Listing
from archive.store import settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope
    from archive.reports.growth_by_appliance import Grown

# Growth is for so many days, whatever the length of the month.
_MONTH = 30
# Forecasts are for so many days from today.
HORIZONS = (30, 90, 365)
# Of each forecast: the expected size, and the ends of its interval.
_ENDS = ("", "_low", "_high")
_FORECAST = (
    "monthly_growth_bytes",
    *(f"in_{days}_days{end}_bytes" for days in HORIZONS for end in _ENDS),
)
_NO_FORECAST: tuple[int | None, ...] = (None,) * len(_FORECAST)
# A forecast beyond this number of days is shown as `never`.
_FAR_DAYS = 36_500


def _expendable(name: str) -> int:
    """Return how expendable a column of the forecast is: most of all the ends of intervals."""
    if name.endswith(("_low_bytes", "_high_bytes")):
        return 9
    return {"in_30_days_bytes": 6, "in_90_days_bytes": 5}.get(name, 0)


COLUMNS = (
    Column("appliance"),
    Column("successes", Kind.COUNT, expendable=8),
    Column("size_bytes", Kind.BYTES),
    *(Column(name, Kind.BYTES, expendable=_expendable(name)) for name in _FORECAST),
    Column("retained_copies", Kind.COUNT, expendable=7),
    Column("retained_bytes", Kind.BYTES, expendable=4),
    Column("full", optional=True, expendable=3),
    Column("note", expendable=2),
)


class GrowthRow(NamedTuple):
    """Growth of one appliance. Sizes are usual ones of a backup in bytes; growth is for 30 days.

    The last row is the fleet: it has no name, and the sums of all appliances. `retained_copies` is
    the number of backups kept on the target, `retained_bytes` their total at the present size.
    `full` is the day on which the fleet's copies reach the capacity, `already` or `never`. `note`
    says why there is no growth.
    """

    appliance: str | None
    successes: int
    size_bytes: int
    monthly_growth_bytes: int | None
    in_30_days_bytes: int | None
    in_30_days_low_bytes: int | None
    in_30_days_high_bytes: int | None
    in_90_days_bytes: int | None
    in_90_days_low_bytes: int | None
    in_90_days_high_bytes: int | None
    in_365_days_bytes: int | None
    in_365_days_low_bytes: int | None
    in_365_days_high_bytes: int | None
    retained_copies: int | None
    retained_bytes: int
    full: str | None
    note: str | None


def full_on(retained: Callable[[int], float], capacity: int, today: int) -> str:
    """Return the day on which retained copies, in bytes by day (ordinal), reach a capacity.

    `already` if they do today. `never` if they do not within 100 years, which also covers copies
    that shrink or stay.
    """
    if retained(today) >= capacity:
        return "already"
    # What grows in a line or exponentially crosses a capacity upwards once.
    first = bisect_left(
        range(_FAR_DAYS + 1), x=True, key=lambda days: retained(today + days) >= capacity
    )
    if first > _FAR_DAYS or today + first > date.max.toordinal():
        return "never"
    return date.fromordinal(today + first).isoformat()


class _Fleet:
    """The rows of the appliances, and their sums, as of a day (ordinal)."""

    def __init__(self, today: int) -> None:
        self.rows: list[GrowthRow] = []
        self._today = today
        self._forecasts: list[tuple[int, Forecast]] = []  # with the number of copies

    def add(self, name: str, grown: Grown, copies: int) -> None:
        """Add an appliance with its growth, and the number of copies of its backup on the target."""
        successes, size, found = grown
        note = None
        ahead = _NO_FORECAST
        if isinstance(found, NoForecast):
            note = f"no forecast: {found.reason}"
        else:
            growth = found.on(found.last + _MONTH).expected - size
            values = (value for days in HORIZONS for value in found.on(self._today + days))
            ahead = (growth, *values)
            self._forecasts.append((copies, found))
        self.rows.append(
            GrowthRow._make((name, successes, size, *ahead, copies, copies * size, None, note))
        )

    def whole(self, capacity: int | None) -> GrowthRow:
        """Return the fleet's row; appliances without a forecast count with their present size."""
        retained = sum(row.retained_bytes for row in self.rows)
        grows = [row for row in self.rows if row.monthly_growth_bytes is not None]
        flat = len(self.rows) - len(grows)
        note = f"{flat:,} of {counted(len(self.rows), 'appliance')} without a forecast"
        full = None
        # Without any forecast, nothing is known about a target that is not full yet.
        if capacity is not None and (grows or retained >= capacity):
            constant = sum(row.retained_bytes for row in self.rows) - sum(
                row.retained_bytes for row in grows
            )
            full = full_on(lambda day: constant + self._retained(day), capacity, self._today)
        return GrowthRow._make(
            (
                None,
                sum(row.successes for row in self.rows),
                sum(row.size_bytes for row in self.rows),
                *(self._ahead(grows) if grows else _NO_FORECAST),
                None,
                retained,
                full,
                note if flat else None,
            )
        )

    def _retained(self, day: int) -> float:
        """Return the size of all copies on a day (ordinal) in bytes, of the appliances with a forecast.

        A day before the last backup of an appliance counts as the day of that backup.
        """
        return sum(
            copies * found.on(max(day, found.last)).expected for copies, found in self._forecasts
        )

    def _ahead(self, grows: Sequence[GrowthRow]) -> Iterator[int]:
        """Yield the sums of what is ahead; appliances err independently, so squares add up."""
        constant = sum(row.size_bytes for row in self.rows if row.monthly_growth_bytes is None)
        yield sum(row.monthly_growth_bytes or 0 for row in grows)
        for days in HORIZONS:
            ahead = [
                tuple(getattr(row, f"in_{days}_days{end}_bytes") for end in _ENDS) for row in grows
            ]
            middle = constant + sum(expected for expected, _, _ in ahead)
            yield middle
            yield middle - round(hypot(*(expected - low for expected, low, _ in ahead)))
            yield middle + round(hypot(*(high - expected for expected, _, high in ahead)))


def _select(connection: Connection, scope: Scope) -> Iterator[GrowthRow]:
    """Yield the appliances, the fastest growth first, then the fleet; nothing without any size."""
    today = settings.calendar(connection).day(scope.now)
    fleet = _Fleet(date.fromisoformat(today).toordinal())
    retired = _retired(connection, scope.now)
    copies = _scheduled_copies(connection) if scope.keep is None else {}
    for number, name, grown in growth_by_appliance.grown(connection, scope):
        if number not in retired:
            fleet.add(name, grown, copies.get(number, 1) if scope.keep is None else scope.keep)
    fleet.rows.sort(key=_fastest_first)
    yield from fleet.rows
    if fleet.rows:
        yield fleet.whole(scope.capacity_bytes)


def _retired(connection: Connection, now: str) -> set[int]:
    """Return the ids of the retired appliances: their backups no longer grow."""
    table = tables.appliance
    return set(connection.execute(sa.select(table.c.id).where(table.c.retired_at <= now)).scalars())


def _fastest_first(row: GrowthRow) -> tuple[bool, int, str]:
    """Return the sort key: the fastest growth first, those without a forecast last, then by name."""
    growth = row.monthly_growth_bytes
    return growth is None, -(growth or 0), row.appliance or ""


def _scheduled_copies(connection: Connection) -> dict[int, int]:
    """Return the number of backups to keep by appliance id, as set in the enabled schedules.

    An appliance without such a schedule is missing from the result, and counts with one copy.
    """
    table = tables.schedule
    number = sa.cast(sa.func.sum(table.c.max_count), sa.BigInteger)
    query = (
        sa.select(table.c.appliance_id, number)
        .where(
            # The schedules in force now.
            table.c.ended_at.is_(None),
            table.c.enabled,
            # Other values are no number of backups, and their sum could overflow.
            table.c.max_count.between(1, 2**31),
        )
        .group_by(table.c.appliance_id)
    )
    return dict(map(tuple, connection.execute(query)))


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the days that the sizes are from, and what the interval of a forecast covers."""
    del connection
    since = f"since {scope.since}" if scope.since else f"of {HISTORY_DAYS} days"
    yield (
        f"Monthly growth is for {_MONTH} days, from the sizes {since} up to the week of the last"
        " success. 90 % of usual sizes, those of a week without its extremes, are expected between low"
        " and high. The last row is the whole fleet."
    )


REPORT = Listing(
    "growth",
    "How fast do backups grow, how large will they be, and when will the target be full?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now", "capacity_bytes", "keep"},
    explain=_explain,
    charts=(
        charts.Ahead(
            "appliance",
            "size_bytes",
            tuple(
                charts.Forecast(days, *(f"in_{days}_days{end}_bytes" for end in _ENDS))
                for days in HORIZONS
            ),
        ),
    ),
)
