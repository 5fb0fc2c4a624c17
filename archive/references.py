"""Numbers for texts that repeat: builds, locations, operations, message templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import days, dialects, tables
from archive.normalise import Build, Location, Operation, Template, mask_url

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Natural = Build | Location | Operation | Template

_TABLES: dict[type, sa.Table] = {
    Build: tables.build,
    Location: tables.location,
    Operation: tables.operation,
    Template: tables.message_template,
}
# Beyond this many remembered texts the memory of them is started anew.
_REMEMBERED = 200_000
_CHUNK = 500


class References:
    """Knows the numbers of natural keys, and creates rows for new ones.

    Remembers what it has seen, so one object must not outlive a transaction that was rolled back.
    """

    def __init__(self) -> None:
        self._ids: dict[Natural, int] = {}
        self._years: set[str] = set()

    def id_of(self, key: Natural | None) -> int | None:
        """Return the number of a key that `learn` has been given; None for no key."""
        return None if key is None else self._ids[key]

    def learn(self, connection: Connection, keys: Iterable[Natural]) -> None:
        """Make sure that each key has a row and a known number."""
        if len(self._ids) > _REMEMBERED:
            self._ids.clear()
        unknown: dict[type, list[Natural]] = {}
        for key in dict.fromkeys(keys):
            if key not in self._ids:
                unknown.setdefault(type(key), []).append(key)
        for kind, wanted in unknown.items():
            self._learn_kind(connection, _TABLES[kind], wanted)

    def _learn_kind(
        self, connection: Connection, table: sa.Table, wanted: Sequence[Natural]
    ) -> None:
        by_digest = {digest(key): key for key in wanted}
        self._look_up(connection, table, by_digest)
        if all(key in self._ids for key in wanted):
            return
        # Numbers are given out under one lock, so they are the same whichever database it is.
        dialects.lock(connection, ["references"])
        self._look_up(connection, table, by_digest)
        following = next_id(connection, table)
        rows = []
        for key_digest, key in by_digest.items():
            if key not in self._ids:
                self._ids[key] = following
                rows.append((following, key_digest, *_columns(key)))
                following += 1
        dialects.insert(connection, table, rows)

    def _look_up(
        self, connection: Connection, table: sa.Table, by_digest: dict[bytes, Natural]
    ) -> None:
        digests = [key_digest for key_digest, key in by_digest.items() if key not in self._ids]
        for start in range(0, len(digests), _CHUNK):
            found = connection.execute(
                sa.select(table.c.digest, table.c.id).where(
                    table.c.digest.in_(digests[start : start + _CHUNK])
                )
            )
            for key_digest, number in found:
                self._ids[by_digest[key_digest]] = number

    def learn_days(self, connection: Connection, wanted: Iterable[str]) -> None:
        """Make sure that the calendar has the whole year of each day."""
        for year in sorted({day[:4] for day in wanted} - self._years):
            dialects.lock(connection, ["references"])
            first = f"{year}-01-01"
            known = connection.execute(
                sa.select(tables.calendar.c.ordinal).where(tables.calendar.c.day == first)
            )
            if known.first() is None:
                dialects.insert(connection, tables.calendar, days.calendar_year(int(year)))
            self._years.add(year)


def digest(key: Natural) -> bytes:
    """Return the digest that stands for a natural key in its table's unique index."""
    return hashlib.sha256(json.dumps(key).encode()).digest()


def next_id(connection: Connection, table: sa.Table) -> int:
    """Return the number after a table's greatest; only meaningful under a lock."""
    greatest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    return int(greatest or 0) + 1


def _columns(key: Natural) -> tuple[Any, ...]:
    return (*key, mask_url(key.url)) if isinstance(key, Location) else tuple(key)
