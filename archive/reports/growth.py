"""How fast backups grow, how large they will be, and when what is kept of them fills a target."""

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
from archive.reports.core.report import JOBS, Listing
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# What is older says little of the months to come; a scope may say otherwise.
HISTORY_DAYS = 365
# Slopes are taken between any two of so many points at most: the median of a span of days each.
MOST_POINTS = 60
# With fewer points or days a slope is noise.
LEAST_POINTS, LEAST_DAYS = 5, 14
# The size that backups have now is the median of so many.
_LATEST = 5
_MONTH = 30
HORIZONS = (30, 90, 365)
_ENDS = ("", "_low", "_high")
# What would last longer than this will not be reached: nobody can tell.
_FAR_DAYS = 36_500
COLUMNS = (
    Column("appliance"),
    Column("successes", Kind.COUNT),
    Column("size_bytes", Kind.BYTES),
    Column("monthly_growth_bytes", Kind.BYTES),
    *(Column(f"in_{days}_days{end}_bytes", Kind.BYTES) for days in HORIZONS for end in _ENDS),
    Column("keep", Kind.COUNT),
    Column("kept_bytes", Kind.BYTES),
    Column("full", optional=True),
    Column("note"),
)


class GrowthRow(NamedTuple):
    """Sizes are those of one backup, in bytes; growth is in 30 days, counted from `now`.

    The fleet, last, has no name, and the sums of all. `keep` is how many backups are kept, and
    `kept_bytes` how large these are at the present size. `full` is the day on which the fleet's
    reach the capacity, `already` or `never`. `note` says why there is no growth.
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
    keep: int | None
    kept_bytes: int
    full: str | None
    note: str | None


class Growth(NamedTuple):
    """By how many bytes a day backups grow, and how far off a day's size is from that line.

    Nine in ten slopes, and nine in ten sizes, lie between `low` and `high`, and `under` and `over`.
    """

    middle: float
    low: float
    high: float
    under: float
    over: float

    def ahead(self, size: int, days: int) -> tuple[int, int, int]:
        """Return the size that one of now will have in some days, and between what it will lie."""
        least = size + self.low * days + min(self.under, 0)
        most = size + self.high * days + max(self.over, 0)
        middle = size + self.middle * days
        return (_whole(middle), _whole(least), _whole(most))


def _whole(size: float) -> int:
    return max(round(size), 0)


def points(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the medians of sizes (day's number, bytes), which are in the order of days.

    Each is of one day, or of as many as it takes to have few points, and stands at their median.
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
    """Return the growth through points (day's number, bytes); None if there is too little of it."""
    if len(history) < LEAST_POINTS or history[-1][0] - history[0][0] < LEAST_DAYS:
        return None
    slope = statistics.theil_sen(history)
    above = sorted(size - slope.middle * (day - history[-1][0]) for day, size in history)
    level = statistics.percentile(above, 50)
    under, over = (statistics.percentile(above, percent) - level for percent in (5, 95))
    return Growth(*slope, under, over)


def full_on(kept: float, growth: float, capacity: int, today: str) -> str:
    """Return the day on which what is kept, and grows so much a day, reaches a capacity."""
    if kept >= capacity:
        return "already"
    if growth <= 0 or (capacity - kept) / growth > _FAR_DAYS:
        return "never"
    ahead = timedelta(days=ceil((capacity - kept) / growth))
    try:
        return (date.fromisoformat(today) + ahead).isoformat()
    except OverflowError:
        return "never"


class _Fleet:
    """What the appliances come to together."""

    def __init__(self) -> None:
        self.rows: list[GrowthRow] = []
        self.daily = 0.0  # of what is kept

    def add(self, name: str, sizes: Sequence[tuple[int, int]], keep: int) -> None:
        """Add an appliance with the sizes (day's number, bytes) of its successes in their order."""
        size = statistics.median([size for _, size in sizes[-_LATEST:]])
        growth = fit(points(sizes))
        if growth is None:
            days = sizes[-1][0] - sizes[0][0]
            note = (
                f"no growth is told of {len(sizes)} sizes over {days} days; it takes"
                f" {LEAST_POINTS} over {LEAST_DAYS}"
            )
            told: list[int | None] = [None] * (1 + 3 * len(HORIZONS))
        else:
            note = None
            ahead = [told for days in HORIZONS for told in growth.ahead(size, days)]
            told = [round(growth.middle * _MONTH), *ahead]
            self.daily += keep * growth.middle
        self.rows.append(
            GrowthRow._make((name, len(sizes), size, *told, keep, keep * size, None, note))
        )

    def whole(self, capacity: int | None, today: str) -> GrowthRow:
        """Return the fleet's row: what does not grow, as far as is known, counts as it is."""
        kept = sum(row.kept_bytes for row in self.rows)
        grows = [row for row in self.rows if row.monthly_growth_bytes is not None]
        told: list[int | None] = [None] * (1 + 3 * len(HORIZONS))
        if grows:
            still = sum(row.size_bytes for row in self.rows if row.monthly_growth_bytes is None)
            told = [sum(values) for values in zip(*(row[3:13] for row in grows), strict=True)]
            told[1:] = [value + still for value in told[1:] if value is not None]
        full = None
        if capacity is not None and (grows or kept >= capacity):
            full = full_on(kept, self.daily, capacity, today)
        flat = len(self.rows) - len(grows)
        return GrowthRow._make(
            (
                None,
                sum(row.successes for row in self.rows),
                sum(row.size_bytes for row in self.rows),
                *told,
                None,
                kept,
                full,
                f"{flat} of {len(self.rows)} have no growth" if flat else None,
            )
        )


def _select(connection: Connection, scope: Scope) -> Iterator[GrowthRow]:
    today = settings.calendar(connection).day(scope.now)
    fleet = _Fleet()
    for batch in job_order.batches(connection, scope):
        kept = _kept(connection, batch) if scope.keep is None else {}
        jobs = job_order.rows(connection, _sizes(scope, batch, today), batch)
        for number, name in batch.items():
            sizes = [(date.fromisoformat(day).toordinal(), size) for _, day, size in jobs[number]]
            if sizes:
                fleet.add(name, sizes, kept.get(number, 1) if scope.keep is None else scope.keep)
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
    return query if scope.since is not None else query.where(job.c.day > _long_ago(today))


def _long_ago(today: str) -> str:
    day = date.fromisoformat(today).toordinal() - HISTORY_DAYS
    return date.fromordinal(max(day, 1)).isoformat()


def _kept(connection: Connection, batch: dict[int, str]) -> dict[int, int]:
    """Return how many backups the schedules of appliances keep, where these say so."""
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
        f"Growth is in {_MONTH} days, by the sizes {since}; low and high are such that 9 in 10 lie"
        " between them. The last row is all appliances together."
    )


REPORT = Listing(
    "growth",
    "How fast do backups grow, how large will they be, and when will they fill the target?",
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
