"""Count expected backups by outcome, for each appliance and in total."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archive.columns import Column, Kind
from archive.reports.core import expected_backups
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.judgement.outcome import TallyRow
    from archive.reports.core.scope import Scope

# Scope fields of the reports on appliances, and of those that judge expected backups.
TAKES = frozenset({"since", "until", "appliances", "named", "now"})
EXPECTING = TAKES | {"cadences"}
COLUMNS = (
    Column("appliance"),
    Column("expected", Kind.COUNT),
    Column("met", Kind.COUNT, expendable=5),
    Column("missed", Kind.COUNT),
    Column("failed", Kind.COUNT),
    Column("running", Kind.COUNT, expendable=4),
    Column("did_not_run", Kind.COUNT),
    Column("no_data", Kind.COUNT),
    Column("schedule_compliance", Kind.RATIO),
)
# Outcomes of missed backups: these columns add up to `missed`.
WAYS = ("failed", "running", "did_not_run", "no_data")
# Columns that can be added up over appliances; the ratio cannot.
_COUNTS = ("expected", "met", "missed", *WAYS)
# Enough to recognise which appliances are meant, in one line.
_NAMES_AT_MOST = 5


def rows(connection: Connection, scope: Scope) -> Iterator[TallyRow]:
    """Yield the tally of each appliance in scope, ordered by name."""
    yield from expected_backups.tallies(connection, scope)


def notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the totals, and name the appliances without expected backups.

    It judges or reads all appliances once more; the totals are over those in scope.
    """
    total: Counter[str] = Counter()
    unexpected: list[str] = []
    for row in rows(connection, scope):
        total.update({name: getattr(row, name) for name in _COUNTS})
        if not row.expected:
            unexpected.append(row.appliance)
    yield (
        f"Expected backups: {total['expected']:,}; met: {total['met']:,}; missed: {total['missed']:,}"
        f" ({total['failed']:,} failed, {total['running']:,} running,"
        f" {total['did_not_run']:,} did not run, {total['no_data']:,} no data)."
    )
    if unexpected:
        named = ", ".join(unexpected[:_NAMES_AT_MOST])
        more = ", ..." if len(unexpected) > _NAMES_AT_MOST else ""
        yield (
            f"No expected backups for {counted(len(unexpected), 'appliance')} ({named}{more}): no enabled"
            " schedule, no cadence and too few jobs to learn from, or none due in this period."
        )
