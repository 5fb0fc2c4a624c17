"""All that is stored although it follows from the jobs: compared with them, and made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.store import anomalies, appliance_months, day_totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


def differences(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield the name of each kind of rows, and how many of those stored are wrong or missing."""
    yield "day totals", day_totals.differences(connection, day_totals.count(connection))
    yield "month totals", appliance_months.differences(connection)
    yield "anomalies", anomalies.differences(connection)


def rebuild(connection: Connection) -> int:
    """Count all totals and judge all jobs again, and return how many rows were wrong."""
    wrong = appliance_months.differences(connection)
    appliance_months.rebuild(connection)
    return wrong + anomalies.rebuild(connection) + day_totals.rebuild(connection)
