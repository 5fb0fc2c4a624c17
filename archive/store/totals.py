"""All that follows from the jobs and is stored: updated with them, compared, and computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.store import (
    anomalies,
    appliance_months,
    build_sketches,
    day_totals,
    size_forecasts,
)
from archive.store.build_sketches import Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection

    from archive.store.day_totals import Contribution
    from archive.store.wrong_rows import WrongRow


class ChangedTotals:
    """Changes to all totals and anomalies, collected over a transaction and written at its end."""

    def __init__(self) -> None:
        self._days = day_totals.Totals()
        self._months = appliance_months.ChangedMonths()
        self._builds = build_sketches.BuildSketches()
        self._successes = anomalies.ChangedSuccesses()
        self._forecasts = size_forecasts.ChangedForecasts()

    def add(
        self, appliance_id: int, build_id: int | None, job: Contribution, sign: int = 1
    ) -> None:
        """Add a job; with a sign of -1, subtract it."""
        self._days.add(job, sign)
        self._months.add(appliance_id, job.day)
        self._successes.add(appliance_id, job.status, job.day)
        self._forecasts.add(appliance_id, job.status, job.day, sign)
        self._builds.add(
            Ran(appliance_id, build_id, job.status, job.size_bytes, job.duration_seconds), sign
        )

    def move(self, appliance_id: int, job: Contribution, day: str) -> None:
        """Move a job to another day.

        Its build and measures stay, so the sketches by build do.
        """
        moved = job._replace(day=day)
        for one, sign in ((job, -1), (moved, 1)):
            self._days.add(one, sign)
            self._months.add(appliance_id, one.day)
            self._successes.add(appliance_id, one.status, one.day)
            self._forecasts.add(appliance_id, one.status, one.day, sign)

    def drain(self, connection: Connection) -> None:
        """Write what would grow with the number of jobs; this takes time for every changed day."""
        self._builds.write(connection)
        self._days.write(connection)

    def write(self, connection: Connection) -> None:
        """Write all changes; the caller has locked the appliances and has written the jobs."""
        self._months.write(connection)
        self._successes.write(connection)
        self._forecasts.write(connection)
        self.drain(connection)  # last, since loads take turns from the day totals on


def differences(connection: Connection) -> Iterator[WrongRow]:
    """Yield the rows that are wrong, missing or not needed. Nothing is changed."""
    for find in COMPARISONS.values():
        yield from find(connection)


def rebuild(connection: Connection) -> int:
    """Compute all again from the jobs, and return how many rows were wrong.

    The caller holds the lock of the calendar, so that no import changes a job meanwhile.
    """
    wrong = len(appliance_months.differences(connection))
    appliance_months.rebuild(connection)
    wrong += build_sketches.rebuild(connection) + anomalies.rebuild(connection)
    wrong += size_forecasts.rebuild(connection)
    return wrong + day_totals.rebuild(connection)


def _days(connection: Connection) -> Iterable[WrongRow]:
    return day_totals.differences(connection, day_totals.count(connection))


# What finds the wrong rows of each kind, by the kind's name. Each reads all jobs.
COMPARISONS: dict[str, Callable[[Connection], Iterable[WrongRow]]] = {
    "day totals": _days,
    "month totals": appliance_months.differences,
    "totals of builds": build_sketches.differences,
    "anomalies": anomalies.differences,
    "forecasts": size_forecasts.differences,
}
