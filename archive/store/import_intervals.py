"""How often each appliance is usually imported."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.calendar import iso, ordinal
from archive.db import tables
from archive.judgement import reporting
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

# What is usual now is learned from the imports of so many days.
RECENT_DAYS = 90
_ROWS_AT_A_TIME = 1000


def usual_intervals(
    connection: Connection, ids: Collection[int] | None, now: str
) -> dict[int, int | None]:
    """Return the usual seconds between imports by appliance id, as of an instant.

    They are those of the last RECENT_DAYS days; an appliance without any is left out.
    """
    run = tables.ingest_run
    since = f"{iso(max(ordinal(now[:10]) - RECENT_DAYS, 1))}{now[10:]}"
    query = (
        sa.select(run.c.appliance_id, run.c.seen_at)
        .where(
            run.c.appliance_id.is_not(None),
            run.c.outcome == "complete",
            run.c.seen_at >= since,
            run.c.seen_at <= now,
        )
        .order_by(run.c.appliance_id, run.c.seen_at)
    )
    found: dict[int, int | None] = {}
    for chunk in [None] if ids is None else chunks(ids):
        part = query if chunk is None else query.where(run.c.appliance_id.in_(chunk))
        rows = connection.execute(part, execution_options={"yield_per": _ROWS_AT_A_TIME})
        for number, own in groupby(rows, key=attrgetter("appliance_id")):
            found[number] = reporting.usual_interval(row.seen_at for row in own)
    return found
