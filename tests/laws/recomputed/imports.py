"""How often appliances are usually imported, and how long ago they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.laws.recomputed.jobs import Exported

_SECOND = timedelta(seconds=1)
_IMPORTS = """
SELECT appliance, list(seen_at ORDER BY seen_at)
FROM import SEMI JOIN last_import USING (appliance)
WHERE CAST(seen_at AS DATE) BETWEEN $since AND $until
GROUP BY appliance
"""


_IMPORTS_OF = """
SELECT seen_at
FROM import
WHERE appliance = $name AND seen_at BETWEEN $first AND $last
ORDER BY seen_at
"""


class History(NamedTuple):
    """The imports of an appliance in some days: the usual seconds between them, and the long gaps."""

    usual: int | None
    long_gaps: int


def histories(exported: Exported, since: str | None, until: str | None) -> dict[str, History]:
    """Return the imports by appliance, of the days from the first to the last."""
    days = {"since": since or "0001-01-01", "until": until or "9999-12-31"}
    found = {}
    for name, seen in exported.rows(_IMPORTS, **days):
        usual = _usual(seen)
        gaps = [(after - before) // _SECOND for before, after in pairwise(seen)]
        long = sum(usual is not None and gap > 1.5 * usual for gap in gaps)
        found[name] = History(usual, long)
    return found


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
