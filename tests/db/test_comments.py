from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import comments, migrate, tables
from archive.maintenance import verify

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

COMMENTS = {(name, column): text for name, column, text in comments.comments()}


def found(engine: Engine) -> dict[tuple[str, str | None], str | None]:
    """Return the comments of a database on its tables, views and columns."""
    with db.reading(engine) as connection:
        inspector = sa.inspect(connection)
        found: dict[tuple[str, str | None], str | None] = {}
        for name in (*comments.TABLES, *comments.VIEWS):
            found[name, None] = inspector.get_table_comment(name)["text"]
            found |= {(name, c["name"]): c["comment"] for c in inspector.get_columns(name)}
        return found


def test_everything_is_described(engine: Engine) -> None:
    """Every table, view and column has a description, in the same order, and there are no others."""
    with db.reading(engine) as connection:
        inspector = sa.inspect(connection)
        kinds = (
            (comments.TABLES, set(inspector.get_table_names()) - {"archive_schema"}),
            (comments.VIEWS, set(filter(_is_ours, inspector.get_view_names()))),
        )
        for described, names in kinds:
            assert described.keys() == names
            for name, (_, columns) in described.items():
                assert list(columns) == [column["name"] for column in inspector.get_columns(name)]
    assert comments.TABLES.keys() == tables.metadata.tables.keys()


def _is_ours(view: str) -> bool:
    """Citus has views of its own in the same schema."""
    return not view.startswith("citus_")


def test_descriptions_are_short() -> None:
    """A description is one line, and that of a column is no sentence."""
    for text in COMMENTS.values():
        assert text.isascii()
        assert text.isprintable()
        assert 5 <= len(text) <= 140
        assert text.endswith(".") == text.startswith("One row is ")


def test_postgresql_has_the_comments(postgresql_archive: Engine) -> None:
    """On PostgreSQL the comments of tables, views and columns are in the database."""
    assert found(postgresql_archive) == COMMENTS


def test_comments_are_updated(postgresql_archive: Engine) -> None:
    """An upgrade restores changed comments, and does not rewrite the others."""
    with db.writing(postgresql_archive) as connection:
        for of in ("TABLE job", "COLUMN job.day", "VIEW v_job", "COLUMN v_job.day"):
            connection.execute(sa.text(f"COMMENT ON {of} IS 'it''s 100%'"))
    assert found(postgresql_archive) != COMMENTS
    assert list(verify.verify(postgresql_archive)) == []
    migrate.upgrade(postgresql_archive)
    assert found(postgresql_archive) == COMMENTS
    written: list[str] = []

    def note(*about: Any) -> None:
        written.append(about[2])

    sa.event.listen(postgresql_archive, "before_cursor_execute", note)
    migrate.upgrade(postgresql_archive)
    sa.event.remove(postgresql_archive, "before_cursor_execute", note)
    assert written
    assert not [statement for statement in written if statement.startswith("COMMENT")]


def test_missing_tables_are_skipped(postgresql_archive: Engine) -> None:
    """Between two migrations some tables and columns do not exist yet."""
    with db.writing(postgresql_archive) as connection:
        db.comment(connection, [("job", "nothing", "x"), ("nothing", None, "x")])
    assert found(postgresql_archive) == COMMENTS
