"""IDs of repeated texts: builds, locations, operations, message templates."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import calendar, db
from archive.db import tables
from archive.document.flatten import Build, Location, Operation, Template, key_digest
from archive.masking import mask_url
from archive.store import settings
from archive.store.chunks import IN_QUERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

# The texts that jobs share, each with a table of its own.
Natural = Build | Location | Operation
Rows = tuple[Any, ...]

_TABLES: dict[type, sa.Table] = {
    Build: tables.build,
    Location: tables.location,
    Operation: tables.operation,
    Template: tables.message_template,
}
# The tables whose days must be in the calendar.
_WITH_DAYS = (tables.job, tables.day_total, tables.pruned_day, tables.expected_backup)
# The cache of a kind is cleared when it has more keys than this.
_CACHED = 50_000


class References:
    """Look up the IDs of natural keys, and create rows for new ones.

    IDs are cached, so do not use an object after one of its transactions was rolled back.

    All lookups are by digest, since texts may be too long for an index. `learn` must have seen a
    key before `ids` has it.
    """

    def __init__(self) -> None:
        # By kind, because keys of different kinds can be equal tuples. The keys of templates, of which
        # there may be many, are their digests.
        self._ids: dict[type, dict[Any, int]] = {kind: {} for kind in _TABLES}
        # By kind, for tables that were empty: if this is still the greatest ID, all rows are cached.
        self._whole: dict[type, int] = {}
        self._years = {str(year) for year in calendar.CALENDAR_YEARS}

    def ids(self, kind: type[Natural]) -> dict[Any, int]:
        """Return the IDs of a kind's keys that `learn` has seen."""
        return self._ids[kind]

    def learn(self, connection: Connection, documents: Iterable[Rows]) -> None:
        """Give every build, location and operation of some documents a row and a cached ID.

        Documents are the fields of `flatten.Normalised`, in order.
        """
        # A long import must not hold every text in memory.
        for kind, known in self._ids.items():
            if len(known) > _CACHED:
                known.clear()
                self._whole.pop(kind, None)
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
            self._learn_kind(connection, kind, wanted)

    def learn_templates(
        self, connection: Connection, wanted: Iterable[tuple[bytes, str, str]]
    ) -> Mapping[bytes, int]:
        """Give every message template a row, and return the IDs by digest."""
        known = self._ids[Template]
        unknown = {key[0]: key[1:] for key in wanted if key[0] not in known}
        if unknown:
            known.update(self._find_or_create(connection, Template, unknown))
        return known

    def learn_locations(
        self, connection: Connection, wanted: Iterable[Location]
    ) -> dict[Location, int]:
        """Give every location a row, and return the IDs."""
        locations, known = list(dict.fromkeys(wanted)), self._ids[Location]
        unknown = [location for location in locations if location not in known]
        self._learn_kind(connection, Location, unknown)
        return {location: known[location] for location in locations}

    def _learn_kind(self, connection: Connection, kind: type, wanted: Iterable[Natural]) -> None:
        """Give keys of a kind a row and a cached ID."""
        digests = {key: key_digest(key) for key in wanted}
        if digests:
            columns = {mark: _columns(key) for key, mark in digests.items()}
            found = self._find_or_create(connection, kind, columns)
            self._ids[kind] |= {key: found[mark] for key, mark in digests.items()}

    def _find_or_create(
        self, connection: Connection, kind: type, wanted: Mapping[bytes, Sequence[Any]]
    ) -> dict[bytes, int]:
        """Return the IDs of keys that are not cached, by digest; new ones get a row.

        `wanted` has the columns of each key by its digest.
        """
        table, missing, found = _TABLES[kind], dict(wanted), dict[bytes, int]()
        before = None
        if kind not in self._whole:
            # One query can save many.
            before = next_id(connection, table) if len(missing) > IN_QUERY else None
            _look_up(connection, table, missing, found)
        if not missing:
            return found
        # IDs are assigned under one lock, so that every database assigns the same ones.
        db.lock(connection, ["references"])
        following = next_id(connection, table)
        if following - 1 == self._whole.get(kind, 0):
            self._whole[kind] = following - 1 + len(missing)
        elif following != before:  # another import may have added some meanwhile
            self._whole.pop(kind, None)
            _look_up(connection, table, missing, found)
        # Many in the order of the unique index, which then takes half of the time.
        ordered = sorted(missing) if len(missing) > IN_QUERY else list(missing)
        numbers = range(following, following + len(ordered))
        rows = [
            (number, mark, *missing[mark]) for number, mark in zip(numbers, ordered, strict=True)
        ]
        db.insert(connection, table, rows)
        found.update(zip(ordered, numbers, strict=True))
        return found

    def learn_days(self, connection: Connection, wanted: Iterable[str]) -> None:
        """Add the whole year of each day to the calendar if it is missing."""
        # Whole years, so that reports find rows for days without jobs, too.
        for year in sorted({day[:4] for day in wanted} - self._years):
            if not _has_year(connection, year):
                db.lock(connection, ["references"])
                if not _has_year(connection, year):
                    rows = calendar.calendar_year(int(year), settings.calendar(connection))
                    db.insert(connection, tables.calendar, rows)
            self._years.add(year)


def forget_years(connection: Connection, days: Iterable[str]) -> None:
    """Remove the years of days that are needed no more, if they are none of the usual ones.

    A wrong clock has added them.
    """
    usual = {str(year) for year in calendar.CALENDAR_YEARS}
    for year in sorted({day[:4] for day in days} - usual):
        db.lock(connection, ["references"])
        first, last = (
            sa.literal(f"{year}-{edge}", tables.calendar.c.day.type) for edge in ("01-01", "12-31")
        )
        if not any(
            connection.execute(
                sa.select(sa.literal(1)).where(table.c.day.between(first, last)).limit(1)
            ).first()
            for table in _WITH_DAYS
        ):
            of_year = tables.calendar.c.day.between(first, last)
            connection.execute(sa.delete(tables.calendar).where(of_year))


def _has_year(connection: Connection, year: str) -> bool:
    """Return whether the calendar has a year; years are added as a whole."""
    table = tables.calendar
    query = sa.select(table.c.ordinal).where(table.c.day == f"{year}-01-01")
    return connection.execute(query).first() is not None


def _look_up(
    connection: Connection,
    table: sa.Table,
    missing: dict[bytes, Sequence[Any]],
    found: dict[bytes, int],
) -> None:
    """Move the keys that are stored, by digest, from the missing to the found ones."""
    for digest, number in db.find_by_digest(connection, table, list(missing)):
        del missing[digest]
        found[digest] = number


def next_id(connection: Connection, table: sa.Table) -> int:
    """Return the ID after a table's greatest; hold a lock that prevents inserts."""
    ((greatest,),) = _greatest(table).rows(connection, {})
    return int(greatest or 0) + 1


@lru_cache  # making a statement takes longer than executing it
def _greatest(table: sa.Table) -> db.Prepared:
    """Return the SELECT of the greatest id of a table."""
    return db.Prepared(sa.select(sa.func.max(table.c.id)))


def _columns(key: Sequence[Any]) -> Sequence[Any]:
    """Return the columns of a key; a location has its masked URL besides."""
    return (*key, mask_url(key.url)) if isinstance(key, Location) else key
