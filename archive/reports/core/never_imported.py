"""Appliances that `archive collect` has asked, and that have never answered.

They have attempts in the log of collections, and no row of `appliance`. Names and globs are
compared in the form that the archive stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.appliance_names import is_match, split_globs
from archive.db import tables
from archive.store import collection_log

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


def names(connection: Connection, scope: Scope) -> list[str]:
    """Return the names of those in scope, in order."""
    asked = collection_log.names(connection)
    known = set(connection.execute(sa.select(tables.appliance.c.name)).scalars())
    chosen, left_out = split_globs(scope.appliances)
    return sorted(
        name
        for name in set(asked) - known
        if (scope.named is None or name in scope.named)
        and any(is_match(name, glob) for glob in chosen or ("*",))
        and not any(is_match(name, glob) for glob in left_out)
    )
