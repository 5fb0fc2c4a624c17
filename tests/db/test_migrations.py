"""The migrations compared with the tables of the code, on both databases."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from archive import db
from archive.db import migrate, seals, tables
from archive.errors import SchemaError
from archive.maintenance import verify
from tests.support import postgres
from tests.support.archives import content, count, import_documents
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Give an empty database of each kind in turn."""
    if request.param == "sqlite":
        yield migrate.connect(str(tmp_path / "fresh.db"))
    else:
        with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
            yield migrate.connect(url)


def names(engine: Engine) -> set[str]:
    """Return the names of the tables and views in a database."""
    with db.reading(engine) as connection:
        found = sa.inspect(connection)
        return {*found.get_table_names(), *found.get_view_names()}


def schema(engine: Engine) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the whole schema of a database: columns, keys, checks, indexes, views."""
    with db.reading(engine) as connection:
        found = sa.inspect(connection)
        return {
            name: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in columns],
                found.get_pk_constraint(name),
                sorted(found.get_foreign_keys(name), key=str),
                sorted(found.get_unique_constraints(name), key=str),
                sorted(found.get_check_constraints(name), key=str),
                sorted(map(_written, found.get_indexes(name)), key=str),
            )
            for name in sorted(found.get_table_names())
            for columns in (found.get_columns(name),)
        }, {name: found.get_view_definition(name) for name in sorted(found.get_view_names())}


def _written(index: Any) -> dict[str, Any]:
    """Return an index with its options as texts, which can be compared."""
    options = index.get("dialect_options", {}).items()
    return {**index, "dialect_options": {name: str(value) for name, value in options}}


# Databases write their condition in different ways.
PARTIAL = ("ix_expected_backup_not_met", "ix_job_failed", "ix_job_not_finished")


def special(described: dict[str, Any]) -> dict[str, str]:
    """Remove from a schema, and return, the indexes that only migrations define."""
    found = {}
    for *_, indexes in described.values():
        for index in indexes:
            for option in ("postgresql_using", "postgresql_where", "sqlite_where"):
                said = index["dialect_options"].pop(option, None)
                if said and index["name"] not in PARTIAL:
                    found[index["name"]] = said.strip("()")
    return found


def test_models_match_the_migrations(engine: Engine) -> None:
    """Alembic finds no difference between the migrated tables and those of the code."""
    with db.reading(engine) as connection:
        # Distributed, it has other keys, which `verify` knows.
        if not db.is_distributed(connection):
            context = MigrationContext.configure(connection, opts=migrate.COMPARED)
            assert compare_metadata(context, tables.metadata) == []
    assert list(verify.verify(engine)) == []


def test_models_have_the_same_keys(engine: Engine, fresh: Engine) -> None:
    """Tables created from the code have the keys, checks and indexes of the migrations."""
    with db.reading(engine) as connection:
        if fresh.dialect.name != engine.dialect.name or db.is_distributed(connection):
            return
    db.prepare_file(fresh)
    with db.writing(fresh) as connection:
        tables.metadata.create_all(connection)
    made, _ = schema(fresh)
    migrated, _ = schema(engine)
    del migrated["archive_schema"]
    assert special(made) == {}
    assert special(migrated) == {
        "ix_message_content_localized": "localized IS NOT NULL",
        **{
            f"ix_{table.name}_unsealed": "seal IS NULL"
            for table in tables.metadata.sorted_tables
            if seals.covered(table)
        },
    }
    assert made == migrated


def test_revisions_match_the_scripts(engine: Engine) -> None:
    """The code lists every migration, in order."""
    with db.reading(engine) as connection:
        scripts = ScriptDirectory.from_config(migrate.alembic_config(connection))
    following = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(following)) == migrate.REVISIONS
    assert scripts.get_current_head() == migrate.HEAD
    assert migrate.current(engine) == migrate.HEAD


def test_migrations_run_up_and_down(fresh: Engine) -> None:
    """One step at a time down and up again, with jobs in the tables, gives the same schema."""
    assert migrate.current(fresh) is None
    for revision in migrate.REVISIONS:
        migrate.upgrade(fresh, revision)
        assert migrate.current(fresh) == revision
    before = schema(fresh)
    import_documents(fresh, SAMPLES | {"irregular": job(new=1), "bad": {"no": "job"}})
    filled = content(fresh)
    for older in (*reversed(migrate.REVISIONS[:-1]), "base"):
        migrate.downgrade(fresh, older)
        assert migrate.current(fresh) == (None if older == "base" else older)
    assert names(fresh) == {"archive_schema"}
    migrate.upgrade(fresh)
    assert schema(fresh) == before
    import_documents(fresh, SAMPLES | {"irregular": job(new=1), "bad": {"no": "job"}})
    assert content(fresh) == filled
    assert list(verify.verify(fresh)) == []


def test_second_upgrade_changes_nothing(fresh: Engine) -> None:
    """An archive of this version is not changed."""
    migrate.upgrade(fresh)
    import_documents(fresh, SAMPLES)
    before = content(fresh), schema(fresh)
    migrate.upgrade(fresh)
    assert (content(fresh), schema(fresh)) == before


def test_failed_migration_is_rolled_back(fresh: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration and its record are one transaction."""
    execute = MigrationContext.run_migrations

    def fail(context: MigrationContext, **options: object) -> None:
        execute(context, **options)
        raise RuntimeError("stopped")

    monkeypatch.setattr(MigrationContext, "run_migrations", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        migrate.upgrade(fresh)
    monkeypatch.undo()
    assert names(fresh) == set()
    migrate.upgrade(fresh)
    assert count(fresh, tables.job) == 0


def test_missing_archive_is_reported(fresh: Engine) -> None:
    """The error names the commands that create an archive."""
    with pytest.raises(SchemaError) as refused:
        migrate.require(fresh)
    assert str(refused.value) == (
        f"no archive at {migrate.describe(fresh)}: create it with `archive db upgrade`"
        " (a SQLite archive is also created by the first `archive ingest` or `archive collect`)"
    )


def set_revision(engine: Engine, revision: str) -> None:
    with db.writing(engine) as connection:
        connection.execute(sa.text(f"UPDATE archive_schema SET version_num = '{revision}'"))


def test_newer_schema_is_refused(fresh: Engine) -> None:
    """An archive of an unknown newer version is neither used nor upgraded."""
    migrate.upgrade(fresh)
    set_revision(fresh, "9999")
    for use in (migrate.require, migrate.prepare, migrate.upgrade):
        with pytest.raises(
            SchemaError, match=r"has schema 9999 of a newer version.*upgrade the archive command"
        ):
            use(fresh)
    assert [sentence for sentence in verify.verify(fresh) if "9999" in sentence] == [
        f"schema: revision 9999 instead of {migrate.HEAD}"
    ]


def test_older_schema_is_refused(fresh: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older archive must be upgraded before it can be used."""
    migrate.upgrade(fresh)
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "9998"))
    monkeypatch.setattr(migrate, "HEAD", "9998")
    for use in (migrate.require, migrate.prepare):
        with pytest.raises(SchemaError, match="this version needs 9998: run `archive db upgrade`"):
            use(fresh)


@pytest.mark.parametrize("content", [None, b""])
def test_first_import_creates_the_file(tmp_path: Path, content: bytes | None) -> None:
    """On SQLite the archive is created in a missing or empty file."""
    path = tmp_path / "new folder" / "archive.db"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    engine = migrate.connect(str(path))
    for _ in range(2):
        migrate.prepare(engine)
        assert migrate.current(engine) == migrate.HEAD
    with db.reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_unfinished_file_is_completed(tmp_path: Path) -> None:
    """A file that was created but not yet filled becomes an archive."""
    engine = migrate.connect(str(tmp_path / "archive.db"))
    db.prepare_file(engine)
    migrate.prepare(engine)
    assert migrate.current(engine) == migrate.HEAD


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (id integer)", "CREATE VIEW theirs AS SELECT 1",
                                       "CREATE TABLE alembic_version (version_num text)"])  # fmt: skip
def test_database_of_another_program_is_left_alone(fresh: Engine, statement: str) -> None:
    """Neither an import nor `upgrade` turns a database with other tables into an archive."""
    with db.writing(fresh) as connection:
        connection.execute(sa.text(statement))
    path = db.sqlite_file(fresh.url)
    before = path and path.read_bytes()
    for use in (migrate.upgrade, migrate.require, *([migrate.prepare] if path else [])):
        with pytest.raises(SchemaError, match="has tables of another program"):
            use(fresh)
    assert names(fresh) <= {"theirs", "alembic_version"}
    assert path is None or (path.read_bytes() == before and list(path.parent.iterdir()) == [path])


def test_archive_can_stand_beside_other_tables_on_request(fresh: Engine) -> None:
    """Another program's tables, and its revision in `alembic_version`, stay as they are."""
    with db.writing(fresh) as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num text)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('theirs')"))
    migrate.upgrade(fresh, beside_others=True)
    assert migrate.current(fresh) == migrate.HEAD
    with db.reading(fresh) as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version"))
        assert found.scalars().all() == ["theirs"]
    assert list(verify.verify(fresh)) == []


def test_table_of_the_same_name_is_never_taken(fresh: Engine) -> None:
    with db.writing(fresh) as connection:
        connection.execute(sa.text("CREATE TABLE job (id integer)"))
    with pytest.raises(
        SchemaError, match=r"another program \(job\): (use an empty database|name another file)"
    ):
        migrate.upgrade(fresh, beside_others=True)


def test_new_file_is_marked_as_an_archive(tmp_path: Path) -> None:
    """`file` and other programs can tell what it is; a file with another mark is refused."""
    engine = migrate.connect(str(tmp_path / "archive.db"))
    migrate.upgrade(engine)
    assert (tmp_path / "archive.db").read_bytes()[68:72] == b"vCBA"
    other = migrate.connect(str(tmp_path / "other.db"))
    with db.writing(other) as connection:
        connection.exec_driver_sql("PRAGMA application_id = 252006674")
    with pytest.raises(SchemaError, match=r"belongs to another program .*: name another file"):
        migrate.prepare(other)


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_new_file_is_its_owner_s_alone(tmp_path: Path, umask: int) -> None:
    """So are the files that SQLite creates beside it."""
    before = os.umask(umask)
    try:
        engine = migrate.connect(str(tmp_path / "archive.db"))
        migrate.upgrade(engine)
        with db.writing(engine) as connection, db.alone(engine, "collect"):
            connection.exec_driver_sql("INSERT INTO setting (name, value) VALUES ('a', 'b')")
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {f"archive.db{end}" for end in ("", "-wal", "-shm", "-collect.lock")}
    assert set(modes.values()) == {0o600}


def test_postgresql_is_prepared_by_its_administrator() -> None:
    """On PostgreSQL no import creates an archive."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        with pytest.raises(SchemaError, match="no archive at"):
            migrate.prepare(engine)
        assert names(engine) == set()
