"""How many expected days were met, and how many were missed in which way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archive.columns import Column, Kind
from archive.judgement.outcome import TallyRow, tally
from archive.reports.core import expected_backups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# What the reports on appliances heed, and those that hold their backups against what is expected.
TAKES = frozenset({"since", "until", "appliances", "named", "now"})
EXPECTING = TAKES | {"cadences"}
COLUMNS = (
    Column("appliance"),
    Column("expected", Kind.COUNT),
    Column("met", Kind.COUNT),
    Column("missed", Kind.COUNT),
    Column("failed", Kind.COUNT),
    Column("running", Kind.COUNT),
    Column("did_not_run", Kind.COUNT),
    Column("no_data", Kind.COUNT),
    Column("schedule_compliance", Kind.RATIO),
)
# The columns that missed days add up from.
WAYS = ("failed", "running", "did_not_run", "no_data")
_NAMES_AT_MOST = 5


def rows(connection: Connection, scope: Scope) -> Iterator[TallyRow]:
    """Yield the tallies of the appliances of a scope, by name."""
    for appliance, expectations in expected_backups.walk(connection, scope):
        yield tally(appliance, expectations)


def notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what all tallies come to, and of which appliances nothing is expected."""
    total: Counter[str] = Counter()
    unexpected: list[str] = []
    for row in rows(connection, scope):
        total.update({name: row[place] for place, name in enumerate(TallyRow._fields[1:-1], 1)})
        if not row.expected:
            unexpected.append(row.appliance)
    yield (
        f"Expected: {total['expected']:,} days; met: {total['met']:,}; missed: {total['missed']:,}"
        f" ({total['failed']:,} failed, {total['running']:,} running,"
        f" {total['did_not_run']:,} did not run, {total['no_data']:,} no data)."
    )
    if unexpected:
        named = ", ".join(unexpected[:_NAMES_AT_MOST])
        more = ", ..." if len(unexpected) > _NAMES_AT_MOST else ""
        yield (
            f"Nothing is expected of {len(unexpected):,} appliances ({named}{more}): no schedule that"
            " is switched on, no cadence and too few jobs to tell, or none due in these days."
        )
