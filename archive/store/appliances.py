"""Appliances by name: their rows, and the lock that keeps two loads of one appliance apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store.dimension_keys import next_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.engine import Connection

    from archive.document.precedence import SeenInterval

_CHUNK = 500
_Row = tuple[int, str, str]


class Locked(NamedTuple):
    """The numbers of locked appliances by name, and which of them are new to the archive."""

    ids: dict[str, int]
    created: frozenset[int]


def lock_appliances(connection: Connection, names: Iterable[str]) -> None:
    """Lock appliances against other loads, until the transaction ends.

    Appliances are locked before anything else, all at once and in one order, so that two loads
    cannot wait for each other.
    """
    db.lock(connection, [f"appliance {name}" for name in names])


def record_sights(connection: Connection, sights: Mapping[str, SeenInterval]) -> Locked:
    """Create or refresh the rows of locked appliances; `sights` say between when each was seen."""
    known = _find(connection, sights)
    created = _create(connection, {name: sights[name] for name in sights if name not in known})
    _widen(connection, sights, known)
    known |= created
    return Locked(
        {name: number for name, (number, _, _) in known.items()},
        frozenset(number for number, _, _ in created.values()),
    )


def find_appliances(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of those of the appliances that the archive has, by name."""
    return {name: number for name, (number, _, _) in _find(connection, names).items()}


def _find(connection: Connection, names: Iterable[str]) -> dict[str, _Row]:
    table = tables.appliance
    wanted = list(names)
    found: dict[str, _Row] = {}
    for start in range(0, len(wanted), _CHUNK):
        for name, *row in connection.execute(
            sa.select(table.c.name, table.c.id, table.c.first_seen, table.c.last_seen).where(
                table.c.name.in_(wanted[start : start + _CHUNK])
            )
        ):
            found[name] = (row[0], row[1], row[2])
    return found


def _create(connection: Connection, sights: Mapping[str, SeenInterval]) -> dict[str, _Row]:
    if not sights:
        return {}
    db.lock(connection, ["references"])
    following = next_id(connection, tables.appliance)
    created = {
        name: (following + place, sight.first_seen, sight.last_seen)
        for place, (name, sight) in enumerate(sights.items())
    }
    rows = [(number, name, first, last) for name, (number, first, last) in created.items()]
    db.insert(connection, tables.appliance, rows)
    return created


def _widen(
    connection: Connection, sights: Mapping[str, SeenInterval], known: Mapping[str, _Row]
) -> None:
    table = tables.appliance
    widened = [
        {
            "number": number,
            "first": min(first, sight.first_seen),
            "last": max(last, sight.last_seen),
        }
        for name, (number, first, last) in known.items()
        for sight in (sights[name],)
        if sight.first_seen < first or sight.last_seen > last
    ]
    if widened:
        connection.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("number"))
            .values(first_seen=sa.bindparam("first"), last_seen=sa.bindparam("last")),
            widened,
        )
