"""Rows of appliances by name, and the lock against two loads of one appliance at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import seals, tables
from archive.store.chunks import chunks
from archive.store.dimension_keys import next_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.engine import Connection

    from archive.document.precedence import SeenInterval


class _Known(NamedTuple):
    """The row of an appliance that the archive has."""

    id: int
    first_seen: str
    last_seen: str
    pruned_until: str | None = None


class Locked(NamedTuple):
    """The IDs of locked appliances by name, and the IDs that are new to the archive.

    Names are identities: see `appliance_names.identity`. `pruned_until` says of those with pruned jobs,
    by ID, until when these began.
    """

    ids: dict[str, int]
    created: frozenset[int]
    pruned_until: dict[int, str]


# Making a statement takes longer than executing it for one appliance.
_TABLE, _PRUNED = tables.appliance, tables.pruned_appliance
_ROWS = sa.select(
    _TABLE.c.name, _TABLE.c.id, _TABLE.c.first_seen, _TABLE.c.last_seen, _PRUNED.c.until_time
).outerjoin(_PRUNED, _PRUNED.c.appliance_id == _TABLE.c.id)
_NAMED = _ROWS.where(_TABLE.c.name.in_(sa.bindparam("names", expanding=True)))
_NAMED_SO = db.Prepared(_ROWS.where(_TABLE.c.name == sa.bindparam("name")))
_WIDENED = seals.PreparedUpdate(
    sa.update(_TABLE)
    .where(_TABLE.c.id == sa.bindparam("number"))
    .values(first_seen=sa.bindparam("first"), last_seen=sa.bindparam("last"))
)


def lock_appliances(connection: Connection, names: Iterable[str]) -> None:
    """Lock appliances against other loads, until the transaction ends.

    Take this lock before any other, for all appliances at once: it is taken in a fixed order, so
    that two loads cannot deadlock.
    """
    db.lock(connection, [f"appliance {name}" for name in names])


def find_appliances(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the IDs of the named appliances that the archive has, by name."""
    return {name: row.id for name, row in _find(connection, names).items()}


class SeenAppliances:
    """The appliances of a transaction: none is locked, looked up or recorded again for nothing.

    Nobody else can change the rows of locked appliances, so they are as this transaction has left them.
    """

    def __init__(self) -> None:
        self._locked: set[str] = set()
        self._known: dict[str, _Known] = {}

    def lock(self, connection: Connection, names: Iterable[str]) -> None:
        """Lock appliances as `lock_appliances` does, but for those that this one has locked."""
        wanted = [name for name in names if name not in self._locked]
        if wanted:
            lock_appliances(connection, wanted)
            self._locked.update(wanted)

    def find(self, connection: Connection, names: Iterable[str]) -> dict[str, int]:
        """Return the IDs of those of the named locked appliances that the archive has, by name."""
        return {name: row.id for name, row in self._rows(connection, names).items()}

    def record(self, connection: Connection, seen: Mapping[str, SeenInterval]) -> Locked:
        """Create or refresh the rows of locked appliances; `seen` says when each was seen, first and last.

        An unknown name becomes a new appliance: they come into being by being imported.
        """
        known = self._rows(connection, seen)
        created = _create(connection, {name: seen[name] for name in seen if name not in known})
        self._known |= created | _widen(connection, seen, known)
        known |= created
        return Locked(
            {name: row.id for name, row in known.items()},
            frozenset(row.id for row in created.values()),
            {row.id: row.pruned_until for row in known.values() if row.pruned_until is not None},
        )

    def clear(self) -> None:
        """Forget them all, at the end of the transaction."""
        self._locked.clear()
        self._known.clear()

    def _rows(self, connection: Connection, names: Iterable[str]) -> dict[str, _Known]:
        """Return the rows of the named appliances that the archive has, by name."""
        wanted = list(names)
        self._known |= _find(connection, [name for name in wanted if name not in self._known])
        return {name: self._known[name] for name in wanted if name in self._known}


def _find(connection: Connection, names: Iterable[str]) -> dict[str, _Known]:
    """Return the rows of the named appliances that the archive has, by name."""
    wanted = list(names)
    if len(wanted) == 1:
        rows = _NAMED_SO.rows(connection, {"name": wanted[0]})
        return {name: _Known(*row) for name, *row in rows}
    return {
        row.name: _Known(row.id, row.first_seen, row.last_seen, row.until_time)
        for chunk in chunks(wanted)
        for row in connection.execute(_NAMED, {"names": chunk})
    }


def _create(connection: Connection, seen: Mapping[str, SeenInterval]) -> dict[str, _Known]:
    """Insert rows for new appliances and return them by name. Takes the lock of repeated texts."""
    if not seen:
        return {}
    # Ids are given under one lock, so that no two imports give the same one.
    db.lock(connection, ["references"])
    following = next_id(connection, tables.appliance)
    created = {
        name: _Known(following + place, interval.first_seen, interval.last_seen)
        for place, (name, interval) in enumerate(seen.items())
    }
    # Cadence, RPO and retirement: the configuration has not been recorded for it yet. Nor is it held.
    nothing = (None, None, None, None)
    rows = [
        (new.id, name, new.first_seen, new.last_seen, *nothing) for name, new in created.items()
    ]
    db.insert(connection, tables.appliance, rows)
    return created


def _widen(
    connection: Connection, seen: Mapping[str, SeenInterval], known: Mapping[str, _Known]
) -> dict[str, _Known]:
    """Extend when appliances were seen first and last, and return the rows that this has changed.

    Most imports change only the latter.
    """
    widened: dict[str, _Known] = {}
    for name, row in known.items():
        first_seen, last_seen = seen[name].first_seen, seen[name].last_seen
        # A time in the future comes from a clock that was wrong.
        is_wrong = row.last_seen > last_seen and timestamps.is_future(row.last_seen)
        if first_seen < row.first_seen or last_seen > row.last_seen or is_wrong:
            widened[name] = row._replace(
                first_seen=min(row.first_seen, first_seen),
                last_seen=last_seen if is_wrong else max(row.last_seen, last_seen),
            )
    if widened:
        _WIDENED.execute(
            connection,
            [
                {"number": row.id, "first": row.first_seen, "last": row.last_seen}
                for row in widened.values()
            ],
        )
    return widened
