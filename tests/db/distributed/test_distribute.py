"""`archive db distribute` and `undistribute`: refusals anywhere, and the way there and back on a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import migrate, roles, tables
from archive.db.distributed import classes, distribute, nodes
from archive.db.rights import Rights
from archive.errors import DatabaseError
from archive.maintenance import verify
from tests.support import citus, postgres
from tests.support.archives import content, count, empty, import_documents
from tests.support.command import archive, at
from tests.support.everything import fill
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

# Definitions of all parts of the schema, and all comments and rights.
SCHEMA = """
SELECT 'column', relname, attname, format_type(atttypid, atttypmod) || attnotnull,
    coalesce(attacl::text, '') || coalesce(col_description(pg_class.oid, attnum), '')
FROM pg_class INNER JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped AND relkind IN ('r', 'v')
UNION ALL SELECT 'relation', relname, relkind::text, coalesce(relacl::text, ''),
    coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'view', viewname, '', definition, '' FROM pg_views WHERE schemaname = 'public'
ORDER BY 1, 2, 3
"""


def test_archive_on_one_server_is_refused(engine: Engine) -> None:
    """SQLite cannot be distributed, nor PostgreSQL without Citus; both say what to do."""
    if engine.dialect.name == "postgresql" and "citus" in names_of_extensions(engine):
        pytest.skip("the server has Citus")
    advice = (
        "SQLite is one file: copy the archive into PostgreSQL with Citus, by `archive db copy`"
        if engine.dialect.name == "sqlite"
        else "the database does not have Citus: its administrator installs it on all nodes, and runs in"
        " psql: CREATE EXTENSION citus"
    )
    done = archive("db", "distribute", at(engine))
    assert (done.code, done.out, done.err) == (
        2 if engine.dialect.name == "sqlite" else 1, "", f"archive: {advice}\n",
    )  # fmt: skip
    done = archive("db", "undistribute", at(engine))
    assert (done.code, done.out, done.err) == (2, "", "archive: the archive is not distributed\n")


def names_of_extensions(engine: Engine) -> list[str]:
    with db.reading(engine) as connection:
        return list(connection.exec_driver_sql("SELECT extname FROM pg_extension").scalars())


def test_verification_finds_appliances_with_one_name() -> None:
    """A distributed archive has no constraint that would prevent them."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        for name in ("vc01", "vc02", "vc03"):
            import_documents(engine, SAMPLES, name)
        with db.writing(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE appliance DROP CONSTRAINT uq_appliance_name")
            connection.execute(sa.update(tables.appliance).values(name="vc02"))
        found = [line for line in verify.verify(engine) if "same name" in line]
        assert found == [
            f"appliance (id {number}): an earlier row has the same name: restore it from a backup, or"
            " accept your own change with `archive db rebuild --seals`"
            for number in (2, 3)
        ]
        engine.dispose()


def test_views_of_extensions_are_no_other_program() -> None:
    """An archive can be created beside them."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        with db.writing(engine) as connection:
            connection.exec_driver_sql("CREATE VIEW measured AS SELECT 1")
            # As CREATE EXTENSION does; the wheel of the tests has no extension with a view.
            connection.exec_driver_sql("ALTER EXTENSION plpgsql ADD VIEW measured")
        migrate.upgrade(engine)
        assert migrate.current(engine) == migrate.HEAD
        engine.dispose()


@pytest.fixture
def cluster() -> Iterator[Engine]:
    """Give an empty archive that is not distributed yet, on a cluster."""
    with citus.new_database() as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        yield engine
        engine.dispose()


def schema(engine: Engine) -> list[tuple[str, ...]]:
    with db.reading(engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(SCHEMA)]


def placed(engine: Engine) -> set[str]:
    with db.reading(engine) as connection:
        return nodes.placed(connection)


@citus.NEEDED
def test_archive_goes_to_the_nodes_and_comes_back(cluster: Engine) -> None:
    """With all rows, keys, indexes, views, comments and rights."""
    fill(cluster)
    with db.writing(cluster) as connection:
        connection.exec_driver_sql(f"CREATE ROLE friend_{os.getpid()}")
        connection.exec_driver_sql(f"GRANT SELECT ON v_day, job TO friend_{os.getpid()}")
        connection.exec_driver_sql(f"GRANT UPDATE (name) ON appliance TO friend_{os.getpid()}")
    before = schema(cluster), content(cluster), archive("export", "jsonl", at(cluster))
    try:
        done = archive("db", "distribute", at(cluster))
        assert (done.code, done.out) == (0, "")
        assert (
            "is distributed over 2 nodes: 24 tables by appliance, in 4 shards each; 6 shared tables are"
            " on every node, 11 with logs and totals on the coordinator.\n" in done.err
        )
        assert placed(cluster) == {
            table.name for table in (*classes.DISTRIBUTED, *classes.REFERENCE)
        }
        assert (content(cluster), archive("export", "jsonl", at(cluster))) == before[1:]
        assert archive("db", "verify", at(cluster)) == (0, "", "No problems found.\n")
        done = archive("db", "distribute", at(cluster))
        assert (done.code, done.err) == (2, "archive: the archive is distributed already\n")

        done = archive("db", "undistribute", at(cluster))
        assert done.code == 0
        assert "is on one server again: 30 tables brought back" in done.err
        assert placed(cluster) == set()
        assert (
            schema(cluster),
            content(cluster),
            archive("export", "jsonl", at(cluster)),
        ) == before
        assert archive("db", "verify", at(cluster)) == (0, "", "No problems found.\n")
    finally:
        with db.writing(cluster) as connection:
            connection.exec_driver_sql(f"DROP OWNED BY friend_{os.getpid()}")
            connection.exec_driver_sql(f"DROP ROLE friend_{os.getpid()}")


@citus.NEEDED
def test_upgrade_distributes_new_tables(cluster: Engine) -> None:
    """Citus leaves a new child of a distributed table on the coordinator, without a word."""
    distribute.distribute(cluster)
    with db.writing(cluster) as connection:
        key = "fk_build_sketch_appliance_id"
        connection.exec_driver_sql(f"ALTER TABLE build_sketch DROP CONSTRAINT {key}")
        connection.exec_driver_sql("SELECT undistribute_table('build_sketch')")
    assert (
        "schema: table build_sketch is not distributed: run `archive db upgrade`"
        in verify.verify(cluster)
    )
    migrate.upgrade(cluster)
    assert "build_sketch" in placed(cluster)
    assert list(verify.verify(cluster)) == []


@citus.NEEDED
def test_worker_and_cluster_without_nodes_are_refused(cluster: Engine) -> None:
    """A worker takes statements, too, but sees no locks of the others."""
    with db.reading(cluster) as connection:
        query = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0"
        host, port = connection.exec_driver_sql(query).first() or ("", 0)
    worker = db.create_engine(cluster.url.set(host=host, port=port))
    done = archive("report", "summary", at(worker))
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(
        "the server is a worker of a Citus cluster; name its coordinator in --database\n"
    )
    with citus.new_database(with_nodes=False) as url:
        alone = migrate.connect(url)
        migrate.upgrade(alone)
        done = archive("db", "distribute", at(alone))
        assert (done.code, done.out) == (1, "")
        assert "the cluster does not know its coordinator" in done.err
        import_documents(alone, SAMPLES)  # as on any PostgreSQL
        alone.dispose()


@citus.NEEDED
def test_archive_with_readers_is_refused(cluster: Engine) -> None:
    """And a distributed one takes no readers; writers and owners work there."""
    reader, writer = (f"{each}_{os.getpid()}_citus" for each in ("reader", "writer"))
    roles.give(cluster, reader, Rights.READER)
    try:
        with pytest.raises(
            DatabaseError, match=rf"cannot have readers \({reader}\): drop such roles"
        ):
            distribute.distribute(cluster)
        with db.writing(cluster) as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {reader}")
        distribute.distribute(cluster)
        with pytest.raises(DatabaseError, match="cannot have readers"):
            roles.give(cluster, reader, Rights.READER)
        roles.give(cluster, writer, Rights.WRITER)
        with db.writing(cluster) as connection:
            connection.exec_driver_sql(f"ALTER ROLE {writer} LOGIN")
        user = db.create_engine(cluster.url.set(username=writer))
        import_documents(user, SAMPLES | {"irregular": job(new=1)})
        assert count(user, tables.job) == len(SAMPLES) + 1
        assert archive("report", "summary", at(user)).code == 0
    finally:
        with db.writing(cluster) as connection:
            for name in (reader, writer):
                connection.exec_driver_sql(
                    f"DO $$ BEGIN IF to_regrole('{name}') IS NOT NULL THEN"
                    f" DROP OWNED BY {name}; DROP ROLE {name}; END IF; END $$"
                )


@citus.NEEDED
def test_failed_distribution_changes_nothing(
    cluster: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one transaction on all nodes."""
    import_documents(cluster, SAMPLES)
    before = schema(cluster), content(cluster)

    def fail(*_: object) -> None:
        raise RuntimeError("stopped")

    monkeypatch.setattr(classes, "foreign_keys", lambda **_: iter(()))
    monkeypatch.setattr(distribute, "_place", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        distribute.distribute(cluster)
    assert (schema(cluster), content(cluster)) == before
    empty(cluster)
