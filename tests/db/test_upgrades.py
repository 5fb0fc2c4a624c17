"""Archives of earlier releases are upgraded with everything in them, and newer ones are left alone."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import migrate, tables
from archive.maintenance import verify
from tests.support import everything, postgres, releases
from tests.support.archives import content, count
from tests.support.command import archive, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

REPORTS = [
    ("report", "summary", "--now", "2026-07-25T12:00:00Z"),
    ("report", "trends", "--since", "2026-01-01"),
    ("sql", "SELECT * FROM v_job ORDER BY appliance, key"),
]
# As a later release might change the schema: a column, an index, and a view that is made again.
NEXT = '''
"""The next schema."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    definition = inspector.get_view_definition("v_month")
    create = definition if "CREATE VIEW" in definition else f"CREATE VIEW v_month AS {definition}"
    op.execute("DROP VIEW v_month")
    op.add_column("build", sa.Column("edition", sa.Text()))
    op.create_index("ix_job_run", "job", ["run_id"])
    connection.exec_driver_sql(create.replace("%", "%%"))
'''


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Give an empty database of each kind in turn."""
    if request.param == "sqlite":
        yield migrate.connect(str(tmp_path / "archive.db"))
        return
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of an archive with the schema of today, and everything in it."""
    folder = tmp_path_factory.mktemp("newest")
    engine = migrate.connect(str(folder / "archive.db"))
    migrate.upgrade(engine)
    everything.fill(engine)
    releases.write(folder / "archive.db", folder / "newest.jsonl.gz")
    return folder


@contextmanager
def next_release(folder: Path) -> Iterator[None]:
    """Be a version with one more migration, for the duration of a block."""
    whole = migrate.folder
    shutil.copytree(whole("migrations"), folder / "migrations")
    (folder / "migrations" / "versions" / "0002_next.py").write_text(NEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "folder", lambda name: folder / name)
        patch.setattr(migrate, "REVISIONS", ("0001", "0002"))
        patch.setattr(migrate, "HEAD", "0002")
        yield


def shown(engine: Engine) -> list[str]:
    return [archive(*arguments, "--format", "csv", at(engine)).out for arguments in REPORTS]


def test_archive_of_each_earlier_release_is_kept() -> None:
    """As written at its release: `tests.support.releases`."""
    assert [*releases.kept()] == [*migrate.REVISIONS[:-1]]


@pytest.mark.parametrize("revision", migrate.REVISIONS)
def test_archive_of_a_release_is_upgraded(
    revision: str, fresh: Engine, newest: Path, tmp_path: Path
) -> None:
    """Everything in it stays; also by a version that is still to come, and then only by that one."""
    source = releases.kept().get(revision, newest / "newest.jsonl.gz")
    releases.load(fresh, revision, source)
    migrate.upgrade(fresh)
    assert list(verify.verify(fresh)) == []
    before = content(fresh), shown(fresh)
    if revision == migrate.HEAD:
        assert before[0] == content(migrate.connect(str(newest / "archive.db")))
    with next_release(tmp_path):
        refused = archive("report", "summary", at(fresh))
        assert refused.code == 1
        assert (
            "has schema 0001, but this version needs 0002: run `archive db upgrade`" in refused.err
        )
        done = archive("db", "upgrade", at(fresh))
        assert done.code == 0, done.err
        assert done.err.startswith(
            f"Upgrading {count(fresh, tables.job)} jobs from schema 0001 to 0002, in one transaction.\n"
        )
        assert "now has schema 0002." in done.err
        assert (content(fresh), shown(fresh)) == before
        with db.reading(fresh) as connection:
            assert "edition" in {
                column["name"] for column in sa.inspect(connection).get_columns("build")
            }
    for arguments in (("db", "upgrade"), ("report", "summary"), ("db", "rebuild")):
        refused = archive(*arguments, at(fresh))
        assert (refused.code, refused.out) == (1, "")
        assert "has schema 0002 of a newer version; this version supports 0001" in refused.err
    assert content(fresh) == before[0]
