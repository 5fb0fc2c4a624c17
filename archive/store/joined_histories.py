"""Join the histories of two appliances that are one, or take back one answer of a history.

The rows of a history say when a value was seen first and last. The log of collections says when the
appliance was asked in between. So the answers can be recorded again, in their order.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.store import fact_history
from archive.store.collection_log import COMPLETE
from archive.store.moved_rows import move

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.store.fact_history import Values


class _Period(NamedTuple):
    """A row of a history: a value by its key, and when it was seen."""

    key: tuple[str, ...]
    values: tuple[Any, ...]
    first_seen: str
    last_seen: str
    ended_at: str | None


class _Answer(NamedTuple):
    """What an appliance answered at a time, by key."""

    seen_at: str
    values: Values


def join(connection: Connection, source: int, target: int) -> None:
    """Give all history of one appliance to another; the caller has locked both.

    Of an incomplete answer, only what the rows say is known.
    """
    for table in fact_history.HISTORIES:
        both = table.c.appliance_id.in_((source, target))
        answers = {number: list(_answers(connection, table, number)) for number in (source, target)}
        if answers[source] and answers[target]:
            connection.execute(sa.delete(table).where(both))
            _record(connection, table, target, answers[source] + answers[target])
        else:
            move(connection, table, source, target)


def take_back(connection: Connection, appliance_id: int, seen_at: str) -> None:
    """Make the history of an appliance that of its other answers; the caller has locked it."""
    for table in fact_history.HISTORIES:
        others = [
            one for one in _answers(connection, table, appliance_id) if one.seen_at != seen_at
        ]
        connection.execute(sa.delete(table).where(table.c.appliance_id == appliance_id))
        _record(connection, table, appliance_id, others)


def _record(
    connection: Connection, table: sa.Table, appliance_id: int, answers: list[_Answer]
) -> None:
    """Record answers again, in their order."""
    for answer in _boundaries(sorted(answers, key=attrgetter("seen_at"))):
        fact_history.follow(connection, table, appliance_id, answer.values, answer.seen_at)


def _complete(connection: Connection, appliance_id: int) -> set[str]:
    """Return when all facts of an appliance were answered, by imports that were not undone."""
    attempt, run = tables.attempt, tables.ingest_run
    query = (
        sa.select(run.c.seen_at)
        .join(attempt, attempt.c.run_id == run.c.id)
        .where(
            run.c.appliance_id == appliance_id,
            run.c.outcome == COMPLETE,
            attempt.c.outcome == COMPLETE,
        )
    )
    return set(connection.execute(query).scalars())


def _periods(connection: Connection, table: sa.Table, appliance_id: int) -> list[_Period]:
    """Return the rows of a history of one appliance, in no order."""
    keys, values = fact_history.keys_of(table), fact_history.values_of(table)
    query = sa.select(*keys, *values, *(table.c[name] for name in fact_history.PERIOD)).where(
        table.c.appliance_id == appliance_id
    )
    first, last = len(keys), len(keys) + len(values)
    return [
        _Period(tuple(row[:first]), tuple(row[first:last]), *row[last:])
        for row in connection.execute(query)
    ]


def _answers(connection: Connection, table: sa.Table, appliance_id: int) -> Iterator[_Answer]:
    """Yield the answers that are known to have given a history."""
    periods = _periods(connection, table, appliance_id)
    bounds = {at for period in periods for at in period[2:] if at is not None}
    # At these times the whole answer is known; at others it may have been another one.
    for seen_at in bounds | _complete(connection, appliance_id):
        values = {
            period.key: period.values
            for period in periods
            if period.first_seen <= seen_at <= period.last_seen
        }
        # No schedules are an answer, too.
        if values or table is tables.schedule:
            yield _Answer(seen_at, values)


def _boundaries(answers: Sequence[_Answer]) -> Iterator[_Answer]:
    """Yield the first and the last of equal answers that follow each other."""
    for _, equal in groupby(answers, key=attrgetter("values")):
        same = list(equal)
        yield same[0]
        if len(same) > 1:
            yield same[-1]
