"""The dashboard's queries over the views, run as Grafana runs them, with its role."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import comments, rights, roles
from archive.errors import DatabaseError
from tests.support import postgres, samples
from tests.support.archives import empty, import_documents
from tests.support.command import archive, at
from tests.support.laws import some
from tests.support.queried import fill, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "archive.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
(VARIABLE,) = DASHBOARD["templating"]["list"]
FROM, TO = "2025-12-01T00:00:00.123Z", "2026-03-06T00:00:00Z"
# Roles belong to the whole server, on which other tests run at the same time.
READER, GRAFANA_USER = (f"{name}_{os.getpid()}" for name in ("reader", "grafana"))
# Without a Grafana macro, which Grafana expands in values, too.
HOSTILE = 'it\'s $1 "x" -- %s'
PASSWORD = "hunter2"  # noqa: S105 - of nothing


def expanded(sql: str, appliances: list[str]) -> str:
    """Expand variables as the browser does, then macros as the server does."""
    quoted = ",".join("'" + name.replace("'", "''") + "'" for name in appliances)
    sql = sql.replace("${appliance:sqlstring}", quoted)
    macros = {"__timeFilter": f"{{}} BETWEEN '{FROM}' AND '{TO}'", "__timeTo": f"'{TO}'"}

    def macro(found: re.Match[str]) -> str:
        return macros[found[1]].format(found[2].strip())

    return re.sub(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)", macro, sql)


def sql_of(panel: dict[str, Any]) -> str:
    (target,) = panel["targets"]
    return str(target["rawSql"])


@pytest.fixture
def filled(postgresql_archive: Engine) -> Engine:
    """Give an archive on PostgreSQL with the small fleet, and a target with a password."""
    empty(postgresql_archive)
    fill(postgresql_archive)
    tell(postgresql_archive)
    location = f"sftp://u:{PASSWORD}@nas.example.com/backup"
    job = samples.job(start_time="2026-03-01T02:00:00.000Z", location=location)
    import_documents(postgresql_archive, {"20260301-020000-1": job}, "vc-secret")
    return postgresql_archive


@pytest.fixture
def grafana(filled: Engine) -> Iterator[Engine]:
    """Give the archive as seen by Grafana's user, who has the role."""
    assert archive("db", "role", READER, at(filled)).code == 0
    with db.writing(filled) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {GRAFANA_USER} LOGIN")
        connection.exec_driver_sql(f"GRANT {READER} TO {GRAFANA_USER}")
    engine = db.create_engine(filled.url.set(username=GRAFANA_USER))
    yield engine
    engine.dispose()
    _drop(filled, GRAFANA_USER, READER)


def _drop(engine: Engine, *names: str) -> None:
    with db.writing(engine) as connection:
        for name in names:
            connection.exec_driver_sql(f"DROP OWNED BY {name}")
            connection.exec_driver_sql(f"DROP ROLE {name}")


def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with db.reading(engine) as connection:
        # Without bound parameters a percent sign or a colon is nothing special.
        cursor = connection.connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def test_panels_read_only_views() -> None:
    """Panels read only public views, have distinct ids, and use the provisioned data source."""
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    source = (GRAFANA / "provisioning" / "datasources" / "archive.yaml").read_text(encoding="utf-8")
    for panel in PANELS.values():
        named = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", sql_of(panel)))
        assert named <= comments.VIEWS.keys(), panel["title"]
        for kind, uid in ((each["type"], each["uid"]) for each in (
            panel["datasource"], panel["targets"][0]["datasource"], VARIABLE["datasource"]
        )):  # fmt: skip
            assert f"type: {kind}\n" in source
            assert f"uid: {uid} " in source
    assert {panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"} == {
        "Fleet", "Appliance: $appliance", "Failures",
    }  # fmt: skip
    assert "password: $__file{" in source


def test_panels_do_not_overlap() -> None:
    """No cell of the grid has two panels."""
    seen: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not seen & cells, panel["title"]
        seen |= cells


def test_every_panel_returns_rows(grafana: Engine) -> None:
    """Every panel returns rows for the small fleet, with the columns that its format needs."""
    names = [name for (name,) in rows(grafana, VARIABLE["query"])]
    assert "vc-secret" in names
    for title, panel in PANELS.items():
        sql = expanded(sql_of(panel), [*names, HOSTILE])
        assert rows(grafana, sql), title
        if panel["targets"][0]["format"] == "time_series":
            assert ' AS "time"' in sql
            assert all(row[0].utcoffset() is not None for row in rows(grafana, sql)), title
        assert PASSWORD not in str(rows(grafana, sql))


def test_figures_of_panels(grafana: Engine) -> None:
    """Figures equal counts by hand; only selected appliances are shown."""

    def panel_rows(title: str, *names: str) -> list[tuple[Any, ...]]:
        return rows(grafana, expanded(sql_of(PANELS[title]), list(names)))

    assert panel_rows("Appliances") == rows(grafana, "SELECT count(*) FROM appliance")
    (failed,) = panel_rows("Failed backups")
    assert (
        failed
        == rows(
            grafana,
            f"SELECT sum(failed) FROM v_job WHERE day BETWEEN '{FROM[:10]}' AND '{TO[:10]}'",
        )[0]
    )
    assert {row[1] for row in panel_rows("Backups, newest first", "vc-secret")} == {"vc-secret"}
    assert panel_rows("Backups, newest first", "nobody") == []


@pytest.mark.parametrize(
    "sql",
    some(
        [
            "SELECT url FROM location",
            "SELECT * FROM quarantine",
            "SELECT other FROM schedule",
            "SELECT * FROM location",
            "INSERT INTO appliance VALUES (9, 'x', now(), now())",
            "UPDATE appliance SET name = 'x'",
            "DELETE FROM v_day",
            "TRUNCATE calendar",
            "DROP VIEW v_job",
            "CREATE TABLE mine (id int)",
        ],
        4,
    ),
)
def test_role_has_no_further_permissions(grafana: Engine, sql: str) -> None:
    """The role cannot read secrets or documents, and cannot write."""
    with pytest.raises(DatabaseError), db.writing(grafana) as connection:
        connection.exec_driver_sql(sql)


def test_role_is_updated(filled: Engine) -> None:
    """Whatever permissions the role had on the archive, it then has exactly the right ones."""
    with db.writing(filled) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {READER} LOGIN")
        connection.exec_driver_sql(f"GRANT ALL ON job, v_job TO {READER}")
        connection.exec_driver_sql(f"GRANT SELECT (url) ON location TO {READER}")
    try:
        done = [archive("db", "role", READER, at(filled)) for _ in range(2)]
        assert done[0] == done[1]
        assert (done[0].code, done[0].out) == (0, "")
        assert done[0].err.startswith(f"Updated role {READER} (with login): it can read all but ")
        engine = db.create_engine(filled.url.set(username=READER))
        for sql in ("SELECT url FROM location", "SELECT * FROM quarantine"):
            with pytest.raises(DatabaseError):
                rows(engine, sql)
        for name, columns in rights.readable().items():
            rows(engine, f"SELECT {', '.join(columns or '*')} FROM {name}")
        engine.dispose()
    finally:
        _drop(filled, READER)


def test_new_role_cannot_log_in(filled: Engine) -> None:
    """The role is for granting, so it needs no password."""
    try:
        done = archive("db", "role", READER, at(filled))
        assert f"Created role {READER} (without login):" in done.err
        assert f"GRANT {READER} TO user" in done.err
        assert roles.give(filled, READER) == roles.Role(READER, False, False, False)  # noqa: FBT003
    finally:
        _drop(filled, READER)


def test_role_with_other_permissions_is_refused(filled: Engine) -> None:
    """A superuser, and a role with permissions through PUBLIC: nothing is changed then."""
    done = archive("db", "role", str(filled.url.username), at(filled))
    assert done.code == 1
    said = "would have more rights than a reader (on anomaly, appliance, appliance_month, "
    assert said in done.err
    with db.writing(filled) as connection:
        connection.exec_driver_sql("GRANT SELECT ON quarantine TO PUBLIC")
    try:
        done = archive("db", "role", READER, at(filled))
        assert done.code == 1
        assert "(on quarantine)" in done.err
    finally:
        with db.writing(filled) as connection:
            connection.exec_driver_sql("REVOKE SELECT ON quarantine FROM PUBLIC")
    with db.reading(filled) as connection:
        query = sa.text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
        assert connection.execute(query, {"role": READER}).scalar_one() == 0


@pytest.mark.parametrize("kind", ["VIEW", "TABLE", "MATERIALIZED VIEW"])
def test_relations_of_an_extension_are_not_counted(filled: Engine, kind: str) -> None:
    """What an extension, such as pg_stat_statements, lets everybody read is no part of the archive."""
    with db.writing(filled) as connection:
        for sql in (
            f"CREATE {kind} pg_stat AS SELECT 1 AS calls",
            "GRANT SELECT ON pg_stat TO PUBLIC",
            f"ALTER EXTENSION plpgsql ADD {kind} pg_stat",
        ):
            connection.exec_driver_sql(sql)
    try:
        assert archive("db", "role", READER, at(filled)).code == 0
    finally:
        with db.writing(filled) as connection:
            connection.exec_driver_sql(f"ALTER EXTENSION plpgsql DROP {kind} pg_stat")
            connection.exec_driver_sql(f"DROP {kind} pg_stat")
        _drop(filled, READER)


def test_schema_where_everyone_can_create_tables(filled: Engine) -> None:
    """As on PostgreSQL 14: the role is accepted, with a warning."""
    with db.writing(filled) as connection:
        connection.exec_driver_sql("GRANT CREATE ON SCHEMA public TO PUBLIC")
    try:
        done = archive("db", "role", READER, at(filled))
        assert done.code == 0
        assert "Warning: every user can create tables in this schema" in done.err
    finally:
        with db.writing(filled) as connection:
            connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        _drop(filled, READER)


def test_owner_without_createrole(postgres_url: str) -> None:
    """The error names the missing permission; a role that a DBA created is enough."""
    owner = f"owner_{os.getpid()}"
    server = postgres.engine(postgres_url)
    with postgres.new_database(postgres_url) as url, server.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {owner} LOGIN")
        connection.exec_driver_sql(f"ALTER DATABASE {sa.make_url(url).database} OWNER TO {owner}")
        engine = db.create_engine(sa.make_url(url).set(username=owner))
        assert archive("db", "upgrade", at(engine)).code == 0
        done = archive("db", "role", READER, at(engine))
        assert (done.code, done.out) == (1, "")
        assert "permission denied; use the archive's owner" in done.err
        connection.exec_driver_sql(f"CREATE ROLE {READER}")
        for _ in range(2):
            assert archive("db", "role", READER, at(engine)).code == 0
        engine.dispose()
        # The database, and with it all that they can do, is dropped before them.
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE {READER}, {owner}")


@pytest.mark.parametrize(
    "name", ["", "Reader", 'a"; DROP ROLE x; --', "pg_monitor2", "public", "a" * 64, "1a"]
)
def test_names_of_roles(filled: Engine, name: str) -> None:
    """Only names that need no quotes are accepted; no name becomes SQL."""
    done = archive("db", "role", at(filled), "--", name)
    assert (done.code, done.out) == (2, "")
    assert "invalid role name" in done.err


def test_sqlite_has_no_roles(sqlite_archive: Engine) -> None:
    """On SQLite file permissions control who can read: code 2."""
    done = archive("db", "role", READER, at(sqlite_archive))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("archive: SQLite has no roles: ")
