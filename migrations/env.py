"""Alembic's environment: runs on the connection it is handed, else on the command's own database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from alembic import context

from archive import db
from archive.db import migrate, tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def _render_type(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """Write the archive's own column types into new migrations by their names."""
    if kind == "type" and isinstance(item, (db.Instant, db.Day)):
        return f"{type(item).__name__}()"
    return False


def run(connection: Connection) -> None:
    """Run the migrations that Alembic asks for."""
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        render_item=_render_type,
        **migrate.COMPARED,
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    with db.writing(migrate.connect()) as opened:
        run(opened)
