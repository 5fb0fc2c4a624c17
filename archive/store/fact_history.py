"""The history of an appliance's facts (version, time zone, schedules): one row for each change.

Answers are recorded in the order of their time. An answer that is not newer than the recorded ones
changes nothing: recording it again is harmless, and a late one invents no history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db, json_numbers, timestamps
from archive.db import seals, tables
from archive.document.flatten import Location
from archive.masking import mask_json
from archive.store.dimension_keys import References

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection

    from archive.document.appliance_facts import Facts, Schedule

# Tables whose rows are periods of a fact.
HISTORIES = (tables.schedule, tables.system_version, tables.system_time_zone)
# Columns of every history, before its values.
PERIOD = ("first_seen", "last_seen", "ended_at")
_Row = tuple[Any, ...]
# The values of an answer by key: a schedule's key, or () for a single fact.
Values = dict[tuple[str, ...], _Row]


def record(connection: Connection, appliance_id: int, facts: Facts, seen_at: str) -> set[str]:
    """Record the facts of an appliance, which the caller has locked, as of an instant.

    Return the names of the tables with a change. May take the lock of repeated texts, so the lock of
    the day totals must not be held yet.
    """
    # A fact that was not answered stays as it is.
    found: dict[sa.Table, Values] = {}
    if facts.version is not None:
        found[tables.system_version] = {(): facts.version}
    if facts.time_zone is not None:
        found[tables.system_time_zone] = {(): (facts.time_zone,)}
    if facts.schedules is not None:
        found[tables.schedule] = _schedules(connection, facts.schedules)
    return {
        table.name
        for table, rows in found.items()
        if follow(connection, table, appliance_id, rows, seen_at)
    }


def _schedules(connection: Connection, schedules: Iterable[Schedule]) -> Values:
    """Return the columns of schedules by key, in the order of the table."""
    answered = list(schedules)
    references = References()
    urls = [schedule.location for schedule in answered if schedule.location is not None]
    numbered = references.learn_locations(connection, map(Location, urls))
    return {
        (one.key,): (
            one.enabled,
            one.hour,
            one.minute,
            _list(one.days),
            one.max_count,
            _list(one.parts),
            one.fast_backup,
            None if one.location is None else numbered[Location(one.location)],
            one.location_user,
            one.other,
        )
        for one in answered
    }


def _list(texts: tuple[str, ...] | None) -> str | None:
    return None if texts is None else json_numbers.dumps(list(texts))


def follow(
    connection: Connection,
    table: sa.Table,
    appliance_id: int,
    answered: Values,
    seen_at: str,
) -> bool:
    """Update a history from an answer: extend unchanged rows, end others, insert new values.

    Return whether anything has changed.
    """
    # First: beside rows of a clock that was ahead, any answer would look late.
    forgotten = _forget_future(connection, table, appliance_id)
    key_columns, value_columns = keys_of(table), values_of(table)
    query = sa.select(*key_columns, *(table.c[name] for name in PERIOD), *value_columns).where(
        table.c.appliance_id == appliance_id,
        # A row that ended at this time or later shows that this answer is late.
        sa.or_(table.c.ended_at.is_(None), table.c.ended_at >= seen_at),
    )
    rows = connection.execute(query).mappings().all()
    if any(row["last_seen"] >= seen_at or row["ended_at"] is not None for row in rows):
        return forgotten
    current = {
        tuple(row[column] for column in key_columns): tuple(row[column] for column in value_columns)
        for row in rows
    }
    for key, values in current.items():
        name = "last_seen" if answered.get(key) == values else "ended_at"
        connection.execute(
            sa.update(table)
            .where(
                table.c.appliance_id == appliance_id,
                *(column == part for column, part in zip(key_columns, key, strict=True)),
                table.c.ended_at.is_(None),
            )
            .values({name: seen_at})
        )
    begun = [
        (appliance_id, *key, seen_at, seen_at, None, *values)
        for key, values in answered.items()
        if current.get(key) != values
    ]
    db.insert(connection, table, begun)
    changed = forgotten or bool(begun)
    return changed or any(answered.get(key) != values for key, values in current.items())


def _forget_future(connection: Connection, table: sa.Table, appliance_id: int) -> bool:
    """Take back what a collection recorded while the clock was ahead; it would stop the history.

    Return whether there was any.
    """
    of_appliance = table.c.appliance_id == appliance_id
    newest = sa.select(sa.func.max(sa.func.coalesce(table.c.ended_at, table.c.last_seen)))
    last = connection.execute(newest.where(of_appliance)).scalar()
    if last is None or not timestamps.is_future(last):
        return False
    now = timestamps.now()
    connection.execute(sa.delete(table).where(of_appliance, table.c.first_seen > now))
    update = sa.update(table).where(of_appliance)
    connection.execute(update.where(table.c.ended_at > now).values(ended_at=None))
    connection.execute(update.where(table.c.last_seen > now).values(last_seen=table.c.first_seen))
    return True


def in_force(connection: Connection, appliance_id: int, at: str) -> str:
    """Return the facts of an appliance at an instant as JSON: rows by the name of the table.

    Passwords are hidden, so a location is its masked URL.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    location = tables.location
    for table in HISTORIES:
        names = [*keys_of(table), *values_of(table)]
        source: sa.FromClause = table
        if table is tables.schedule:
            names = [location.c.masked_url if one.name == "location_id" else one for one in names]
            source = table.outerjoin(location, table.c.location_id == location.c.id)
        query = (
            sa.select(*names)
            .select_from(source)
            .where(
                table.c.appliance_id == appliance_id,
                table.c.first_seen <= at,
                sa.or_(table.c.ended_at.is_(None), table.c.ended_at > at),
            )
            .order_by(*keys_of(table))
        )
        found[table.name] = [
            {name: _without_passwords(name, value) for name, value in row.items()}
            for row in connection.execute(query).mappings()
        ]
    return json_numbers.dumps(found)


def _without_passwords(name: str, value: Any) -> Any:
    if name != "other" or value is None:
        return value
    return json_numbers.dumps(mask_json(json_numbers.loads(value)))


def keys_of(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the key columns of a history within an appliance: none, or a schedule's key."""
    return [column for column in table.primary_key if column.name not in ("appliance_id", *PERIOD)]


def values_of(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns of a history with its values."""
    known = {*table.primary_key.columns.keys(), *PERIOD}
    return [column for column in seals.facts(table) if column.name not in known]


def contradictions(connection: Connection) -> Iterator[str]:
    """Yield an error for each row whose period overlaps the next row's."""
    appliance = tables.appliance
    for table in HISTORIES:
        following = sa.func.lead(table.c.first_seen).over(
            partition_by=[table.c.appliance_id, *keys_of(table)], order_by=table.c.first_seen
        )
        row = sa.select(
            table.c.appliance_id, table.c.first_seen, table.c.ended_at, following.label("following")
        ).subquery()
        query = (
            sa.select(appliance.c.name, row.c.first_seen)
            .join(row, row.c.appliance_id == appliance.c.id)
            .where(
                row.c.following.is_not(None),
                sa.or_(row.c.ended_at.is_(None), row.c.ended_at > row.c.following),
            )
            .order_by(appliance.c.name, row.c.first_seen)
        )
        for name, first_seen in connection.execute(query):
            yield f"{name}: the row of {table.name} from {first_seen} overlaps the next one"
