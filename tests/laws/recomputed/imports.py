"""How often appliances are usually imported, and how long ago they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.laws.recomputed.jobs import Asked, Exported

_SECOND = timedelta(seconds=1)
_IMPORTS = """
SELECT appliance, list(seen_at ORDER BY seen_at)
FROM import SEMI JOIN last_import USING (appliance)
WHERE CAST(seen_at AS DATE) BETWEEN $since AND $until
GROUP BY appliance
"""
_LAST = "SELECT last_seen FROM last_import WHERE appliance = $name"
_IMPORTS_OF = """
SELECT seen_at
FROM import
WHERE appliance = $name AND seen_at BETWEEN $first AND $last
ORDER BY seen_at
"""


def long_gaps(exported: Exported, asked: Asked) -> int:
    """Return how many gaps between imports, in the days in scope, are longer than usual now."""
    days = {"since": asked.since or "0001-01-01", "until": asked.until or "9999-12-31"}
    now = datetime.fromisoformat(asked.now).replace(tzinfo=None)
    long = 0
    for name, seen in exported.rows(_IMPORTS, **days):
        ((last,),) = exported.rows(_LAST, name=name)
        own = usual(exported, name, min(last, now))
        gaps = [(after - before) // _SECOND for before, after in pairwise(seen)]
        long += sum(own is not None and gap > 1.5 * own for gap in gaps)
    return long


def usual(exported: Exported, name: str, last: datetime) -> int | None:
    """Return the usual seconds between the imports of an appliance, of 90 days up to its last one."""
    days = {"name": name, "first": last - timedelta(days=90), "last": last}
    return _usual([row[0] for row in exported.rows(_IMPORTS_OF, **days)])


def _usual(seen: list[datetime]) -> int | None:
    """Return the gap that most of the last 14 gaps do not exceed, by imports 22 hours apart."""
    apart: list[datetime] = []
    for moment in seen:
        if not apart or moment - apart[-1] >= timedelta(hours=22):
            apart = [*apart, moment]
    gaps = [(after - before) // _SECOND for before, after in pairwise(apart)][-14:]
    if len(gaps) < 3:
        return None
    share = 85 if len(gaps) >= 7 else 50
    enough = min(
        gap for gap in gaps if 100 * sum(other <= gap for other in gaps) >= share * len(gaps)
    )
    return max(enough, 86_400)
