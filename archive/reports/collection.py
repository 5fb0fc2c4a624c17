"""What the archive itself has: how often it heard from each appliance, and where it did not."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import standing, statistics
from archive.judgement.schedules import ordinal, start
from archive.reports.core import compliance, sql
from archive.reports.core.report import Listing
from archive.store import collection_log, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# With fewer gaps between imports nothing is usual.
LEAST_GAPS = 3
# A gap is long if it exceeds the median one by more than half: of those who are asked every day, a
# day left out is two of them.
LONG_PERCENT = 150
_ROWS_AT_A_TIME = 1000


class CollectionRow(NamedTuple):
    """An appliance, and what was heard of it; `first_seen` is NULL of one that never answered.

    `imports` are those of this appliance alone. `attempts` counts how often it was asked by
    `archive collect`, `unanswered` how often in vain. `silent` says whether the time since it was
    last heard of is a long gap, too: NULL where nothing is usual. The greatest gap is that between
    two imports, and `longest_gap_time` is when it began.
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
    """The gaps between imports: the usual one, how many are long, the greatest and its start."""

    usual: int | None
    long: int
    longest: int | None
    since: str | None


def gaps(instants: Sequence[str]) -> Gaps:
    """Return the gaps between imports, whose instants are in ascending order.

    Imports of one instant are one: an answer that comes again tells nothing of when to expect one.
    """
    heard = list(dict.fromkeys(instants))
    between = [standing.seconds_between(*pair) for pair in pairwise(heard)]
    if not between:
        return Gaps(None, 0, None, None)
    longest = max(between)
    since = heard[between.index(longest)]
    if len(between) < LEAST_GAPS:
        return Gaps(None, 0, longest, since)
    usual = statistics.median(between)
    return Gaps(usual, sum(is_long(gap, usual) for gap in between), longest, since)


def is_long(gap: int, usual: int) -> bool:
    """Say whether a gap is longer than expected; both are in seconds."""
    return gap * 100 > usual * LONG_PERCENT


def select(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    """Yield the rows of the report, those that are silent or never answered first."""
    return iter(sorted(_rows(connection, scope), key=_not_reporting_first))


def _not_reporting_first(row: CollectionRow) -> tuple[bool, bool, int, str]:
    return row.first_seen is not None, not row.not_reporting, -(row.age_seconds or 0), row.appliance


def _rows(connection: Connection, scope: Scope) -> Iterator[CollectionRow]:
    asked = _asked(connection, scope)
    held = _counted(connection, tables.quarantine.c.appliance_name)
    findings = _counted(connection, tables.job_finding.c.appliance_id)
    told = connection.execute(
        _imports(connection, scope), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    for appliance, rows in groupby(told, key=lambda row: tuple(row[:4])):
        number, name, first_seen, last_seen = appliance
        seen = [row.seen_at for row in rows if row.seen_at is not None]
        found = gaps(seen)
        # It may have been seen later than the instant as of which ages are told.
        age = max(standing.seconds_between(last_seen, scope.now), 0)
        yield CollectionRow(
            name,
            first_seen,
            last_seen,
            age,
            None if found.usual is None else is_long(age, found.usual),
            len(seen),
            *found,
            *asked.pop(name, (0, 0)),
            held.get(name, 0),
            findings.get(number, 0),
        )
    for name, counts in _never_heard(connection, scope, asked):
        nothing = (None, None, None, None, 0, *gaps(()))
        yield CollectionRow._make((name, *nothing, *counts, held.get(name, 0), 0))


def _imports(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return the imports of single appliances, in the order of time; NULL where there is none."""
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


def _asked(connection: Connection, scope: Scope) -> dict[str, tuple[int, int]]:
    """Return how often appliances were asked by name, and how often in vain."""
    table = tables.attempt
    unanswered = table.c.outcome.in_([collection_log.FAILED, collection_log.INTERRUPTED])
    query = (
        sa.select(table.c.appliance_name, sa.func.count(), sa.func.count().filter(unanswered))
        .where(*_within(table.c.asked_at, connection, scope))
        .group_by(table.c.appliance_name)
    )
    return {name: (number, vain) for name, number, vain in connection.execute(query)}


def _counted(connection: Connection, by: sa.Column[Any]) -> dict[Any, int]:
    query = sa.select(by, sa.func.count()).group_by(by)
    return dict(map(tuple, connection.execute(query)))


def _never_heard(
    connection: Connection, scope: Scope, asked: dict[str, tuple[int, int]]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the appliances that were asked and are not in the archive, as far as they are meant."""
    known = set(connection.execute(sa.select(tables.appliance.c.name)).scalars())
    for name, counts in asked.items():
        globs = scope.appliances or ("*",)
        meant = any(name == glob or fnmatchcase(name, glob) for glob in globs)
        if name not in known and meant and (scope.named is None or name in scope.named):
            yield name, counts


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    yield (
        f"Ages are those of {scope.now[:19]}Z. A gap is long if it is more than half as long again as"
        f" the usual one, the median of {LEAST_GAPS} at least."
    )
    run = tables.ingest_run
    within = list(_within(run.c.seen_at, connection, scope))
    mixed = sa.and_(run.c.outcome == "complete", run.c.appliance_id.is_(None))
    failed = run.c.outcome == "failed"
    counts = [sa.func.count().filter(condition) for condition in (mixed, failed)]
    number, failures = tuple(connection.execute(sa.select(*counts).where(*within)).one())
    if number:
        yield f"{number:,} imports of several appliances are not counted above."
    if failures:
        yield f"{failures:,} imports failed; see `archive runs imports`."
    unnamed = _counted(connection, tables.quarantine.c.appliance_name).get(None, 0)
    if unnamed:
        yield f"{unnamed:,} documents of no known appliance are in quarantine."


REPORT = Listing(
    "collection",
    "What has the archive heard of each appliance, and where are the gaps?",
    (
        Column("appliance"),
        Column("first_seen", Kind.INSTANT),
        Column("last_seen", Kind.INSTANT),
        Column("age_seconds", Kind.SECONDS),
        Column("not_reporting", Kind.FLAG),
        Column("imports", Kind.COUNT),
        Column("usual_gap_seconds", Kind.SECONDS),
        Column("long_gaps", Kind.COUNT),
        Column("longest_gap_seconds", Kind.SECONDS),
        Column("longest_gap_time", Kind.INSTANT),
        Column("attempts", Kind.COUNT, optional=True),
        Column("unanswered", Kind.COUNT, optional=True),
        Column("quarantined", Kind.COUNT, optional=True),
        Column("findings", Kind.COUNT, optional=True),
    ),
    select,
    compliance.TAKES,
    explain=_explain,
)
