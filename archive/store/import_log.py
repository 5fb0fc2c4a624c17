"""The import log: one row for each attempted import, with its outcome."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import seals, tables
from archive.errors import DatabaseError
from archive.masking import mask_text
from archive.store.counts import Counts
from archive.store.dimension_keys import next_id
from archive.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, Engine


class Summary(NamedTuple):
    """An import's number and counts."""

    run: int
    counts: Counts


class LoggedRun(NamedTuple):
    """A row of the import log: source, appliance if known, outcome and counts.

    `finished` is None while it runs, and also if its process died.

    `started` and `finished` are fixed-width UTC instants. `outcome` is `running`, `complete`,
    `failed` or `undone`; `error` says why it failed.
    """

    id: int
    source: str
    appliance: str | None
    started: str
    finished: str | None
    outcome: str
    error: str | None
    seen: int
    new: int
    changed: int
    unchanged: int
    findings: int
    quarantined: int
    pruned: int


_TABLE = tables.ingest_run


def start(engine: Engine, source: str, seen_at: str) -> int:
    """Record the start of an import, in its own transaction; return its number.

    Passwords in the source, which may be a URL or a path, are masked.
    """
    with db.writing(engine) as connection:
        db.lock(connection, ["runs"])
        # Numbers are in the order of the starts, which `archive export --after` relies on.
        run_id = next_id(connection, _TABLE)
        values: dict[str, Any] = {
            "id": run_id,
            # A file name need not be valid text; then its bytes are shown escaped.
            "source": mask_text(source.encode("utf-8", "backslashreplace").decode()),
            "seen_at": seen_at,
            "started": timestamps.now(),
            "outcome": "running",
            **asdict(Counts()),
        }
        row = tuple(values.get(column.name) for column in seals.facts(_TABLE))
        db.insert(connection, _TABLE, [row])
    return run_id


def record(
    connection: Connection, run_id: int, counts: Counts, *, appliance_id: int | None = None
) -> None:
    """Record the counts so far, in the transaction of the documents that they count.

    It may be called several times; the last call counts.
    """
    values: dict[str, Any] = asdict(counts)
    if appliance_id is not None:
        values["appliance_id"] = appliance_id
    _update(connection, run_id, values)


def complete(connection: Connection, run_id: int, counts: Counts) -> None:
    """Record that an import is complete, with all its counts, in its last transaction."""
    ended = {"outcome": "complete", "finished": timestamps.now()}
    _update(connection, run_id, asdict(counts) | ended)


def fail(engine: Engine, run_id: int, error: BaseException) -> None:
    """Record that an import failed, and why; its counts are those of its last commit."""
    reason = mask_text(storable(str(error))) or type(error).__name__
    with db.writing(engine) as connection:
        values = {"outcome": "failed", "finished": timestamps.now(), "error": reason}
        _update(connection, run_id, values)


def logged_runs(
    connection: Connection, limit: int | None = None, appliance_ids: Sequence[int] | None = None
) -> list[LoggedRun]:
    """Return the import log, newest first: at most `limit` rows, of all or some appliances."""
    run, appliance = tables.ingest_run, tables.appliance
    columns = [run.c[name] for name in LoggedRun._fields if name != "appliance"]
    columns.insert(LoggedRun._fields.index("appliance"), appliance.c.name)
    query = sa.select(*columns).outerjoin_from(run, appliance, run.c.appliance_id == appliance.c.id)
    if appliance_ids is not None:
        query = query.where(run.c.appliance_id.in_(appliance_ids))
    query = query.order_by(run.c.id.desc()).limit(limit)
    return [LoggedRun(*row) for row in connection.execute(query)]


def _update(connection: Connection, run_id: int, values: dict[str, Any]) -> None:
    new = {f"new_{name}": value for name, value in values.items()}
    _changed(tuple(values)).execute(connection, [{"of_run": run_id, **new}])


@cache  # making a statement takes longer than executing it
def _changed(names: tuple[str, ...]) -> seals.PreparedUpdate:
    """Return what changes some columns of an import."""
    values = {name: sa.bindparam(f"new_{name}", type_=_TABLE.c[name].type) for name in names}
    of_run = _TABLE.c.id == sa.bindparam("of_run")
    return seals.PreparedUpdate(sa.update(_TABLE).where(of_run).values(values))


@contextmanager
def logged(engine: Engine, run_id: int) -> Iterator[None]:
    """Record any exception of the block as the failure of the import.

    The exception goes on. An interrupt counts as a failure, too.
    """
    try:
        yield
    except BaseException as error:
        # The same cause may prevent this record, too; report the first failure.
        with suppress(DatabaseError):
            fail(engine, run_id, error)
        raise
