"""${message}.

A migration runs in one transaction with its record of itself. It must keep every row, work on
SQLite and PostgreSQL alike, and be reversible; views that a change touches are dropped and created
again. Add its revision to `archive.db.migrate.REVISIONS`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take the change back."""
    ${downgrades if downgrades else "pass"}
