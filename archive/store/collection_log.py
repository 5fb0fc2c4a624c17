"""The log of collections: which appliances were asked, when, and what came of it.

What an answer brought stands with the import that it became, in the run log.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.store.dimension_keys import next_id
from archive.text import storable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

RUNNING, COMPLETE, PARTIAL, FAILED, INTERRUPTED = (
    "running", "complete", "partial", "failed", "interrupted",
)  # fmt: skip


class Attempt(NamedTuple):
    """One appliance asked once.

    `outcome` is `complete`, `partial`, `failed` or `interrupted`; `reason` says why it is not
    complete. `run_id` is the import that the answer became, if it is complete or partial.
    """

    appliance: str
    asked_at: str
    answered_at: str | None
    outcome: str
    reason: str | None
    run_id: int | None


class Collection(NamedTuple):
    """One run over the fleet: how many appliances it was to ask, and how many ended how.

    `finished` is None while it runs, and of one whose process died.
    """

    id: int
    started: str
    finished: str | None
    outcome: str
    asked: int
    complete: int
    partial: int
    failed: int


class Brought(NamedTuple):
    """What an archived answer brought, as the run log has it."""

    seen: int
    new: int
    changed: int
    unchanged: int
    quarantined: int


_collection_columns = attrgetter(*Collection._fields)
_attempt_columns = attrgetter(*Attempt._fields)
_brought_columns = attrgetter(*Brought._fields)


class Standing(NamedTuple):
    """How an appliance's latest attempt ended, and when its latest archived answer came."""

    appliance: str
    asked_at: str
    answered_at: str | None
    outcome: str
    reason: str | None
    brought: Brought | None


def begin(engine: Engine, asked: int) -> int:
    """Record that a collection of so many appliances has begun; return its number.

    The caller holds the lock of collecting, so one that still seems to run has lost its process.
    """
    table = tables.collection
    with db.writing(engine) as connection:
        db.lock(connection, ["collections"])
        lost = sa.select(table.c.id).where(table.c.outcome == RUNNING)
        for number in connection.execute(lost).scalars().all():
            counts = _counts(connection, number)
            _update(connection, number, outcome=INTERRUPTED, **columns(counts))
        collection = next_id(connection, table)
        connection.execute(
            sa.insert(table).values(
                id=collection,
                started=timestamps.now(),
                outcome=RUNNING,
                asked=asked,
                **columns({}),
            )
        )
    return collection


def record(connection: Connection, collection: int, attempt: Attempt) -> None:
    """Record an attempt, in the transaction that archives what came of it."""
    connection.execute(
        sa.insert(tables.attempt).values(
            appliance_name=attempt.appliance,
            collection_id=collection,
            asked_at=attempt.asked_at,
            answered_at=attempt.answered_at,
            outcome=attempt.outcome,
            reason=attempt.reason and storable(attempt.reason),
            run_id=attempt.run_id,
        )
    )


def record_failure(engine: Engine, collection: int, attempt: Attempt) -> None:
    """Record an attempt of which nothing is archived, in a transaction of its own."""
    with db.writing(engine) as connection:
        record(connection, collection, attempt)


def finish(engine: Engine, collection: int) -> Collection:
    """Record that a collection has ended, and return what came of it.

    It was interrupted if an attempt was, or if an appliance has not been asked; it failed if all
    have, and is complete if all are.
    """
    table = tables.collection
    with db.writing(engine) as connection:
        asked = connection.execute(
            sa.select(table.c.asked).where(table.c.id == collection)
        ).scalar_one()
        counts = _counts(connection, collection)
        _update(
            connection,
            collection,
            outcome=_outcome(asked, counts),
            finished=timestamps.now(),
            **columns(counts),
        )
        query = sa.select(table).where(table.c.id == collection)
        return Collection._make(_collection_columns(connection.execute(query).one()))


def _outcome(asked: int, counts: dict[str, int]) -> str:
    complete, failed = counts.get(COMPLETE, 0), counts.get(FAILED, 0)
    if INTERRUPTED in counts or sum(counts.values()) < asked:
        return INTERRUPTED
    if complete == asked:
        return COMPLETE
    return FAILED if failed == asked else PARTIAL


def _counts(connection: Connection, collection: int) -> dict[str, int]:
    """Return how many attempts of a collection ended how."""
    table = tables.attempt
    number = sa.func.count().label("number")
    query = sa.select(table.c.outcome, number).where(table.c.collection_id == collection)
    found = connection.execute(query.group_by(table.c.outcome))
    return {row.outcome: row.number for row in found}


def columns(counts: dict[str, int]) -> dict[str, int]:
    """Return the numbers that a collection's row has, of how many attempts ended how."""
    return {outcome: counts.get(outcome, 0) for outcome in (COMPLETE, PARTIAL, FAILED)}


def _update(connection: Connection, collection: int, **values: Any) -> None:
    table = tables.collection
    connection.execute(sa.update(table).where(table.c.id == collection).values(**values))


def collections(connection: Connection, limit: int | None = None) -> list[Collection]:
    """Return the collections, newest first: all of them, or so many."""
    table = tables.collection
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    return [Collection._make(_collection_columns(row)) for row in connection.execute(query)]


def find_collection(connection: Connection, number: int) -> Collection | None:
    """Return the collection of a number, if there is one."""
    table = tables.collection
    row = connection.execute(sa.select(table).where(table.c.id == number)).first()
    return None if row is None else Collection._make(_collection_columns(row))


def attempts(connection: Connection, collection: int) -> list[tuple[Attempt, Brought | None]]:
    """Return the attempts of a collection by appliance, and what each brought."""
    attempt, run = tables.attempt, tables.ingest_run
    query = (
        sa.select(*_of(attempt), *_brought(run))
        .outerjoin(run, attempt.c.run_id == run.c.id)
        .where(attempt.c.collection_id == collection)
        .order_by(attempt.c.appliance_name)
    )
    found = connection.execute(query)
    return [(Attempt._make(_attempt_columns(row)), _read_brought(row)) for row in found]


def standings(connection: Connection) -> list[Standing]:
    """Return how each appliance stands: the one whose answer is oldest first, if it has one at all."""
    last, answered, run = tables.attempt.alias(), tables.attempt.alias(), tables.ingest_run
    names = _names()
    query = (
        sa.select(
            last.c.appliance_name.label("appliance"),
            last.c.asked_at,
            answered.c.answered_at,
            last.c.outcome,
            last.c.reason,
            *_brought(run),
        )
        .select_from(names)
        .join(last, _is_latest_of(names, last))
        .outerjoin(answered, _is_latest_of(names, answered, tables.attempt.c.run_id.is_not(None)))
        .outerjoin(run, answered.c.run_id == run.c.id)
        .order_by(answered.c.answered_at.is_not(None), answered.c.answered_at, names.c.name)
    )
    return [
        Standing(
            row.appliance,
            row.asked_at,
            row.answered_at,
            row.outcome,
            row.reason,
            _read_brought(row),
        )
        for row in connection.execute(query)
    ]


def names(connection: Connection) -> list[str]:
    """Return the names of the appliances that were ever asked, in their order."""
    found = _names()
    query = sa.select(found.c.name).where(found.c.name.is_not(None)).order_by(found.c.name)
    return list(connection.execute(query).scalars())


def _names() -> sa.CTE:
    """Return each appliance's name, by steps along the primary key: a name has very many attempts."""
    attempt = tables.attempt
    names = sa.select(sa.func.min(attempt.c.appliance_name).label("name")).cte(
        "names", recursive=True
    )
    following = (
        sa.select(sa.func.min(attempt.c.appliance_name))
        .where(attempt.c.appliance_name > names.c.name)
        .scalar_subquery()
    )
    return names.union_all(sa.select(following).where(names.c.name.is_not(None)))


def _is_latest_of(
    names: sa.CTE, attempt: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return the condition that an attempt is its appliance's latest of those that meet some more."""
    table = tables.attempt
    latest = (
        sa.select(table.c.collection_id)
        .where(table.c.appliance_name == names.c.name, *conditions)
        .order_by(table.c.collection_id.desc())
        .limit(1)
        .correlate(names)
        .scalar_subquery()
    )
    return (attempt.c.appliance_name == names.c.name) & (attempt.c.collection_id == latest)


def _of(attempt: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    return [
        attempt.c.appliance_name.label("appliance"),
        *(attempt.c[name] for name in Attempt._fields if name != "appliance"),
    ]


def _brought(run: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    return [run.c[name] for name in Brought._fields]


def _read_brought(row: sa.Row[Any]) -> Brought | None:
    return None if row.seen is None else Brought._make(_brought_columns(row))
