"""The one order of an appliance's jobs: that in which they began."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def place(table: sa.FromClause) -> sa.ColumnElement[str]:
    """Return the instant that orders a job within its day: its start, or when it was first seen."""
    return sa.func.coalesce(table.c.start_time, table.c.first_seen, type_=table.c.start_time.type)


def order(table: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the total order in which an appliance's jobs began, by day first."""
    # By day first, which an index of each appliance's jobs has.
    return [table.c.day, place(table), table.c.key]
