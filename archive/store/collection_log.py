"""The log of collections: which appliances were queried, when, and with what outcome.

The counts of an answer are those of its import, in the import log.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.masking import mask_text
from archive.store.dimension_keys import next_id
from archive.text import storable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

RUNNING, COMPLETE, PARTIAL, FAILED, INTERRUPTED = (
    "running", "complete", "partial", "failed", "interrupted",
)  # fmt: skip


class Attempt(NamedTuple):
    """One query of one appliance.

    `outcome` is `complete`, `partial`, `failed` or `interrupted`; `reason` says why it is not
    complete. `run_id` is the import of the answer, if it is complete or partial.
    """

    appliance: str
    asked_at: str
    answered_at: str | None
    outcome: str
    reason: str | None
    run_id: int | None


class Collection(NamedTuple):
    """One run over the fleet: how many appliances it queries, and how many by outcome.

    `finished` is None while it runs, and also if its process died.
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
    """The counts of an archived answer, from the import log."""

    seen: int
    new: int
    changed: int
    unchanged: int
    quarantined: int


_collection_columns = attrgetter(*Collection._fields)
_attempt_columns = attrgetter(*Attempt._fields)
_brought_columns = attrgetter(*Brought._fields)


class Standing(NamedTuple):
    """An appliance's latest attempt, and when its latest archived answer came."""

    appliance: str
    asked_at: str
    answered_at: str | None
    outcome: str
    reason: str | None
    brought: Brought | None


def begin(engine: Engine, asked: int) -> int:
    """Record the start of a collection of `asked` appliances; return its number.

    The caller holds the lock of collections, so any other one marked as running has died: it is
    marked as interrupted.
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
    """Record an attempt, in the transaction that archives its answer."""
    connection.execute(
        sa.insert(tables.attempt).values(
            appliance_name=attempt.appliance,
            collection_id=collection,
            asked_at=attempt.asked_at,
            answered_at=attempt.answered_at,
            outcome=attempt.outcome,
            reason=attempt.reason and mask_text(storable(attempt.reason)),
            run_id=attempt.run_id,
        )
    )


def record_failure(engine: Engine, collection: int, attempt: Attempt) -> None:
    """Record an attempt without an archived answer, in its own transaction."""
    with db.writing(engine) as connection:
        record(connection, collection, attempt)


def finish(engine: Engine, collection: int) -> Collection:
    """Record the end of a collection, and return it.

    It is interrupted if an attempt was, or if an appliance was not queried; failed if all attempts
    failed; complete if all are complete; otherwise partial.
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


def ask_one_less(connection: Connection, number: int) -> None:
    """Count again a collection of whose appliances one has gone from the log."""
    table, counts = tables.collection, _counts(connection, number)
    query = sa.select(table.c.asked, table.c.outcome).where(table.c.id == number)
    asked, outcome = connection.execute(query).one()
    if outcome not in (RUNNING, INTERRUPTED):
        outcome = _outcome(asked - 1, counts)
    _update(connection, number, asked=asked - 1, outcome=outcome, **columns(counts))


def _outcome(asked: int, counts: dict[str, int]) -> str:
    complete, failed = counts.get(COMPLETE, 0), counts.get(FAILED, 0)
    if INTERRUPTED in counts or sum(counts.values()) < asked:
        return INTERRUPTED
    if complete == asked:
        return COMPLETE
    return FAILED if failed == asked else PARTIAL


def _counts(connection: Connection, collection: int) -> dict[str, int]:
    """Return the number of attempts of a collection by outcome."""
    table = tables.attempt
    number = sa.func.count().label("number")
    query = sa.select(table.c.outcome, number).where(table.c.collection_id == collection)
    found = connection.execute(query.group_by(table.c.outcome))
    return {row.outcome: row.number for row in found}


def columns(counts: dict[str, int]) -> dict[str, int]:
    """Return the columns of a collection's row for the number of attempts by outcome."""
    return {outcome: counts.get(outcome, 0) for outcome in (COMPLETE, PARTIAL, FAILED)}


def _update(connection: Connection, collection: int, **values: Any) -> None:
    table = tables.collection
    connection.execute(sa.update(table).where(table.c.id == collection).values(**values))


def collections(connection: Connection, limit: int | None = None) -> list[Collection]:
    """Return the collections, newest first, at most `limit` of them."""
    table = tables.collection
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    return [Collection._make(_collection_columns(row)) for row in connection.execute(query)]


def find_collection(connection: Connection, number: int) -> Collection | None:
    """Return the collection with this number, None if there is none."""
    table = tables.collection
    row = connection.execute(sa.select(table).where(table.c.id == number)).first()
    return None if row is None else Collection._make(_collection_columns(row))


def attempts(connection: Connection, collection: int) -> list[tuple[Attempt, Brought | None]]:
    """Return the attempts of a collection by appliance, each with the counts of its import."""
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
    """Return the standing of each appliance: first those without an answer, then oldest first."""
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
    """Return the names of all appliances ever queried, sorted."""
    found = _names()
    query = sa.select(found.c.name).where(found.c.name.is_not(None)).order_by(found.c.name)
    return list(connection.execute(query).scalars())


def _names() -> sa.CTE:
    """Return each appliance's name, by steps along the primary key: each has very many attempts."""
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
    """Return the condition that an attempt is its appliance's latest that meets `conditions`."""
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
