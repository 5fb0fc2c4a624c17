"""How often each appliance is usually imported."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.calendar import iso, ordinal
from archive.db import tables
from archive.judgement import reporting
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

# What is usual now is learned from the imports of so many days.
RECENT_DAYS = 90
# Rows fetched together: an appliance may be imported every few minutes.
_ROWS_AT_A_TIME = 1000
_RUN = tables.ingest_run.c
# Imports that failed say nothing about how often an appliance is imported.
_COMPLETE = (
    sa.select(_RUN.appliance_id, _RUN.seen_at)
    .where(
        _RUN.outcome == "complete",
        _RUN.seen_at >= sa.bindparam("since", type_=_RUN.seen_at.type),
    )
    .order_by(_RUN.appliance_id, _RUN.seen_at)
)
_IMPORTS = _COMPLETE.where(_RUN.appliance_id.in_(sa.bindparam("ids", expanding=True)))
# Most imports are of one appliance: its statement is compiled once.
_IMPORTS_OF_ONE = db.Prepared(_COMPLETE.where(_RUN.appliance_id == sa.bindparam("id")))


def usual_intervals(
    connection: Connection, last_imports: Mapping[int, str]
) -> dict[int, int | None]:
    """Return the usual seconds between imports by appliance id; one without imports is left out.

    They are those of the RECENT_DAYS days up to the last import, which is given by appliance id.

    Failed and undone imports do not count. The value is None for an appliance with too few.
    """
    if len(last_imports) == 1:
        [(number, last)] = last_imports.items()
        first = _before(last)
        imports = _IMPORTS_OF_ONE.rows(connection, {"id": number, "since": first})
        seen = [instant for _, instant in imports if instant <= last]
        return {number: reporting.usual_interval(seen)} if imports else {}
    found: dict[int, int | None] = {}
    for chunk in chunks(last_imports):
        # One query for all of them: what one appliance does not need is left out below.
        since = min(_before(last_imports[number]) for number in chunk)
        rows = connection.execute(
            _IMPORTS,
            {"ids": chunk, "since": since},
            execution_options={"yield_per": _ROWS_AT_A_TIME},
        )
        for number, own in groupby(rows, key=attrgetter("appliance_id")):
            last = last_imports[number]
            first = _before(last)
            found[number] = reporting.usual_interval(
                row.seen_at for row in own if first <= row.seen_at <= last
            )
    return found


def _before(instant: str) -> str:
    """Return the instant RECENT_DAYS days earlier."""
    return f"{iso(max(ordinal(instant[:10]) - RECENT_DAYS, 1))}{instant[10:]}"
