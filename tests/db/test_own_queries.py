from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.errors import DatabaseError, UsageError
from tests.support.archives import import_documents
from tests.support.samples import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
    " SELECT count(*) FROM n"
)


def run(
    engine: Engine, text: str, seconds: int = 60
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    with db.own_query(engine, text, seconds) as result:
        return result.columns, list(map(tuple, result.rows))


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Give an archive of the samples, on each database in turn."""
    import_documents(engine, SAMPLES, "vc01")
    return engine


def test_rows_are_those_of_the_query(filled: Engine) -> None:
    """Names of columns, and rows in their order; `%` and `:name` are not special."""
    found = run(
        filled, "SELECT status AS s, count(*) AS n FROM job GROUP BY status ORDER BY status;"
    )
    statuses = Counter(info["status"] for info in SAMPLES.values())
    assert found == (("s", "n"), sorted(statuses.items()))
    assert run(filled, "SELECT key FROM job WHERE key LIKE '%:name' -- 100 %") == (("key",), [])


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM job",
        "UPDATE job SET status = 'x'",
        "INSERT INTO setting SELECT * FROM setting",
        "DROP TABLE job",
        "CREATE TABLE more (id int)",
        "CREATE TEMPORARY VIEW more AS SELECT 1",
        "VACUUM",
        "COMMIT",
        "SELECT 1; DELETE FROM job",
        "COMMIT; DROP TABLE job",
        "WITH gone AS (SELECT 1) DELETE FROM job",
        "REINDEX",
    ],
)
def test_statements_that_write_are_refused(filled: Engine, text: str) -> None:
    """Nothing is changed, whatever the statement is."""
    before = run(filled, "SELECT count(*) FROM job")
    with pytest.raises(UsageError, match=r"^the query: "):
        run(filled, text)
    assert run(filled, "SELECT count(*) FROM job") == before


@pytest.mark.parametrize(
    "text",
    [
        "ATTACH '{}' AS other",
        "VACUUM INTO '{}'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = 1",
    ],
)
def test_sqlite_creates_no_other_file(sqlite_archive: Engine, tmp_path: Path, text: str) -> None:
    """Neither another file nor a setting can be written."""
    path = tmp_path / "other.db"
    with pytest.raises(UsageError, match=r"^the query: "):
        run(sqlite_archive, text.format(path))
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELEC 1",
        "SELECT nothing FROM job",
        "SELECT * FROM nothing",
        "SELECT 1 +",
        "SELECT abs('x', 2)",
    ],
)
def test_wrong_sql_is_a_usage_error(filled: Engine, text: str) -> None:
    """The message of the database says what is wrong with the query."""
    with pytest.raises(UsageError, match=r"^the query(: | is empty)"):
        run(filled, text)


def test_a_long_query_is_stopped(filled: Engine) -> None:
    """The time is limited, and the error names the option."""
    with pytest.raises(DatabaseError, match=r"took longer than 1 s; .* --time-limit"):
        run(filled, ENDLESS, 1)
    assert run(filled, "SELECT 1 AS one") == (("one",), [(1,)])


def test_sqlite_describes_its_tables(sqlite_archive: Engine) -> None:
    """Pragmas that only describe are allowed."""
    names, rows = run(sqlite_archive, "PRAGMA table_info(job)")
    assert names[1] == "name"
    assert "appliance_id" in {row[1] for row in rows}
