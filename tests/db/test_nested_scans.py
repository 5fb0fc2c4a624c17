"""No statement reads a whole table again for each row of another one."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from archive.db import migrate, tables
from archive.store import shared_rows
from tests.support import everything
from tests.support.all_commands import READS, WRITES
from tests.support.command import archive, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection

_STEP = re.compile(r"(SCAN|SEARCH) (\w+?)(?:_\d+)?(?: |$)")
_PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
_FEW_DELETED = tuple(
    f"DELETE FROM {table.name} WHERE" for table in (tables.ingest_run, *shared_rows.SHARED)
)
_Statement = tuple[str, Any]


@contextmanager
def recorded() -> Iterator[dict[str, _Statement]]:
    """Record the statements that SQLAlchemy executes, with values of their parameters."""
    found: dict[str, _Statement] = {}

    def record(
        _connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object
    ) -> None:
        if statement.lstrip().upper().startswith(_PLANNED):
            found[statement] = statement, parameters

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def nested(plan: Sequence[Sequence[Any]]) -> list[str]:
    """Return the tables that a plan of SQLite reads in full within a loop over another one."""
    in_loop = set()
    found = []
    for _, parent, _, text in plan:
        step = _STEP.match(text)
        if step is None or step[2] not in tables.metadata.tables:
            continue
        if step[1] == "SCAN" and parent in in_loop:
            found.append(step[2])
        in_loop.add(parent)
    return found


def test_no_statement_reads_a_table_for_each_row_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite makes no index for a join with a table that has no row ids: it would take hours."""
    monkeypatch.chdir(tmp_path)
    engine = migrate.connect(f"sqlite:///{tmp_path / 'archive.db'}")
    migrate.upgrade(engine)
    everything.fill(engine)
    with recorded() as statements:
        for arguments in (*READS, *WRITES):
            done = archive(*arguments, at(engine))
            assert done.code == 0 or arguments[0] in ("check", "quarantine"), (arguments, done)
    assert len(statements) > 300, len(statements)
    wrong = []
    with engine.connect() as connection:
        for statement, parameters in statements.values():
            many = isinstance(parameters, list)
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters
            )
            # References to a deleted row: `foreign_keys.delete_unused` makes indexes for many.
            if not statement.startswith(_FEW_DELETED):
                wrong += [(table, statement) for table in nested(plan.all())]
    engine.dispose()
    assert wrong == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("job LEFT JOIN evidence_list ON evidence_list.link_id = job.id", ["evidence_list"]),
        ("job LEFT JOIN evidence_list AS evidence_list_1 ON link_id = id", ["evidence_list"]),
        ("job JOIN appliance ON appliance.id = job.appliance_id", []),
        ("job LEFT JOIN (SELECT DISTINCT link_id FROM evidence_list) AS a ON link_id = id", []),
        ("job, (SELECT 1 AS days) AS param", []),
    ],
)
def test_nested_scans_are_found(query: str, expected: list[str]) -> None:
    with migrate.new_in_memory() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT * FROM {query}")
        assert nested(plan.all()) == expected
