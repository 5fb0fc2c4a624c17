"""Alembic's environment: uses the given connection, or else the command's own database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from alembic import context

from archive import db
from archive.db import migrate, tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def _render_type(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """Render the archive's own column types in new migrations by name."""
    if kind == "type" and isinstance(item, (db.Instant, db.Day)):
        return f"{type(item).__name__}()"
    return False


def run(connection: Connection) -> None:
    """Run the migrations that Alembic selected."""
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        render_item=_render_type,
        **migrate.COMPARED,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with db.writing(migrate.connect()) as opened:
        run(opened)
