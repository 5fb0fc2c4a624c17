"""All stored totals: compared with the jobs, and counted again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.store import appliance_months, day_totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


def differences(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield the name of each kind of totals, and how many of its stored rows are wrong or missing."""
    yield "day totals", day_totals.differences(connection, day_totals.count(connection))
    yield "month totals", appliance_months.differences(connection)


def rebuild(connection: Connection) -> int:
    """Count all totals again from the jobs, and return how many rows were wrong."""
    wrong = appliance_months.differences(connection)
    appliance_months.rebuild(connection)
    return wrong + day_totals.rebuild(connection)
