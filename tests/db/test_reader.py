from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.errors import DatabaseError, TimeLimitError
from tests.support.archives import created, import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}
UPDATE = "UPDATE setting SET value = value"


@pytest.fixture
def reader(engine: Engine) -> Iterator[Engine]:
    """Give an engine that cannot write, with a limit of a second."""
    reader = db.create_reader(engine.url, 2, 1)
    yield reader
    reader.dispose()


def test_reader_sees_what_is_committed(engine: Engine, reader: Engine) -> None:
    for name in ("vc01", "vc02"):
        import_documents(engine, {"a": job()}, name)
        with db.reading(reader) as connection:
            assert name in connection.execute(sa.text("SELECT name FROM appliance")).scalars().all()


def test_reader_cannot_write(reader: Engine) -> None:
    """Neither in a transaction that reads, nor in one that would write."""
    for transaction in (db.reading, db.writing):
        with pytest.raises(DatabaseError), transaction(reader) as connection:
            connection.exec_driver_sql(UPDATE)


def test_connections_of_sqlite_cannot_write(sqlite_archive: Engine) -> None:
    """Whatever is sent to them."""
    reader = db.create_reader(sqlite_archive.url, 1, 1)
    connection = reader.raw_connection()
    connection.cursor().execute("PRAGMA query_only = OFF")
    with pytest.raises(reader.dialect.loaded_dbapi.OperationalError, match="readonly"):
        connection.cursor().execute(UPDATE)
    connection.close()
    reader.dispose()


def test_long_query_ends_in_time(reader: Engine) -> None:
    """The connection can be used again."""
    start = time.monotonic()
    with pytest.raises(TimeLimitError), db.reading(reader) as connection:
        connection.exec_driver_sql(SLOW[reader.dialect.name])
    assert time.monotonic() - start < 20
    with db.reading(reader) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_watch_marks_commits(engine: Engine, reader: Engine) -> None:
    """Every commit of another connection, and nothing else that reads."""
    watch = db.Watch(reader)
    import_documents(engine, {"a": job()})
    first = watch.mark()
    if engine.dialect.name == "sqlite":  # other tests may use the server
        with db.reading(engine) as connection:
            connection.exec_driver_sql("SELECT 1")
        assert watch.mark() == first
    import_documents(engine, {"b": job()}, "vc02")
    assert watch.mark() != first
    watch.close()


def test_watch_follows_a_file_that_is_replaced(tmp_path: Path) -> None:
    """As when the archive is restored from a backup."""
    path = tmp_path / "archive.db"
    places = [tmp_path / "first.db", tmp_path / "second.db"]
    for number, place in enumerate(places):
        filled = created(place)
        import_documents(filled, {"a": job()}, f"vc0{number}")
    places[0].replace(path)
    reader = db.create_reader(db.parse_url(str(path)), 1, 10)
    watch = db.Watch(reader)
    marks = [watch.mark()]
    with db.reading(reader) as connection:
        assert connection.exec_driver_sql("SELECT name FROM appliance").scalar() == "vc00"
    places[1].replace(path)
    marks.append(watch.mark())
    assert marks[0] != marks[1]
    with db.reading(reader) as connection:
        assert connection.exec_driver_sql("SELECT name FROM appliance").scalar() == "vc01"
    watch.close()
