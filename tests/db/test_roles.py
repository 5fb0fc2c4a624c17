"""The roles of `archive db role`, each tried for what it can do, and for what it cannot."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, reports
from archive.db import constraints, migrate, rights, roles, tables
from archive.db import engine as engines
from archive.db.rights import Rights
from archive.errors import DatabaseError
from archive.reports import sql_files
from tests.support import postgres
from tests.support.archives import count, import_documents
from tests.support.command import archive, at
from tests.support.samples import DATA, SAMPLES, job, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

# Roles belong to the whole server, on which other tests run at the same time.
NAMES = {each: f"{each}_{os.getpid()}_rights" for each in Rights}
LATER = "2026-09-01T12:00:00.000000Z"
ANSWER = str(DATA / "details_api.json")


@pytest.fixture(scope="module")
def owned() -> Iterator[Engine]:
    """Give an archive of its own that the three roles exist for; the owner's user is a superuser."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        import_documents(engine, SAMPLES | {"a": job(new=1), "b": {}})
        try:
            for wanted, name in NAMES.items():
                if wanted is not Rights.OWNER:
                    roles.give(engine, name, wanted)
                    with db.writing(engine) as connection:
                        connection.exec_driver_sql(f"ALTER ROLE {name} LOGIN")
            yield engine
        finally:
            engine.dispose()
            with postgres.engine(url).connect() as server:
                for name in NAMES.values():
                    server.exec_driver_sql(
                        f"DO $$ BEGIN IF to_regrole('{name}') IS NOT NULL THEN"
                        f" REASSIGN OWNED BY {name} TO postgres; DROP OWNED BY {name};"
                        f" DROP ROLE {name}; END IF; END $$"
                    )


@contextmanager
def as_role(engine: Engine, wanted: Rights) -> Iterator[Engine]:
    """Give the archive as a user with the role sees it."""
    user = db.create_engine(engine.url.set(username=NAMES[wanted]))
    yield user
    user.dispose()


READS = [
    *(("report", name) for name in reports.REPORTS),
    *(("sql", name) for name in sql_files.names() if name != "quarantine_summary"),
    ("sql", "SELECT masked_url FROM location"),
    ("check",),
    ("metrics",),
    ("job", "list"),
    ("log", "imports"),
    ("log", "collections"),
    ("log", "appliances"),
    ("log", "maintenance"),
    ("import", "list"),
    ("appliance", "list"),
    ("db", "current"),
    ("evidence", "head"),
    ("export", "csv", "--view", "v_day", "--output", "-"),
]


def test_reader_runs_everything_that_shows_no_secrets(owned: Engine, tmp_path: Path) -> None:
    page = str(tmp_path / "page.html")
    with as_role(owned, Rights.READER) as user:
        for arguments in [*READS, ("dashboard", "-o", page), ("mail", "-o", f"{page}.eml")]:
            done = archive(*arguments, at(user))
            assert "denied" not in done.err, (arguments, done.err)
            assert done.code == 0 or arguments == ("check",), arguments


@pytest.mark.parametrize(
    "sql",
    [
        *(f'SELECT "{column}" FROM {table}' for table, column in sorted(rights.HIDDEN)),
        "SELECT * FROM write_lock",
        "SELECT * FROM write_lock FOR SHARE",
        "SELECT name FROM appliance FOR UPDATE",
        "SELECT day FROM v_job FOR KEY SHARE",
        "LOCK TABLE job IN ROW SHARE MODE",
        "LOCK TABLE write_lock IN ACCESS SHARE MODE",
        "INSERT INTO write_lock VALUES ('runs')",
        "UPDATE archive_schema SET version_num = '0'",
        "TRUNCATE calendar",
        "ALTER TABLE job ADD COLUMN mine int",
        "CREATE TABLE mine (job bigint REFERENCES ingest_run)",
        "CREATE INDEX ON job (status)",
        "GRANT SELECT ON location TO PUBLIC",
        "COPY location TO STDOUT",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_reader_cannot(owned: Engine, sql: str) -> None:
    with (
        as_role(owned, Rights.READER) as user,
        pytest.raises(DatabaseError, match="permission denied"),
        db.writing(user) as connection,
    ):
        connection.exec_driver_sql(sql)


def test_reader_cannot_stop_writing(owned: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every lock that it can take, and a transaction that it leaves open."""
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 1)
    names = ["appliance vc07", "calendar", "references", "runs", "totals", "archive schema"]
    with as_role(owned, Rights.READER) as user, user.connect() as held, held.begin():
        for name in names:
            held.exec_driver_sql(f"SELECT pg_advisory_lock(hashtextextended('{name}', 0))")
        for table, columns in rights.readable().items():
            held.exec_driver_sql(f"SELECT count(*) FROM {table}")
            if columns is None:
                held.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        for arguments in (
            ("ingest", ANSWER, "-a", "vc07"),
            ("appliance", "retire", "vc07", "--from", "2026-09-01"),
            ("db", "calendar", "--day-start", "15:00"),
            ("db", "rebuild"),
            ("db", "upgrade"),
            ("appliance", "forget", "vc07", "--yes"),
        ):
            done = archive(*arguments, at(owned))
            assert done.code == 0, (arguments, done.err)


def test_reader_cannot_stop_a_first_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made without the locks that the reader's open transaction excludes."""
    monkeypatch.setattr(constraints, "_WAIT_SECONDS", 1)
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        with engine.connect() as held, held.begin():
            held.exec_driver_sql("SELECT count(*) FROM v_job")
            data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(5)))
            assert import_documents(engine, data, None, name="all.jsonl").counts.new == 5
        engine.dispose()


def test_writer_can_do_all_but_change_the_schema(owned: Engine) -> None:
    with as_role(owned, Rights.WRITER) as user:
        for arguments in (
            ("ingest", ANSWER, "-a", "vc08", "--seen-at", "2026-08-01T00:00:00Z"),
            ("quarantine", "retry"),
            ("appliance", "rename", "vc08", "vc18"),
            ("appliance", "retire", "vc18", "--from", "2026-09-01"),
            ("appliance", "forget", "vc18", "--yes"),
            ("db", "calendar", "--day-start", "16:00"),
            ("appliance", "hold", "vc01"),
            ("db", "prune", "--keep", "90d", "--yes"),
            ("db", "vacuum"),
            ("db", "rebuild"),
            ("db", "verify"),
            ("export", "jsonl"),
        ):
            done = archive(*arguments, at(user))
            assert done.code in (0, 3 if arguments[0] == "quarantine" else 0), (arguments, done)


@pytest.mark.parametrize(
    "sql",
    [
        "TRUNCATE job CASCADE",
        "DROP VIEW v_job",
        "ALTER TABLE job DROP COLUMN digest",
        "ALTER TABLE job DISABLE TRIGGER ALL",
        "CREATE TABLE mine (id int)",
        "UPDATE archive_schema SET version_num = '0'",
        "UPDATE maintenance SET detail = 'nothing happened'",
        "DELETE FROM maintenance",
        "DELETE FROM evidence_link",
        "UPDATE evidence_link SET link = digest",
        "CREATE ROLE another",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_writer_cannot(owned: Engine, sql: str) -> None:
    with (
        as_role(owned, Rights.WRITER) as user,
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        db.writing(user) as connection,
    ):
        connection.exec_driver_sql(sql)


def test_upgrade_gives_roles_the_rights_on_what_is_new(
    owned: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a migration that makes a view anew, adds a table and adds a column."""

    def migrated(connection: Any, _target: str) -> None:
        definition = connection.scalar(sa.text("SELECT pg_get_viewdef('v_day'::regclass)"))
        connection.exec_driver_sql("DROP VIEW v_day")
        connection.exec_driver_sql(f"CREATE VIEW v_day AS {definition}")
        connection.exec_driver_sql("REVOKE ALL ON anomaly FROM PUBLIC")
        for name in (NAMES[Rights.READER], NAMES[Rights.WRITER]):
            connection.exec_driver_sql(f"REVOKE ALL ON anomaly FROM {name}")

    with monkeypatch.context() as patch:
        patch.setattr(migrate, "run", migrated)
        migrate.upgrade(owned)
    for wanted, sql in (
        (Rights.READER, "SELECT * FROM v_day, anomaly"),
        (Rights.WRITER, "DELETE FROM anomaly WHERE false"),
    ):
        with as_role(owned, wanted) as user, db.writing(user) as connection:
            connection.exec_driver_sql(sql)


def test_owner_takes_over_the_archive_and_nothing_else(owned: Engine) -> None:
    """It is the last test: the archive has another owner then."""
    name = NAMES[Rights.OWNER]
    assert archive("db", "role", name, "--rights", "owner", at(owned)).code == 0
    with db.writing(owned) as connection:
        connection.exec_driver_sql(f"ALTER ROLE {name} LOGIN")
    with as_role(owned, Rights.OWNER) as user:
        assert archive("db", "upgrade", at(user)).code == 0
        assert archive("db", "role", NAMES[Rights.READER], at(user)).code == 0
        assert archive("db", "verify", at(user)).code == 0
        for sql in (
            "CREATE ROLE another",
            "CREATE DATABASE another",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
            "ALTER SYSTEM SET fsync = off",
            "SELECT rolpassword FROM pg_authid",
        ):
            with pytest.raises(DatabaseError), db.writing(user) as connection:
                connection.exec_driver_sql(sql)
    assert count(owned, tables.job) > 0


def test_superuser_is_no_owner(owned: Engine) -> None:
    done = archive("db", "role", str(owned.url.username), "--rights", "owner", at(owned))
    assert done.code == 1
    assert "more rights than an archive's owner needs" in done.err
