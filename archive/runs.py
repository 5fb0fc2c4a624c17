"""The run log: one row for each delivery that was tried, with what became of it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import dialects, instants, tables
from archive.errors import DatabaseError
from archive.load import Counts
from archive.mend import storable
from archive.references import next_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine


class Summary(NamedTuple):
    """What a run did."""

    run: int
    counts: Counts


def start(engine: Engine, source: str, seen_at: str) -> int:
    """Record, in a transaction of its own, that a run has begun; return its number."""
    with dialects.writing(engine) as connection:
        dialects.lock(connection, ["runs"])
        run_id = next_id(connection, tables.ingest_run)
        connection.execute(
            sa.insert(tables.ingest_run).values(
                id=run_id,
                # A file's name need not be text; what is shown of it then are its bytes.
                source=source.encode("utf-8", "backslashreplace").decode(),
                seen_at=seen_at,
                started=instants.now(),
                outcome="running",
                **asdict(Counts()),
            )
        )
    return run_id


def record(
    connection: Connection, run_id: int, counts: Counts, *, appliance_id: int | None = None
) -> None:
    """Record how far a run has come, in the transaction that came so far."""
    values: dict[str, Any] = asdict(counts)
    if appliance_id is not None:
        values["appliance_id"] = appliance_id
    _update(connection, run_id, values)


def complete(connection: Connection, run_id: int) -> None:
    """Record, in its last transaction, that a run did all that it had to do."""
    _update(connection, run_id, {"outcome": "complete", "finished": instants.now()})


def fail(engine: Engine, run_id: int, error: BaseException) -> None:
    """Record that a run ended early, and why; its counts are those of its last commit."""
    reason = storable(str(error)) or type(error).__name__
    with dialects.writing(engine) as connection:
        values = {"outcome": "failed", "finished": instants.now(), "error": reason}
        _update(connection, run_id, values)


def _update(connection: Connection, run_id: int, values: dict[str, Any]) -> None:
    table = tables.ingest_run
    connection.execute(sa.update(table).where(table.c.id == run_id).values(**values))


@contextmanager
def logged(engine: Engine, run_id: int) -> Iterator[None]:
    """Record the failure of a run, whatever it is."""
    try:
        yield
    except BaseException as error:
        # What stopped the run may stop its record, too; the first failure is the one to report.
        with suppress(DatabaseError):
            fail(engine, run_id, error)
        raise
