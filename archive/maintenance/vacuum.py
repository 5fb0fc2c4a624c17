"""Remove texts that nothing refers to any more: builds, targets, operations and templates of messages.

Imports leave them behind when they replace documents, since they often need them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db
from archive.store import maintenance_log, shared_rows
from archive.text import counted

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def vacuum(engine: Engine) -> int:
    """Remove them in one transaction, and return how many there were. Raises DatabaseError."""
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"])  # no import may run meanwhile: it would remember them
        removed = shared_rows.remove_unused(connection)
        if removed:
            detail = f"{counted(removed, 'shared text')} removed"
            maintenance_log.record(connection, maintenance_log.VACUUM, detail=detail)
    return removed
