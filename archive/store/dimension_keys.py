"""IDs of repeated texts: builds, locations, operations, message templates."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import calendar, db
from archive.db import tables
from archive.document.flatten import Build, Location, Operation, Template
from archive.masking import mask_url
from archive.store import settings
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

Natural = Build | Location | Operation | Template
Rows = tuple[Any, ...]

_TABLES: dict[type, sa.Table] = {
    Build: tables.build,
    Location: tables.location,
    Operation: tables.operation,
    Template: tables.message_template,
}
# The cache of a kind is cleared when it has more texts than this.
_CACHED = 200_000


class References:
    """Look up the IDs of natural keys, and create rows for new ones.

    IDs are cached, so do not use an object after one of its transactions was rolled back.
    """

    def __init__(self) -> None:
        # By kind, because keys of different kinds can be equal tuples.
        self._ids: dict[type, dict[Natural, int]] = {kind: {} for kind in _TABLES}
        # By kind: if this is the greatest ID of the table, the cache has all of its rows.
        self._whole = dict.fromkeys(_TABLES, 0)
        self._years = {str(year) for year in calendar.CALENDAR_YEARS}

    def ids(self, kind: type[Natural]) -> dict[Any, int]:
        """Return the IDs of a kind's keys that `learn` has seen."""
        return self._ids[kind]

    def learn(self, connection: Connection, documents: Iterable[Rows]) -> None:
        """Give every build, location and operation of some documents a row and a cached ID.

        Documents are the fields of `flatten.Normalised`, in order.
        """
        for kind, known in self._ids.items():
            if len(known) > _CACHED:
                known.clear()
                self._whole[kind] = -1
        builds, locations, operations, _ = (self._ids[kind] for kind in _TABLES)
        unknown: dict[type, dict[Natural, None]] = {kind: {} for kind in _TABLES}
        for _, build, location, operation, _, _ in documents:
            if build is not None and build not in builds:
                unknown[Build][Build._make(build)] = None
            if location is not None and location not in locations:
                unknown[Location][Location._make(location)] = None
            if operation is not None and operation not in operations:
                unknown[Operation][Operation._make(operation)] = None
        for kind, wanted in unknown.items():
            if wanted:
                self._learn_kind(connection, kind, list(wanted))

    def learn_templates(
        self, connection: Connection, wanted: Iterable[tuple[str, str]]
    ) -> Mapping[Any, int]:
        """Give every message template a row, and return the IDs of these and others."""
        known = self._ids[Template]
        unknown = {Template._make(key): None for key in wanted if key not in known}
        if unknown:
            self._learn_kind(connection, Template, list(unknown))
        return known

    def learn_locations(
        self, connection: Connection, wanted: Iterable[Location]
    ) -> dict[Location, int]:
        """Give every location a row, and return the IDs."""
        locations, known = list(dict.fromkeys(wanted)), self._ids[Location]
        if unknown := [location for location in locations if location not in known]:
            self._learn_kind(connection, Location, unknown)
        return {location: known[location] for location in locations}

    def _learn_kind(self, connection: Connection, kind: type, wanted: Sequence[Natural]) -> None:
        """Give keys that are not cached a row and a cached ID."""
        table, known = _TABLES[kind], self._ids[kind]
        missing = {digest(key): key for key in wanted}
        following = next_id(connection, table)
        if following - 1 != self._whole[kind]:
            missing = _look_up(connection, table, missing, known)
        if not missing:
            return
        # IDs are assigned under one lock, so that every database assigns the same ones.
        db.lock(connection, ["references"])
        before, following = following, next_id(connection, table)
        if following != before:  # another import has added rows meanwhile
            missing = _look_up(connection, table, missing, known)
        if following - 1 == self._whole[kind]:
            self._whole[kind] += len(missing)
        rows = [
            (number, key_digest, *_columns(key))
            for number, (key_digest, key) in enumerate(missing.items(), following)
        ]
        known |= dict(zip(missing.values(), count(following), strict=False))
        db.insert(connection, table, rows)

    def learn_days(self, connection: Connection, wanted: Iterable[str]) -> None:
        """Add the whole year of each day to the calendar if it is missing."""
        for year in sorted({day[:4] for day in wanted} - self._years):
            if not _has_year(connection, year):
                db.lock(connection, ["references"])
                if not _has_year(connection, year):
                    rows = calendar.calendar_year(int(year), settings.calendar(connection))
                    db.insert(connection, tables.calendar, rows)
            self._years.add(year)


def _has_year(connection: Connection, year: str) -> bool:
    table = tables.calendar
    query = sa.select(table.c.ordinal).where(table.c.day == f"{year}-01-01")
    return connection.execute(query).first() is not None


def _look_up(
    connection: Connection,
    table: sa.Table,
    wanted: dict[bytes, Natural],
    known: dict[Natural, int],
) -> dict[bytes, Natural]:
    """Add the IDs of stored keys to the known ones, and return the others by digest."""
    query = sa.select(table.c.digest, table.c.id)
    missing = dict(wanted)
    for chunk in chunks(wanted):
        for row in connection.execute(query.where(table.c.digest.in_(chunk))):
            known[missing.pop(row.digest)] = row.id
    return missing


def digest(key: Natural) -> bytes:
    """Return the first 16 bytes of the SHA-256 of a natural key, for its table's unique index."""
    # Bytes that UTF-8 never has: keys that differ in any part have different digests.
    parts = (b"\xfe" if part is None else part.encode() for part in key)
    return hashlib.sha256(b"\xff".join(parts)).digest()[:16]


def next_id(connection: Connection, table: sa.Table) -> int:
    """Return the ID after a table's greatest; hold a lock that prevents inserts."""
    greatest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    return int(greatest or 0) + 1


def _columns(key: Natural) -> tuple[Any, ...]:
    return (*key, mask_url(key.url)) if isinstance(key, Location) else tuple(key)
