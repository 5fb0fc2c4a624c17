"""The imports of each appliance, and the gaps between them.

The database counts them: a row is read for each appliance, however often it was imported.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.calendar import ordinal, start
from archive.db import tables
from archive.judgement import reporting
from archive.reports.core import filters
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Imports(NamedTuple):
    """The imports of an appliance, the long gaps between them, the longest (seconds) and its start."""

    number: int
    long_gaps: int
    longest: int | None
    since: str | None


NO_IMPORTS = Imports(0, 0, None, None)


def imports(
    connection: Connection, scope: Scope, usual: Mapping[int, int | None]
) -> dict[int, Imports]:
    """Return the imports of single appliances by appliance id; `usual` has the seconds between them."""
    gaps = _gaps(connection, scope).subquery("gaps")
    of, gap = gaps.c.appliance_id, gaps.c.gap
    ranked = sa.select(
        of,
        gaps.c.before,
        gap,
        sa.func.count().over(partition_by=of).label("imports"),
        # Of equally long gaps, the first counts as the longest.
        sa.func.row_number()
        .over(partition_by=of, order_by=(gap.desc().nulls_last(), gaps.c.seen_at))
        .label("place"),
    ).subquery("ranked")
    names = ("appliance_id", "imports", "gap", "before")
    longest = sa.select(*(ranked.c[name] for name in names)).where(ranked.c.place == 1)
    found = connection.execute(longest)
    rows = [tuple(row) for row in found]
    long = long_gaps(connection, scope, usual) if rows else Counter()
    return {
        number: Imports(imports, long[number], seconds, None if seconds is None else since)
        for number, imports, seconds, since in rows
    }


def long_gaps(
    connection: Connection, scope: Scope, usual: Mapping[int, int | None]
) -> Counter[int]:
    """Return the number of long gaps between imports by appliance id; `usual` has what is usual now.

    Without a usual gap none is long.
    """
    known = [seconds for seconds in usual.values() if seconds is not None]
    found: Counter[int] = Counter()
    if not known:
        return found
    gaps = _gaps(connection, scope).subquery("gaps")
    query = sa.select(gaps.c.appliance_id, gaps.c.gap).where(gaps.c.gap > min(known))
    for number, gap in connection.execute(query):
        own = usual.get(number)
        found[number] += own is not None and reporting.is_long(gap, own)
    return found


def _gaps(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return the imports of single appliances, with the one `before` and the whole seconds since then.

    The gap is NULL for the first one, and for another one at the same instant: an answer that is
    imported again is no news.
    """
    run = tables.ingest_run
    conditions = [
        run.c.outcome == "complete",
        run.c.appliance_id.is_not(None),
        *within(run.c.seen_at, connection, scope),
    ]
    ids = scope.appliance_ids(connection)
    if ids is not None:
        conditions.append(filters.of_appliances(run.c.appliance_id, ids))
    before = sa.func.lag(run.c.seen_at, type_=run.c.seen_at.type).over(
        partition_by=run.c.appliance_id, order_by=run.c.seen_at
    )
    own = sa.select(run.c.appliance_id, run.c.seen_at, before.label("before"))
    found = own.where(*conditions).subquery("found")
    gap = db.SecondsBetween(found.c.before, found.c.seen_at)
    return sa.select(
        *found.c,
        sa.case((found.c.before < found.c.seen_at, gap)).label("gap"),
    )


def within(
    instant: sa.Column[str], connection: Connection, scope: Scope
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions that an instant is in the days of a scope."""
    calendar = settings.calendar(connection)
    if scope.since is not None:
        yield instant >= start(calendar, ordinal(scope.since))
    if scope.until is not None:
        yield instant < start(calendar, ordinal(scope.until) + 1)
