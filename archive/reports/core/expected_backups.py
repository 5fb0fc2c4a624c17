"""The expected backups of each appliance in scope, what became of them, and how appliances stand.

They are stored; as of an earlier instant they are judged anew, by the same rules.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from archive.calendar import iso, ordinal
from archive.db import tables
from archive.judgement.expected import MET
from archive.judgement.outcome import tally
from archive.reports.core import counted_stored, judged_anew, judged_stored
from archive.reports.core.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.judgement.outcome import TallyRow
    from archive.reports.core.judged import Judged, Standing
    from archive.reports.core.scope import Scope


def walk(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any], missed: bool = False
) -> Iterator[Judged]:
    """Yield the appliances in scope by name, each with its expected backups: all, or those missed.

    `columns` are selected for the job of each.

    Only backups whose outcome is known are yielded: due ones that still have time are not.
    """
    if judged_stored.answers(connection, scope):
        yield from judged_stored.judged(connection, scope, *columns, missed=missed)
        return
    for one in judged_anew.judged(connection, scope, *columns):
        kept = [row for row in one.expectations if not missed or row.outcome != MET]
        yield one._replace(expectations=kept)


def rows(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any]
) -> Iterator[Sequence[Any]]:
    """Yield the same one by one: name, due day (ISO), due time, basis, outcome, `columns` of the job.

    The columns are None without a job.
    """
    if judged_stored.answers(connection, scope):
        yield from judged_stored.rows(connection, scope, *columns)
        return
    without_job = (None,) * len(columns)
    for name, expectations in judged_anew.judged(connection, scope, *columns):
        for one in expectations:
            own = (name, iso(one.day), one.due, one.basis, one.outcome)
            yield (*own, *(without_job if one.job is None else one.job))


def outcomes(connection: Connection, scope: Scope) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the due day (ISO) and the outcome of the expected backups in scope, in any order."""
    if judged_stored.answers(connection, scope):
        names = {number: name for name, number in _names(connection, scope)}
        for number, day, outcome in judged_stored.outcomes(connection, scope):
            yield names[number], day, outcome
        return
    for name, expectations in judged_anew.judged(connection, scope):
        for one in expectations:
            yield name, iso(one.day), one.outcome


def tallies(connection: Connection, scope: Scope) -> list[TallyRow]:
    """Return the tally of each appliance in scope, ordered by name.

    An appliance without expected backups has a tally of zeros. A report and its notes both ask for it.
    """
    asked = ("tallies", scope, scope.now)
    return remembered(connection, asked, lambda: list(_tallies(connection, scope)))


def _tallies(connection: Connection, scope: Scope) -> Iterator[TallyRow]:
    """Yield the tallies."""
    if not judged_stored.answers(connection, scope):
        for name, rows in judged_anew.judged(connection, scope):
            yield tally(name, Counter(row.outcome for row in rows))
        return
    # The database counts, so few rows are read.
    numbers: dict[int, Counter[str]] = {}
    for row in counted_stored.by_appliance(connection, scope):
        numbers.setdefault(row.of, Counter())[row.outcome] += row.backups
    for name, number in _names(connection, scope):
        yield tally(name, numbers.get(number, Counter()))


def by_day(connection: Connection, scope: Scope) -> dict[int, Counter[str]]:
    """Return the numbers of expected backups by outcome, for each day (ordinal) with any.

    Days are those of the archive's calendar, on which the backups were due.
    """
    found: dict[int, Counter[str]] = {}
    if judged_stored.answers(connection, scope):
        for counted in counted_stored.by_day(connection, scope):
            found.setdefault(ordinal(counted.of), Counter())[counted.outcome] += counted.backups
        return found
    for _, rows in judged_anew.judged(connection, scope):
        for row in rows:
            found.setdefault(row.day, Counter())[row.outcome] += 1
    return found


def standings(connection: Connection, scope: Scope) -> Sequence[Standing]:
    """Return how each appliance in scope stands as of its last import, ordered by name.

    Several sections of a report ask for it; the days of a scope do not matter.
    """
    asked = ("standings", scope.appliances, scope.named, scope.now, scope.cadences)
    return remembered(connection, asked, lambda: list(_standings(connection, scope)))


def _standings(connection: Connection, scope: Scope) -> Iterator[Standing]:
    """Yield how the appliances stand, as stored or judged anew."""
    if judged_stored.answers(connection, scope):
        yield from judged_stored.standings(connection, scope)
    else:
        yield from judged_anew.standings(connection, scope)


def _names(connection: Connection, scope: Scope) -> list[tuple[str, int]]:
    """Return the names and ids of the appliances in scope, ordered by name."""
    table = tables.appliance
    ids = scope.appliance_ids(connection)
    wanted = None if ids is None else set(ids)
    rows = connection.execute(table.select().with_only_columns(table.c.name, table.c.id))
    return sorted((name, number) for name, number in rows if wanted is None or number in wanted)
