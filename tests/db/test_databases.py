from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import engine as engines
from archive.db import migrate, tables
from archive.errors import DatabaseError
from tests.support import postgres
from tests.support.archives import count, empty, import_documents, rows
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SECRET = "s3cret"  # noqa: S105 - what must not be shown


@pytest.mark.parametrize(
    ("text", "driver", "name"),
    [
        ("archive.db", "sqlite", "archive.db"),
        ("/var/lib/a b/archive.db", "sqlite", "/var/lib/a b/archive.db"),
        ("C:\\data\\archive.db", "sqlite", "C:\\data\\archive.db"),
        ("sqlite:///archive.db", "sqlite", "archive.db"),
        ("sqlite:////var/lib/archive.db", "sqlite", "/var/lib/archive.db"),
        ("postgresql://u@h/n", "postgresql+psycopg", "n"),
        ("postgres://u@h/n", "postgresql+psycopg", "n"),
        ("postgresql+psycopg://u:p@h:5433/n?sslmode=require", "postgresql+psycopg", "n"),
        ("postgresql:///n?host=/run/postgresql", "postgresql+psycopg", "n"),
    ],
)
def test_databases_are_urls_or_paths(text: str, driver: str, name: str) -> None:
    """A database is a URL in any usual spelling, or the path of a file."""
    url = db.parse_url(text)
    assert (url.drivername, url.database) == (driver, name)


@pytest.mark.parametrize(
    "text",
    ["mysql://u:s3cret@h/n", "oracle://u:s3cret@h/n", "nonsense://u:s3cret@h", "://s3cret",
     "postgresql://u:s3cret@h:port/n", "postgresql:n", "postgres:/n", "sqlite:archive.db",
     "jdbc:postgresql://u:s3cret@h/n", "u@h/n", "u:s3cret@h/n", "h.example.com:5432/n", "h:5432"],
)  # fmt: skip
def test_other_databases_are_refused(text: str) -> None:
    """Anything else is refused with the valid forms, and without its password."""
    with pytest.raises(DatabaseError, match=r"^invalid database: use postgresql://") as refused:
        db.parse_url(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql+psycopg2://u:s3cret@h/n", "the driver psycopg2 is not supported: write postgresql://"),
        ("postgres+asyncpg://u:s3cret@h/n", "the driver asyncpg is not supported"),
        ("postgresql://u:s3cret@h1:1,h2:2/n", r"postgresql://USER@/NAME\?host=HOST1:PORT&host=HOST2"),
        ("postgresql://u:s3cret@h/n?autocommit=1", "leave out the parameter autocommit"),
        ("postgresql://u:s3cret@h/n?prepare_threshold=x", "prepare_threshold is not a whole number"),
        ("host=h password=s3cret nonsense", "not a connection string of the form KEY=VALUE"),
        ("sqlite:///archive.db?mode=ro", "SQLite takes no parameters"),
        ("u@h/n", r"for a file of this name write \./ before it"),
    ],
)  # fmt: skip
def test_almost_right_databases_are_refused_with_the_right_form(text: str, said: str) -> None:
    """What looks like the address of a server never becomes the name of a file."""
    with pytest.raises(DatabaseError, match=said) as refused:
        db.parse_url(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("host=h user=u password='s3 cret' dbname=n", "postgresql://u:s3 cret@h/n?"),
        ("host=h port=5433 dbname=n sslmode=require", "postgresql://h:5433/n?sslmode=require"),
        ("service=archive", "postgresql://?service=archive"),
        ("dbname=n host=/run/postgresql", "postgresql:///n?host=/run/postgresql"),
        ("hostaddr=127.0.0.1 dbname=n", "postgresql:///n?hostaddr=127.0.0.1"),
        (" postgresql://u@h/n\n", "postgresql://u@h/n"),
        ("'postgresql://u@h/n'", "postgresql://u@h/n"),
        ('"archive.db"\n', "sqlite:///archive.db"),
    ],
)
def test_usual_spellings_name_the_same_database(text: str, same: str) -> None:
    """Key and value as for psql; white space and quotes from files and scripts are left out."""
    url = db.parse_url(text)
    assert url.render_as_string(hide_password=False) == db.parse_url(same).render_as_string(
        hide_password=False
    )


@pytest.mark.parametrize(
    "text", ["svc@corp.db", "a@b/archive.db", "./u@h", "/srv/u@h/n", "archive=1.db", "C:\\u@h"]
)
def test_paths_with_unusual_characters_are_paths(text: str) -> None:
    assert db.parse_url(text).database == text


def test_statements_are_prepared_on_the_server_only_on_request(postgres_url: str) -> None:
    """Behind a pooler in transaction mode a prepared statement may be unknown, or exist already."""
    for parameter, expected in (("", 0), ("?prepare_threshold=0", 1), ("?prepare_threshold=2", 1)):
        engine = db.create_engine(db.parse_url(postgres_url + parameter))
        with db.reading(engine) as connection:
            for _ in range(8):
                connection.exec_driver_sql("SELECT %s", (1,))
            found = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            assert (found.scalar_one() > 0) == bool(expected)


def test_unescaped_at_sign_in_a_password_is_reported() -> None:
    """A password with an unescaped @ is not taken for a part of the host."""
    with pytest.raises(DatabaseError, match="write it as %40"):
        db.parse_url("postgresql://u:s3@cret@h/n")


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@127.0.0.1:{port}/n", "postgresql://u@127.0.0.1:{port}/n?password=s3cret",
     "postgres://u@127.0.0.1:{port}/n?sslpassword=s3cret&connect_timeout=3"],
)  # fmt: skip
def test_passwords_are_hidden(url: str) -> None:
    """Wherever the password is in a URL, neither errors nor descriptions show it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        engine = migrate.connect(url.format(port=probe.getsockname()[1]))
        with pytest.raises(DatabaseError) as refused, db.reading(engine):
            pass
    assert "no server answers at this address" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert SECRET not in migrate.describe(engine)
    assert "127.0.0.1" in migrate.describe(engine)


def test_wrong_database_name_is_reported(postgres_url: str) -> None:
    """The error says that the server has no such database."""
    url = sa.make_url(postgres_url).set(database="nowhere", password=SECRET)
    engine = db.create_engine(url)
    with pytest.raises(DatabaseError, match="the server has no such database") as refused:
        migrate.require(engine)
    assert 'database "nowhere" does not exist' in str(refused.value)
    assert SECRET not in str(refused.value)


def test_unknown_host_is_reported() -> None:
    """The error says that the host name cannot be resolved."""
    engine = migrate.connect("postgresql://u@nowhere.invalid/n?connect_timeout=5")
    with pytest.raises(DatabaseError, match="the server's name cannot be resolved"):
        migrate.require(engine)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_only_utf_8_databases_are_accepted(encoding: str) -> None:
    """A PostgreSQL database that cannot store every text is refused before anything is created in it."""
    server = postgres.engine(os.environ[postgres.URL_VARIABLE])
    name = f"not_utf_8_{encoding.lower()}_{os.getpid()}"
    with server.connect() as connection:
        made = f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        connection.execute(sa.text(made))
    try:
        engine = db.create_engine(server.url.set(database=name))
        with pytest.raises(DatabaseError, match=f"the database's encoding is {encoding}, but"):
            migrate.upgrade(engine)
        with engine.connect() as connection:
            assert sa.inspect(connection).get_table_names() == []
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_client_encoding_of_the_environment_is_ignored(
    postgresql_archive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive uses UTF-8 whatever encoding a terminal or a script sets."""
    empty(postgresql_archive)
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    import_documents(postgresql_archive, {"x": job("PENDING", user="例")})
    assert rows(postgresql_archive, sa.select(tables.job.c.user_name)) == [("例",)]


def test_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    """A file of another kind is refused and left unchanged."""
    path = tmp_path / "details.json"
    path.write_bytes(b'{"20260301-021500-1": {}}' * 100)
    engine = migrate.connect(str(path))
    for use in (migrate.require, migrate.prepare, migrate.upgrade):
        with pytest.raises(DatabaseError, match=r"the file is not an archive; check --database"):
            use(engine)
    assert path.read_bytes() == b'{"20260301-021500-1": {}}' * 100


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """The error says why the folder of the file cannot be created."""
    (tmp_path / "file").touch()
    engine = migrate.connect(str(tmp_path / "file" / "archive.db"))
    with pytest.raises(
        DatabaseError, match=r"cannot create the folder: (Not a directory|File exists)"
    ):
        migrate.upgrade(engine)


def test_directory_is_refused(tmp_path: Path) -> None:
    """A directory in place of the file is an error."""
    with pytest.raises(DatabaseError, match="the archive's file cannot be opened"):
        migrate.require(migrate.connect(str(tmp_path)))


def test_locked_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits too long for another process fails and has written nothing."""
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 0.1)
    engine = migrate.connect(str(tmp_path / "archive.db"))
    migrate.upgrade(engine)
    with db.writing(engine):
        with pytest.raises(DatabaseError, match="another process is writing to the archive"):
            import_documents(engine, SAMPLES)
        # Readers need not wait.
        assert count(engine, tables.job) == 0
    import_documents(engine, SAMPLES)
    assert count(engine, tables.job) == len(SAMPLES)


def test_locked_new_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same applies to a file that is being created."""
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 0.1)
    engine = migrate.connect(str(tmp_path / "archive.db"))
    with db.writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE theirs (id INTEGER)"))
        with pytest.raises(DatabaseError, match="another process is writing to the archive"):
            db.prepare_file(engine)


def test_locked_server_is_reported(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, too, an import does not wait for another one forever."""
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 1)
    other = db.create_engine(engine.url)
    with db.writing(engine) as connection:
        db.lock(connection, ["runs"])
        with pytest.raises(DatabaseError, match="another process is writing to the archive"):
            import_documents(other, SAMPLES)
    assert count(engine, tables.job) == count(engine, tables.ingest_run) == 0


def test_read_only_archive_is_reported(engine: Engine) -> None:
    """A user with read access can read, and gets an error when writing."""
    import_documents(engine, {"x": job()})
    reader = db.create_engine(engine.url)

    def restrict(connection: Any, _record: object) -> None:
        if engine.dialect.name == "sqlite":
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("SET default_transaction_read_only = on")
            connection.commit()

    sa.event.listen(reader, "connect", restrict)
    assert rows(reader, sa.select(tables.job.c.key)) == [("x",)]
    said = "the archive is read-only for this user|the server accepts no writes"
    with pytest.raises(DatabaseError, match=said) as refused:
        import_documents(reader, SAMPLES)
    assert str(refused.value).endswith("; nothing of this import has been archived")
    assert count(engine, tables.job) == 1


def test_other_errors_keep_the_message_of_the_database(engine: Engine) -> None:
    """Any other error of the database is shown unchanged, with the place of the archive."""
    with pytest.raises(DatabaseError, match=r"(?i)reports an error: .*unique"):  # noqa: SIM117 - the first takes what the second raises
        with db.writing(engine) as connection:
            connection.execute(sa.text("INSERT INTO write_lock (name) VALUES ('a'), ('a')"))


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    """Neither database accepts a row that refers to nothing."""
    with (
        pytest.raises(DatabaseError, match=r"(?i)foreign key"),
        db.writing(engine) as connection,
    ):
        db.insert(connection, tables.job_status, [(1, 1, "X", "2026-01-01T00:00:00Z", 1)])


def test_failed_transaction_is_rolled_back(engine: Engine) -> None:
    """Everything written before the failure is undone."""
    row = ("a", "b")
    with pytest.raises(DatabaseError), db.writing(engine) as connection:
        db.insert(connection, tables.setting, [row, ("c", "d"), row])
    assert count(engine, tables.setting) == 0


def test_bulk_insert_and_update(engine: Engine) -> None:
    """Bulk inserts keep any text; updates change only the named columns."""
    texts = ["", "a\tb\\N\n\r", "\\.", "'; --", "\U0001f600", '"', "=1+1"]
    with db.writing(engine) as connection:
        db.insert(connection, tables.setting, [])
        db.insert(connection, tables.setting, [(text, text) for text in texts])
        db.upsert(connection, tables.setting, [], ["value"])
        db.upsert(connection, tables.setting, [("", "new"), ("z", "z")], ["value"])
    expected = {text: text for text in texts} | {"": "new", "z": "z"}
    found = rows(engine, sa.select(tables.setting.c.name, tables.setting.c.value).order_by("name"))
    assert dict(found) == expected
    assert [name for name, _ in found] == sorted(expected)


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_all_years_can_be_stored(engine: Engine, instant: str) -> None:
    """Instants and days of the years 1 to 9999 are read back as the same text."""
    with db.writing(engine) as connection:
        db.insert(
            connection, tables.appliance, [(1, "a", instant, instant, None, None, None, None)]
        )
    import_documents(engine, {"x": job("BLOCKED", start_time=instant)})
    assert rows(engine, sa.select(tables.appliance.c.first_seen).where(tables.appliance.c.id == 1)) == [(instant,)]  # fmt: skip
    assert rows(engine, sa.select(tables.job.c.start_time, tables.job.c.day)) == [(instant, instant[:10])]  # fmt: skip
    with db.reading(engine) as connection:
        parameter = sa.select(sa.literal(None, db.Instant), sa.literal(None, db.Day))
        assert connection.execute(parameter).one() == (None, None)


def test_integrity_check_of_the_database(sqlite_archive: Engine, engine: Engine) -> None:
    """A sound database has no complaints; only SQLite has such a check."""
    for archive in (sqlite_archive, engine):
        with db.reading(archive) as connection:
            assert db.complaints(connection) == []


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///a.db", Path("a.db")),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("postgresql://h/a.db", None),
    ],
)
def test_only_sqlite_has_a_file(url: str, path: Path | None) -> None:
    """The path of a database is known only for SQLite, and only there a file is created."""
    engine = db.create_engine(sa.make_url(url.replace("postgresql", "postgresql+psycopg")))
    assert db.sqlite_file(engine.url) == path
    if path is None:
        db.prepare_file(engine)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_full_disk_can_still_be_read(tmp_path: Path) -> None:
    """SQLite's shared memory is a file, too, for which there is no room."""
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("this machine allows no mount")
    try:
        engine = migrate.connect(str(tmp_path / "archive.db"))
        migrate.upgrade(engine)
        import_documents(engine, SAMPLES)
        with (tmp_path / "rest").open("wb", buffering=0) as rest, suppress(OSError):
            while True:
                rest.write(bytes(1 << 12))
        assert count(engine, tables.job) == len(SAMPLES)
        with pytest.raises(DatabaseError, match="disk"):
            import_documents(engine, SAMPLES, "vc02")
        assert count(engine, tables.job) == len(SAMPLES)
    finally:
        subprocess.run(["/bin/umount", "-l", str(tmp_path)], check=True)
