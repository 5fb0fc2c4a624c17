"""The collection history: imports, gaps and collection attempts of each appliance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import reporting, standing
from archive.render.units import moment
from archive.reports.core import compliance, expected_backups, import_gaps, never_imported
from archive.reports.core.report import Listing
from archive.store import collection_log, settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class CollectionRow(NamedTuple):
    """An appliance and its imports; `first_seen` is NULL if there has never been one.

    `imports` counts imports of this appliance alone. `attempts` counts the attempts of `archive
    collect`, `unanswered` those that failed. `not_reporting` says whether another import is missing
    now, `usual_gap_seconds` what is usual now. The longest gap is between two imports, and began at
    `longest_gap_time`. Instants are fixed-width UTC texts, gaps and ages are in seconds.
    `quarantined` and `findings` count all there are, on whatever day.
    """

    appliance: str
    first_seen: str | None
    last_seen: str | None
    age_seconds: int | None
    not_reporting: bool
    imports: int
    usual_gap_seconds: int | None
    long_gaps: int
    longest_gap_seconds: int | None
    longest_gap_time: str | None
    attempts: int
    unanswered: int
    quarantined: int
    findings: int


class Reporting(NamedTuple):
    """An appliance and its last import, as of now; NULL for one that was tried and never answered.

    `not_reporting`: another import is missing, because the last one is older than `limit_seconds`.
    """

    appliance: str
    last_seen: str | None
    age_seconds: int | None
    usual_gap_seconds: int | None
    limit_seconds: int | None
    not_reporting: bool
    quarantined: int


def select(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    """Yield the rows of the report; appliances without imports or not reporting come first."""
    return iter(sorted(_rows(connection, scope), key=_not_reporting_first))


def _not_reporting_first(row: CollectionRow) -> tuple[bool, bool, int, str]:
    """Return the sort key: never imported, then not reporting, then the longest ago, then by name."""
    return row.first_seen is not None, not row.not_reporting, -(row.age_seconds or 0), row.appliance


def _rows(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    """Yield a row for each appliance in scope: those with imports, then those never imported."""
    attempts = _attempts(connection, scope)
    quarantined = _counted(connection, tables.quarantine.c.appliance_name)
    findings = _counted(connection, tables.job_finding.c.appliance_id)
    standings = list(expected_backups.standings(connection, scope))
    imports = import_gaps.imports(
        connection, scope, {one.id: one.usual_import_seconds for one in standings}
    )
    for one in standings:
        found = imports.get(one.id, import_gaps.NO_IMPORTS)
        yield CollectionRow(
            one.name,
            one.first_seen,
            one.last_seen,
            # The last import can be later than `now`.
            max(standing.seconds_between(one.last_seen, scope.now), 0),
            not one.is_reporting(scope.now),
            found.number,
            one.usual_import_seconds,
            *found[1:],
            *attempts.get(one.name, (0, 0)),
            quarantined.get(one.name, 0),
            findings.get(one.id, 0),
        )
    for name in never_imported.names(connection, scope):
        if name in attempts:
            counts = (*attempts[name], quarantined.get(name, 0), 0)
            nothing = (None, None, None, True, 0, None, *import_gaps.NO_IMPORTS[1:])
            yield CollectionRow._make((name, *nothing, *counts))


def reporting_now(connection: Connection, scope: Scope) -> list[Reporting]:
    """Return the appliances in scope and whether they are reporting; the days of a scope do not matter."""
    quarantined = _counted(connection, tables.quarantine.c.appliance_name)
    found = [
        Reporting(
            one.name,
            one.last_seen,
            max(standing.seconds_between(one.last_seen, scope.now), 0),
            one.usual_import_seconds,
            max(standing.seconds_between(one.last_seen, one.import_due), 0),
            not one.is_reporting(scope.now),
            quarantined.get(one.name, 0),
        )
        for one in expected_backups.standings(connection, scope)
    ]
    found += (
        Reporting(
            name,
            last_seen=None,
            age_seconds=None,
            usual_gap_seconds=None,
            limit_seconds=None,
            not_reporting=True,
            quarantined=quarantined.get(name, 0),
        )
        for name in never_imported.names(connection, scope)
    )
    return found


def not_reporting(connection: Connection, scope: Scope) -> list[CollectionRow]:
    """Return the rows of the appliances that are not reporting as of now, longest first."""
    names = [row.appliance for row in reporting_now(connection, scope) if row.not_reporting]
    if not names:
        return []
    own = replace(scope, since=None, until=None, appliances=(), named=frozenset(names))
    return sorted(select(connection, own), key=lambda row: row.last_seen or "")


def _attempts(connection: Connection, scope: Scope) -> dict[str, tuple[int, int]]:
    """Return the number of collection attempts, and of failed ones, by appliance name."""
    table = tables.attempt
    unanswered = table.c.outcome.in_([collection_log.FAILED, collection_log.INTERRUPTED])
    query = (
        sa.select(table.c.appliance_name, sa.func.count(), sa.func.count().filter(unanswered))
        .where(*import_gaps.within(table.c.asked_at, connection, scope))
        .group_by(table.c.appliance_name)
    )
    return {name: (number, failed) for name, number, failed in connection.execute(query)}


def _counted(connection: Connection, by: sa.Column[Any]) -> dict[Any, int]:
    """Return the number of rows of a table by one of its columns."""
    query = sa.select(by, sa.func.count()).group_by(by)
    return dict(map(tuple, connection.execute(query)))


def of_several(connection: Connection, scope: Scope) -> int:
    """Return the number of complete imports of several appliances, which are in no row of the report."""
    return _without_row(connection, scope)[0]


def _without_row(connection: Connection, scope: Scope) -> tuple[int, int]:
    """Return the number of complete imports of several appliances, and of failed imports."""
    run = tables.ingest_run
    # An import of several appliances has none in the log.
    several = sa.and_(run.c.outcome == "complete", run.c.appliance_id.is_(None))
    counts = (sa.func.count().filter(one) for one in (several, run.c.outcome == "failed"))
    within = import_gaps.within(run.c.seen_at, connection, scope)
    found = connection.execute(sa.select(*counts).where(*within)).one()
    return found[0], found[1]


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what a long gap is, and how many imports and documents are in no row of the report."""
    now = moment(scope.now, settings.calendar(connection).zone)
    yield (
        f"Ages are as of {now}. A gap is long if it exceeds the usual one by more than"
        f" {reporting.LONG_PERCENT - 100} %. The usual gap is a day or more, from {reporting.LEAST_GAPS}"
        " gaps on."
    )
    several, failed = _without_row(connection, scope)
    if several:
        yield f"Not counted above: {counted(several, 'import')} of several appliances."
    if failed:
        yield f"{counted(failed, 'import')} failed: run `archive log imports` for details."
    unnamed = _counted(connection, tables.quarantine.c.appliance_name).get(None, 0)
    if unnamed:
        yield f"In quarantine: {counted(unnamed, 'document')} of unknown appliances."


REPORT = Listing(
    "collection",
    "When was each appliance last imported, and where are gaps between imports?",
    (
        Column("appliance"),
        Column("first_seen", Kind.INSTANT, expendable=9),
        Column("last_seen", Kind.INSTANT),
        Column("age_seconds", Kind.SECONDS),
        Column("not_reporting", Kind.FLAG),
        Column("imports", Kind.COUNT, expendable=6),
        Column("usual_gap_seconds", Kind.SECONDS, expendable=5),
        Column("long_gaps", Kind.COUNT, expendable=2),
        Column("longest_gap_seconds", Kind.SECONDS, expendable=7),
        Column("longest_gap_time", Kind.INSTANT, expendable=9),
        Column("attempts", Kind.COUNT, optional=True, expendable=4),
        Column("unanswered", Kind.COUNT, optional=True, expendable=3),
        Column("quarantined", Kind.COUNT, optional=True, expendable=3),
        Column("findings", Kind.COUNT, optional=True, expendable=4),
    ),
    select,
    compliance.TAKES,
    explain=_explain,
)
