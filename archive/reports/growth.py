"""Growth of backups: how fast they grow, how large they will be, and when the target is full."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Ahead, Forecast
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import statistics
from archive.reports.core import job_order, sql
from archive.reports.core.date_ranges import days_before
from archive.reports.core.report import JOBS, Listing
from archive.store import settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Older sizes say little about the months to come; --since can include them.
HISTORY_DAYS = 365
# Slopes are computed between any two of at most this many points, each the median of a span of days.
MOST_POINTS = 60
# With fewer points or days a slope is noise.
LEAST_POINTS, LEAST_DAYS = 5, 14
# The present size is the median of this many latest backups.
_LATEST = 5
_MONTH = 30
HORIZONS = (30, 90, 365)
_ENDS = ("", "_low", "_high")
_FORECAST = (
    "monthly_growth_bytes",
    *(f"in_{days}_days{end}_bytes" for days in HORIZONS for end in _ENDS),
)
_NO_FORECAST: tuple[int | None, ...] = (None,) * len(_FORECAST)
# A forecast beyond this number of days is shown as `never`.
_FAR_DAYS = 36_500
COLUMNS = (
    Column("appliance"),
    Column("successes", Kind.COUNT),
    Column("size_bytes", Kind.BYTES),
    *(Column(name, Kind.BYTES) for name in _FORECAST),
    Column("retained_copies", Kind.COUNT),
    Column("retained_bytes", Kind.BYTES),
    Column("full", optional=True),
    Column("note"),
)


class GrowthRow(NamedTuple):
    """Growth of one appliance. Sizes are those of one backup in bytes; growth is for 30 days.

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


class Growth(NamedTuple):
    """The growth of backups in bytes a day, and the deviation of single sizes from it in bytes.

    90 % of the slopes lie between `low` and `high`, and 90 % of the sizes between `under` and `over`.
    """

    middle: float
    low: float
    high: float
    under: float
    over: float

    def ahead(self, size: int, days: int) -> tuple[int, int, int]:
        """Return the size expected in some days for the present `size`, and its lower and upper bound."""
        least = size + self.low * days + min(self.under, 0)
        most = size + self.high * days + max(self.over, 0)
        middle = size + self.middle * days
        return (_whole(middle), _whole(least), _whole(most))


def _whole(size: float) -> int:
    return max(round(size), 0)


def points(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return medians of sizes, as pairs of day ordinal and bytes; `sizes` must be ordered by day.

    Each median covers one day, or several if there would be too many points. Its day is the median
    day.
    """
    first, last = sizes[0][0], sizes[-1][0]
    width = ceil((last - first + 1) / MOST_POINTS)
    spans: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for day, size in sizes:
        in_span = spans[(day - first) // width]
        in_span[0].append(day)
        in_span[1].append(size)
    return [(statistics.median(days), statistics.median(values)) for days, values in spans.values()]


def fit(history: Sequence[tuple[int, int]]) -> Growth | None:
    """Return the growth through points (day ordinal, bytes); None if there are too few."""
    if len(history) < LEAST_POINTS or history[-1][0] - history[0][0] < LEAST_DAYS:
        return None
    slope = statistics.theil_sen(history)
    last_day = history[-1][0]
    above = sorted(size - slope.middle * (day - last_day) for day, size in history)
    level = statistics.median(above)
    under, over = (statistics.percentile(above, percent) - level for percent in (5, 95))
    return Growth(*slope, under, over)


def full_on(retained: float, growth: float, capacity: int, today: str) -> str:
    """Return the day on which retained copies (bytes, growing by `growth` a day) reach a capacity."""
    if retained >= capacity:
        return "already"
    if growth <= 0 or (capacity - retained) / growth > _FAR_DAYS:
        return "never"
    ahead = timedelta(days=ceil((capacity - retained) / growth))
    try:
        return (date.fromisoformat(today) + ahead).isoformat()
    except OverflowError:
        return "never"


class _Fleet:
    """The rows of the appliances, and their sums."""

    def __init__(self) -> None:
        self.rows: list[GrowthRow] = []
        self.daily = 0.0  # growth of the retained copies in bytes a day

    def add(self, name: str, sizes: Sequence[tuple[int, int]], copies: int) -> None:
        """Add an appliance with the sizes (day ordinal, bytes) of its successes, ordered by day."""
        size = statistics.median([size for _, size in sizes[-_LATEST:]])
        growth = fit(points(sizes))
        if growth is None:
            days = sizes[-1][0] - sizes[0][0]
            note = (
                f"{counted(len(sizes), 'size')} over {counted(days, 'day')}, needs {LEAST_POINTS}"
                f" over {LEAST_DAYS}"
            )
            forecast = _NO_FORECAST
        else:
            note = None
            ahead = [value for days in HORIZONS for value in growth.ahead(size, days)]
            forecast = (round(growth.middle * _MONTH), *ahead)
            self.daily += copies * growth.middle
        self.rows.append(
            GrowthRow._make((name, len(sizes), size, *forecast, copies, copies * size, None, note))
        )

    def whole(self, capacity: int | None, today: str) -> GrowthRow:
        """Return the fleet's row; appliances without known growth count with their present size."""
        retained = sum(row.retained_bytes for row in self.rows)
        grows = [row for row in self.rows if row.monthly_growth_bytes is not None]
        forecast = _NO_FORECAST
        if grows:
            constant = sum(row.size_bytes for row in self.rows if row.monthly_growth_bytes is None)
            growth, *ahead = (sum(getattr(row, name) for row in grows) for name in _FORECAST)
            forecast = (growth, *(value + constant for value in ahead))
        full = None
        if capacity is not None and (grows or retained >= capacity):
            full = full_on(retained, self.daily, capacity, today)
        flat = len(self.rows) - len(grows)
        return GrowthRow._make(
            (
                None,
                sum(row.successes for row in self.rows),
                sum(row.size_bytes for row in self.rows),
                *forecast,
                None,
                retained,
                full,
                f"{flat:,} of {counted(len(self.rows), 'appliance')} without growth"
                if flat
                else None,
            )
        )


def _select(connection: Connection, scope: Scope) -> Iterator[GrowthRow]:
    today = settings.calendar(connection).day(scope.now)
    fleet = _Fleet()
    for batch in job_order.batches(connection, scope):
        copies = _scheduled_copies(connection, batch) if scope.keep is None else {}
        jobs = job_order.rows(connection, _sizes(scope, batch, today), batch)
        for number, name in batch.items():
            sizes = [(date.fromisoformat(day).toordinal(), size) for _, day, size in jobs[number]]
            if sizes:
                fleet.add(name, sizes, copies.get(number, 1) if scope.keep is None else scope.keep)
    fleet.rows.sort(key=_fastest_first)
    yield from fleet.rows
    if fleet.rows:
        yield fleet.whole(scope.capacity_bytes, today)


def _fastest_first(row: GrowthRow) -> tuple[bool, int, str]:
    growth = row.monthly_growth_bytes
    return growth is None, -(growth or 0), row.appliance or ""


def _sizes(scope: Scope, batch: dict[int, str], today: str) -> sa.Select[Any]:
    job = tables.job
    query = (
        sa.select(job.c.appliance_id, job.c.day, job.c.size_bytes)
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job.c.size_bytes >= 0,
            job_order.not_later(scope),
            *sql.conditions(scope, None),
        )
        .order_by(job.c.appliance_id, *job_order.order(job))
    )
    if scope.since is not None:
        return query
    return query.where(job.c.day > days_before(today, HISTORY_DAYS))


def _scheduled_copies(connection: Connection, batch: dict[int, str]) -> dict[int, int]:
    """Return the number of backups to keep by appliance id, as set in the enabled schedules."""
    table = tables.schedule
    number = sa.cast(sa.func.sum(table.c.max_count), sa.BigInteger)
    query = (
        sa.select(table.c.appliance_id, number)
        .where(
            sql.of_appliances(table.c.appliance_id, batch),
            table.c.ended_at.is_(None),
            table.c.enabled,
            table.c.max_count.between(1, 2**31),
        )
        .group_by(table.c.appliance_id)
    )
    return dict(map(tuple, connection.execute(query)))


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection
    since = f"since {scope.since}" if scope.since else f"of the last {HISTORY_DAYS} days"
    yield (
        f"Monthly growth is for {_MONTH} days, from the sizes {since}. 90 % of sizes are expected"
        " between low and high. The last row is the whole fleet."
    )


REPORT = Listing(
    "growth",
    "How fast do backups grow, how large will they be, and when will the target be full?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now", "capacity_bytes", "keep"},
    explain=_explain,
    charts=(
        Ahead(
            "appliance",
            "size_bytes",
            tuple(
                Forecast(days, *(f"in_{days}_days{end}_bytes" for end in _ENDS))
                for days in HORIZONS
            ),
        ),
    ),
)
