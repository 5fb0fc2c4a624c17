"""How the schema of a distributed archive differs from the one that the migrations create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db.distributed import classes, nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection


def adapted(found: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return definitions, by kind and name, as they are in a distributed archive."""
    wanted = dict(found)
    for key in classes.foreign_keys(kept=False):
        del wanted["constraint", str(key.name)]
    for constraint, stand_in in classes.not_unique():
        name = str(constraint.name)
        del wanted["constraint", name]
        index = wanted.pop(("index", name))
        wanted["index", stand_in] = index.replace(f"UNIQUE INDEX {name}", f"INDEX {stand_in}")
    return wanted


def not_placed(connection: Connection) -> list[str]:
    """Return the names of the tables that should be distributed, and are not."""
    known = nodes.placed(connection)
    return [
        table.name
        for table in (*classes.REFERENCE, *classes.DISTRIBUTED)
        if table.name not in known
    ]
