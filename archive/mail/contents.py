"""What the mail says: the appliances and problems that its subject counts, and the figures."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, cast

from archive.columns import Kind
from archive.judgement.standing import RETIRED
from archive.render import units
from archive.render.letter import Entry, Section
from archive.reports import appliances, collection, missed, stuck
from archive.reports.appliances import CRITICAL, NO_DATA, OK, WARNING
from archive.reports.core.unknown_statuses import unknown_statuses
from archive.reports.core.wrong_clocks import wrong_clocks
from archive.store import settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope
    from archive.reports.core.unknown_statuses import UnknownStatus
    from archive.reports.summary_row import SummaryRow

# The number of entries in the list of appliances, and in the others.
APPLIANCES, LISTED = 20, 10
# By section of the summary; others are not shown as figures.
_HEADINGS = {
    "backups": "Backups",
    "data": "Data",
    "time": "Time",
    "expected": "Expected backups",
    "newest failures": "Newest failures",
    "slowest": "Slowest",
    "collection": "Collection",
}
# The headings of sections with figures of the summary.
FIGURES = frozenset(_HEADINGS.values())


def verdict(rows: Iterable[appliances.AppliancesRow]) -> tuple[str, str]:
    """Return the worst severity of some appliances, and a sentence on all."""
    return appliances.verdict(row.severity for row in rows)


def sections(
    connection: Connection,
    scope: Scope,
    rows: Sequence[appliances.AppliancesRow],
    figures: Sequence[SummaryRow],
) -> Iterator[Section]:
    """Yield the sections of the mail; `rows` are the appliances, `figures` the summary.

    The scope has a first and a last day.
    """
    zone = settings.calendar(connection).zone
    present = [row for row in rows if row.severity != RETIRED]
    shown = [_appliance(row, zone) for row in present[:APPLIANCES]]
    if shown:
        yield Section("Last good backup of each appliance", shown, len(present) - len(shown))
    rows_of_missed = cast("Iterator[missed.MissedRow]", missed.select(connection, scope))
    found = sorted(rows_of_missed, key=lambda row: row.due, reverse=True)
    yield from _listed("Missed backups", len(found), (_missed(row, zone) for row in found))
    jobs = stuck.stuck(connection, scope)
    yield from _listed("Stuck jobs", len(jobs), map(_stuck, jobs))
    clocks = sorted(wrong_clocks(connection, scope).items())
    entries = (Entry(name, "", (reason,), WARNING) for name, reason in clocks)
    yield from _listed("Wrong clocks", len(clocks), entries)
    unknown = unknown_statuses(connection, scope)
    if unknown:
        number = sum(one.jobs for one in unknown)
        listed = [_unknown(one) for one in unknown[:LISTED]]
        yield Section(f"Jobs in an unknown status: {number:,}", listed, len(unknown) - len(listed))
    silent = collection.not_reporting(connection, scope)
    yield from _listed("Not reporting", len(silent), (_silent(row, zone) for row in silent))
    for section, run in groupby(figures, key=lambda row: row.section):
        if section in _HEADINGS:
            yield Section(_HEADINGS[section], [_figure(row) for row in run])


def _listed(heading: str, number: int, entries: Iterator[Entry]) -> Iterator[Section]:
    """Yield a section with the first entries of a list; nothing for an empty list."""
    shown = [entry for entry, _ in zip(entries, range(LISTED), strict=False)]
    if shown:
        yield Section(f"{heading}: {number:,}", shown, number - len(shown))


def _appliance(row: appliances.AppliancesRow, zone: str) -> Entry:
    """Return the entry of an appliance: the age of its last success, with its state, time and size."""
    reasons = [appliances.reason(row.state, row.severity, row.consecutive_failures)]
    if row.consecutive_failures:
        reasons.append(appliances.in_a_row(row.consecutive_failures))
    # Without a late success, the failures are the reason.
    found = ", ".join(dict.fromkeys(filter(None, reasons)))
    state = f"{row.severity}: {found}" if found else row.severity
    if row.success_end_time is None or row.age_seconds is None:
        return Entry(row.appliance, "no success yet", (state,), row.severity)
    size = ""
    if row.size_bytes is not None:
        size = f", {units.size(row.size_bytes)}"
        if row.size_change_ratio is not None:
            size += f" ({units.readable(Kind.RATIO, row.size_change_ratio, signed=True)})"
    last = f"{units.local(row.success_end_time, zone)}{size}"
    lines = (f"ok: {last}",) if state == OK else (state, last)
    return Entry(row.appliance, f"{units.duration(row.age_seconds)} ago", lines, row.severity)


def _missed(row: missed.MissedRow, zone: str) -> Entry:
    """Return the entry of a missed backup: when it was due, and what became of it."""
    said = row.outcome if row.message is None else f"{row.outcome}: {row.message}"
    return Entry(row.appliance, units.local(row.due, zone), (said,), CRITICAL)


def _stuck(row: stuck.StuckRow) -> Entry:
    """Return the entry of a stuck job: its age, and why it counts as stuck."""
    age = "" if row.age_seconds is None else units.duration(row.age_seconds)
    return Entry(row.appliance, age, (f"{row.reason}: {row.key}",), WARNING)


def _unknown(row: UnknownStatus) -> Entry:
    """Return the entry of an unknown status of an appliance: when it came last, and how often."""
    return Entry(row.appliance, row.day, (f"{row.status}: {counted(row.jobs, 'job')}",), CRITICAL)


def _silent(row: collection.CollectionRow, zone: str) -> Entry:
    """Return the entry of an appliance that is not reporting: the age of its last import."""
    if row.last_seen is None or row.age_seconds is None:
        return Entry(row.appliance, "never", ("no import yet",), NO_DATA)
    last = f"last import {units.local(row.last_seen, zone)}"
    return Entry(row.appliance, f"{units.duration(row.age_seconds)} ago", (last,), NO_DATA)


def _figure(row: SummaryRow) -> Entry:
    """Return the entry of a figure: its value, the one before with the change, and the detail."""
    value = "-" if row.value is None else units.readable(row.kind, row.value)
    lines = []
    if row.before is not None:
        before = f"before: {units.readable(row.kind, row.before)}"
        if row.change:
            before += f" ({units.readable(row.kind.difference, row.change, signed=True)})"
        lines.append(before)
    if row.detail is not None:
        lines.append(row.detail)
    return Entry(row.name, value, tuple(lines), CRITICAL if row.problem else OK)
