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


def record_seen(connection: Connection, seen: Mapping[str, SeenInterval]) -> Locked:
    """Create or refresh the rows of locked appliances; `seen` says when each one was seen, first and last.

    An unknown name becomes a new appliance: they come into being by being imported.
    """
    known = _find(connection, seen)
    created = _create(connection, {name: seen[name] for name in seen if name not in known})
    _widen(connection, seen, known)
    known |= created
    return Locked(
        {name: row.id for name, row in known.items()},
        frozenset(row.id for row in created.values()),
        {row.id: row.pruned_until for row in known.values() if row.pruned_until is not None},
    )


def find_appliances(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the IDs of the named appliances that the archive has, by name."""
    return {name: row.id for name, row in _find(connection, names).items()}


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
) -> None:
    """Extend when appliances were seen first and last; most imports change only the latter."""
    widened = [
        {
            "number": row.id,
            "first": min(row.first_seen, seen[name].first_seen),
            "last": max(last_seen, seen[name].last_seen),
        }
        for name, row in known.items()
        # A time in the future comes from a clock that was wrong.
        for last_seen in ["" if timestamps.is_future(row.last_seen) else row.last_seen]
        if seen[name].first_seen < row.first_seen or seen[name].last_seen > last_seen
    ]
    if widened:
        _WIDENED.execute(connection, widened)
