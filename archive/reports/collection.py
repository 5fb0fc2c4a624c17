"""The collection history: imports, gaps and collection attempts of each appliance."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import ordinal, start
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import reporting, standing
from archive.render.units import moment
from archive.reports.core import compliance, expected_backups, sql
from archive.reports.core.report import Listing
from archive.store import collection_log, settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Rows fetched together: an appliance may be imported every few minutes.
_ROWS_AT_A_TIME = 1000


class CollectionRow(NamedTuple):
    """An appliance and its imports; `first_seen` is NULL if there has never been one.

    `imports` counts imports of this appliance alone. `attempts` counts the attempts of
    `archive collect`, `unanswered` those that failed. `not_reporting` says whether another
    import is missing now. The longest gap is between two imports, and
    began at `longest_gap_time`.

    Instants are fixed-width UTC texts, gaps and ages are in seconds. `quarantined` and `findings`
    count all there are, on whatever day.
    """

    appliance: str
    first_seen: str | None
    last_seen: str | None
    age_seconds: int | None
    not_reporting: bool | None
    imports: int
    usual_gap_seconds: int | None
    long_gaps: int
    longest_gap_seconds: int | None
    longest_gap_time: str | None
    attempts: int
    unanswered: int
    quarantined: int
    findings: int


class Gaps(NamedTuple):
    """The gaps between imports: the usual (seconds), the number of long ones, the longest, its start."""

    usual: int | None
    long: int
    longest: int | None
    since: str | None


class Reporting(NamedTuple):
    """An appliance and its last import, as of now; NULL for one that was tried and never answered.

    `not_reporting`: another import is missing.

    `age_seconds` is the age of the last import, `usual_gap_seconds` the usual time between imports.
    """

    appliance: str
    last_seen: str | None
    age_seconds: int | None
    usual_gap_seconds: int | None
    not_reporting: bool
    quarantined: int


def gaps(instants: Sequence[str]) -> Gaps:
    """Return the gaps between imports at these instants, which must be in ascending order.

    Imports at the same instant count as one: the same answer imported again is no news.

    Instants are fixed-width UTC texts.
    """
    distinct = list(dict.fromkeys(instants))
    between = [standing.seconds_between(*pair) for pair in pairwise(distinct)]
    if not between:
        return Gaps(None, 0, None, None)
    longest = max(between)
    since = distinct[between.index(longest)]
    usual = reporting.usual_interval(distinct)
    long = 0 if usual is None else sum(reporting.is_long(gap, usual) for gap in between)
    return Gaps(usual, long, longest, since)


def select(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    """Yield the rows of the report; appliances without imports or not reporting come first."""
    return iter(sorted(_rows(connection, scope), key=_not_reporting_first))


def _not_reporting_first(row: CollectionRow) -> tuple[bool, bool, int, str]:
    """Return the sort key: never imported, then not reporting, then the longest ago, then by name."""
    return row.first_seen is not None, not row.not_reporting, -(row.age_seconds or 0), row.appliance


def _rows(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    """Yield a row for each appliance in scope: those with imports, then those never imported.

    Imports are read in order and grouped by appliance, so memory holds those of one at a time.
    """
    attempts = _attempts(connection, scope)
    quarantined = _counted(connection, tables.quarantine.c.appliance_name)
    findings = _counted(connection, tables.job_finding.c.appliance_id)
    imports = connection.execute(
        _imports(connection, scope), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    standings = {one.id: one for one in expected_backups.standings(connection, scope)}
    for number, rows in groupby(imports, key=attrgetter("id")):
        own = list(rows)
        first = own[0]
        seen = [row.seen_at for row in own if row.seen_at is not None]
        found = gaps(seen)
        # The last import can be later than `now`.
        age = max(standing.seconds_between(first.last_seen, scope.now), 0)
        yield CollectionRow(
            first.name,
            first.first_seen,
            first.last_seen,
            age,
            not standings[number].is_reporting(scope.now),
            len(seen),
            *found,
            *attempts.pop(first.name, (0, 0)),
            quarantined.get(first.name, 0),
            findings.get(number, 0),
        )
    # The attempts that are left are those of appliances without any import.
    for name, counts in _never_imported(connection, scope, attempts):
        nothing = (None, None, None, None, 0, *gaps(()))
        yield CollectionRow._make((name, *nothing, *counts, quarantined.get(name, 0), 0))


def reporting_now(connection: Connection, scope: Scope) -> list[Reporting]:
    """Return the appliances in scope and whether they are reporting; the days of a scope do not matter."""
    quarantined = _counted(connection, tables.quarantine.c.appliance_name)
    found = [
        Reporting(
            one.name,
            one.last_seen,
            max(standing.seconds_between(one.last_seen, scope.now), 0),
            one.usual_import_seconds,
            not one.is_reporting(scope.now),
            quarantined.get(one.name, 0),
        )
        for one in expected_backups.standings(connection, scope)
    ]
    attempts = _attempts(connection, replace(scope, since=None, until=None))
    for name, _ in _never_imported(connection, scope, attempts):
        # Tried and never answered: it has never reported.
        found.append(Reporting(name, None, None, None, True, quarantined.get(name, 0)))  # noqa: FBT003 - a row
    return found


def not_reporting(connection: Connection, scope: Scope) -> list[CollectionRow]:
    """Return the rows of the appliances that are not reporting as of now, longest first."""
    names = [row.appliance for row in reporting_now(connection, scope) if row.not_reporting]
    if not names:
        return []
    own = replace(scope, since=None, until=None, appliances=(), named=frozenset(names))
    return sorted(select(connection, own), key=lambda row: row.last_seen or "")


def _imports(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return the imports of single appliances by appliance and time; NULL for one without any."""
    appliance, run = tables.appliance, tables.ingest_run
    theirs = sa.and_(
        run.c.appliance_id == appliance.c.id,
        run.c.outcome == "complete",
        *_within(run.c.seen_at, connection, scope),
    )
    columns = [appliance.c[name] for name in ("id", "name", "first_seen", "last_seen")]
    query = (
        sa.select(*columns, run.c.seen_at)
        .outerjoin_from(appliance, run, theirs)
        .order_by(appliance.c.id, run.c.seen_at)
    )
    ids = scope.appliance_ids(connection)
    return query if ids is None else query.where(sql.of_appliances(appliance.c.id, ids))


def _within(
    instant: sa.Column[str], connection: Connection, scope: Scope
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions that an instant is in the days of a scope."""
    calendar = settings.calendar(connection)
    if scope.since is not None:
        yield instant >= start(calendar, ordinal(scope.since))
    if scope.until is not None:
        yield instant < start(calendar, ordinal(scope.until) + 1)


def _attempts(connection: Connection, scope: Scope) -> dict[str, tuple[int, int]]:
    """Return the number of collection attempts, and of failed ones, by appliance name."""
    table = tables.attempt
    unanswered = table.c.outcome.in_([collection_log.FAILED, collection_log.INTERRUPTED])
    query = (
        sa.select(table.c.appliance_name, sa.func.count(), sa.func.count().filter(unanswered))
        .where(*_within(table.c.asked_at, connection, scope))
        .group_by(table.c.appliance_name)
    )
    return {name: (number, failed) for name, number, failed in connection.execute(query)}


def _counted(connection: Connection, by: sa.Column[Any]) -> dict[Any, int]:
    """Return the number of rows of a table by one of its columns."""
    query = sa.select(by, sa.func.count()).group_by(by)
    return dict(map(tuple, connection.execute(query)))


def _never_imported(
    connection: Connection, scope: Scope, attempts: dict[str, tuple[int, int]]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the appliances in scope that were attempted but are not in the archive."""
    known = set(connection.execute(sa.select(tables.appliance.c.name)).scalars())
    for name, counts in attempts.items():
        globs = scope.appliances or ("*",)
        selected = any(name == glob or fnmatchcase(name, glob) for glob in globs)
        if name not in known and selected and (scope.named is None or name in scope.named):
            yield name, counts


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what a long gap is, and how many imports and documents are in no row of the report."""
    yield (
        f"Ages are as of {moment(scope.now)}. A gap is long if it exceeds the usual one by more than"
        f" {reporting.LONG_PERCENT - 100} %. The usual gap is a day or more, from {reporting.LEAST_GAPS}"
        " gaps on."
    )
    run = tables.ingest_run
    within = list(_within(run.c.seen_at, connection, scope))
    # An import of several appliances has none in the log, and is in no row.
    mixed = sa.and_(run.c.outcome == "complete", run.c.appliance_id.is_(None))
    failed = run.c.outcome == "failed"
    counts = (
        sa.func.count().filter(mixed).label("several"),
        sa.func.count().filter(failed).label("failed"),
    )
    found = connection.execute(sa.select(*counts).where(*within)).one()
    if found.several:
        yield f"Not counted above: {counted(found.several, 'import')} of several appliances."
    if found.failed:
        yield f"{counted(found.failed, 'import')} failed: run `archive log imports` for details."
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
