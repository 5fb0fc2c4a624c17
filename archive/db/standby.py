"""A standby of a PostgreSQL server: a copy that follows the primary server, and accepts no writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db.transactions import reading
from archive.db.types import Instant

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# Source: chapter "System Administration Functions" of PostgreSQL's manual.
_STATE = sa.select(
    sa.func.pg_is_in_recovery().label("is_standby"),
    sa.type_coerce(sa.func.pg_last_xact_replay_timestamp(), Instant).label("replayed"),
)


def standby_note(engine: Engine) -> str | None:
    """Return a sentence about how far a standby has followed its primary; None for any other archive.

    The primary may have been idle since: nobody but the primary knows.
    """
    if engine.dialect.name != "postgresql":
        return None
    with reading(engine) as connection:
        row = connection.execute(_STATE).one()
    if not row.is_standby:
        return None
    if row.replayed is None:
        return "The server is a standby, which has received nothing since it was started."
    return f"The server is a standby; the last change that it has is of {row.replayed[:19]}Z."
