"""What the command sends to PostgreSQL, Citus can run: found without a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.dashboard import gathered
from archive.db import migrate
from archive.db.distributed import views
from tests.support import everything, postgres, shapes
from tests.support.all_commands import READS, WRITES
from tests.support.command import archive, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.fixture(scope="module")
def filled() -> Iterator[Engine]:
    """Give an archive with some of everything."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        everything.fill(engine)
        yield engine
        engine.dispose()


def definitions(engine: Engine) -> dict[str, str]:
    """Return the views as a distributed archive has them."""
    with db.writing(engine) as connection:
        views.avoid_recursion(connection)
        query = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"
        found = dict(map(tuple, connection.exec_driver_sql(query)))
        connection.rollback()
    return found


@pytest.mark.ci
def test_citus_takes_all_statements(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of reading first, then those that change the archive."""
    monkeypatch.chdir(tmp_path)
    with shapes.recorded() as statements:
        for arguments in (*READS, *WRITES):
            done = archive(*arguments, at(filled))
            assert done.code == 0 or arguments[0] in ("check", "quarantine"), (arguments, done)
        monkeypatch.setattr(gathered, "ALL_UP_TO", 1)
        assert archive("dashboard", "-o", "large.html", at(filled)).code == 0
    assert len(statements) > 300, len(statements)
    assert shapes.refused(statements, definitions(filled)) == []


@pytest.mark.parametrize(
    ("statement", "shape"),
    [
        ("SELECT key FROM job LIMIT (SELECT 1)", "LIMIT by a query"),
        ("SELECT name FROM v LIMIT (SELECT 1)", "LIMIT by a query"),
        ("UPDATE schedule SET appliance_id = 2, key = ''", "an update of the distribution column"),
        (
            "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 2 FROM a) SELECT * FROM a, job",
            "recursion",
        ),
        ("INSERT INTO job (key) WITH RECURSIVE a AS (SELECT '1') SELECT * FROM a", "recursion"),
        (
            "SELECT id FROM ingest_run WHERE NOT EXISTS (SELECT 1 FROM job WHERE run_id = ingest_run.id)",
            "a query on a table of another class in a condition",
        ),
        (
            "DELETE FROM job WHERE id IN (SELECT job.id FROM job WHERE EXISTS (SELECT 1 FROM quarantine))",
            "a query on a table of another class in a condition",
        ),
        (
            "SELECT 1 FROM (SELECT id FROM job UNION ALL SELECT seq FROM message) AS a, build",
            "a join with a union",
        ),
    ],
)
def test_refused_shapes_are_found(statement: str, shape: str) -> None:
    """Also behind a view, and beside a reference table."""
    found = shapes.refused([statement], {"v": "SELECT appliance.name FROM appliance"})
    assert found == [f"{shape}: {statement}"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT day FROM day_total LIMIT (SELECT 1)",
        "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 2 FROM a) SELECT * FROM a, attempt",
        "SELECT job.key FROM job LEFT JOIN (SELECT id FROM ingest_run) AS run ON run.id = job.run_id",
        "SELECT key FROM job WHERE EXISTS (SELECT 1 FROM message WHERE job_id = job.id)",
        "SELECT a.key FROM (SELECT key FROM job UNION ALL SELECT key FROM schedule) AS a",
        "SELECT 1 FROM job, (SELECT 1 FROM job UNION SELECT 1 FROM message) AS a WHERE a.appliance_id = 1",
        "WITH a AS (SELECT key FROM job UNION SELECT key FROM schedule) SELECT key FROM a, build",
        "SELECT set_config('TimeZone', 'UTC', true)",
        "SET LOCAL jit = off",
        "UPDATE ingest_run SET appliance_id = NULL",
        "UPDATE schedule SET key = '' WHERE appliance_id = 2",
    ],
)
def test_other_shapes_pass(statement: str) -> None:
    assert shapes.refused([statement], {}) == []
