"""The tables of a bundle of evidence: schedules and settings in force, imports and collections.

Passwords are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.export.relations import hide_in_json
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy.engine import Connection

_APPLIANCE = tables.appliance
_PERIOD = ("first_seen", "last_seen", "ended_at")
_INSTANTS = {
    *_PERIOD, "retired_at", "held_at", "seen_at", "started", "finished", "asked_at", "answered_at",
}  # fmt: skip
_FLAGS = {"enabled", "fast_backup"}


class BundledTable(NamedTuple):
    """A file of a bundle: its name, columns and rows."""

    name: str
    columns: list[Column]
    rows: list[tuple[Any, ...]]


def tables_of(
    connection: Connection, ids: Collection[int] | None, start: str | None
) -> Iterator[BundledTable]:
    """Yield the tables of appliances, None for all, from an instant on, None for the beginning.

    A schedule, version or time zone belongs to it if it was in force then or later.
    """
    wanted = None if ids is None else set(ids)
    for name, query in (
        ("schedules.csv", _schedules()),
        ("versions.csv", _history(tables.system_version)),
        ("time_zones.csv", _history(tables.system_time_zone)),
    ):
        names = [str(column.key) for column in query.selected_columns][1:]
        rows = [
            _masked(names, row[1:])
            for row in connection.execute(query)
            if _is_wanted(row[0], wanted)
            and (start is None or row.ended_at is None or row.ended_at >= start)
        ]
        yield _table(name, names, rows)
    yield _of_appliances(connection, wanted)
    known = settings.calendar(connection)
    rows = [("calendar.day_start", known.day_start), ("calendar.time_zone", known.zone)]
    yield _table("settings.csv", ["name", "value"], rows)
    yield _imports(connection, wanted, start)
    yield _collections(connection, wanted, start)


def _schedules() -> sa.Select[Any]:
    schedule, location = tables.schedule, tables.location
    names = ("enabled", "hour", "minute", "days", "max_count", "parts", "fast_backup")
    return (
        sa.select(
            _APPLIANCE.c.id,
            _APPLIANCE.c.name.label("appliance"),
            schedule.c.key,
            *(schedule.c[name] for name in (*_PERIOD, *names)),
            location.c.masked_url.label("location"),
            schedule.c.location_user,
            schedule.c.other,
        )
        .join(schedule, schedule.c.appliance_id == _APPLIANCE.c.id)
        .outerjoin(location, schedule.c.location_id == location.c.id)
        .order_by(_APPLIANCE.c.name, schedule.c.key, schedule.c.first_seen)
    )


def _history(table: sa.Table) -> sa.Select[Any]:
    values = [column for column in table.columns if column.name not in ("appliance_id", "seal")]
    return (
        sa.select(_APPLIANCE.c.id, _APPLIANCE.c.name.label("appliance"), *values)
        .join(table, table.c.appliance_id == _APPLIANCE.c.id)
        .order_by(_APPLIANCE.c.name, table.c.first_seen)
    )


def _of_appliances(connection: Connection, wanted: set[int] | None) -> BundledTable:
    names = ["first_seen", "last_seen", "cadence_seconds", "rpo_seconds", "retired_at", "held_at"]
    query = sa.select(
        _APPLIANCE.c.id, _APPLIANCE.c.name, *(_APPLIANCE.c[name] for name in names)
    ).order_by(_APPLIANCE.c.name)
    rows = [tuple(row[1:]) for row in connection.execute(query) if _is_wanted(row[0], wanted)]
    return _table("appliances.csv", ["name", *names], rows)


def _imports(connection: Connection, wanted: set[int] | None, start: str | None) -> BundledTable:
    """Return the log of imports; one of several appliances has none, and belongs to every bundle."""
    run = tables.ingest_run
    names = [
        "source", "seen_at", "started", "finished", "outcome", "error", "seen", "new", "changed",
        "unchanged", "findings", "quarantined",
    ]  # fmt: skip
    query = (
        sa.select(
            run.c.appliance_id,
            run.c.id.label("import"),
            _APPLIANCE.c.name.label("appliance"),
            *(run.c[name] for name in names),
        )
        .outerjoin(_APPLIANCE, run.c.appliance_id == _APPLIANCE.c.id)
        .order_by(run.c.id)
    )
    if start is not None:
        query = query.where(run.c.started >= start)
    rows = [
        tuple(row[1:])
        for row in connection.execute(query)
        if row[0] is None or _is_wanted(row[0], wanted)
    ]
    return _table("imports.csv", ["import", "appliance", *names], rows)


def _collections(
    connection: Connection, wanted: set[int] | None, start: str | None
) -> BundledTable:
    """Return the attempts of collections; an appliance that never answered has no number."""
    attempt = tables.attempt
    names = ["asked_at", "answered_at", "outcome", "reason"]
    query = (
        sa.select(
            _APPLIANCE.c.id,
            attempt.c.collection_id.label("collection"),
            attempt.c.appliance_name.label("appliance"),
            *(attempt.c[name] for name in names),
            attempt.c.run_id.label("import"),
        )
        .outerjoin(_APPLIANCE, attempt.c.appliance_name == _APPLIANCE.c.name)
        .order_by(attempt.c.collection_id, attempt.c.appliance_name)
    )
    if start is not None:
        query = query.where(attempt.c.asked_at >= start)
    rows = [tuple(row[1:]) for row in connection.execute(query) if _is_wanted(row[0], wanted)]
    return _table("collections.csv", ["collection", "appliance", *names, "import"], rows)


def _is_wanted(number: int | None, wanted: set[int] | None) -> bool:
    return wanted is None or number in wanted


def _masked(names: list[str], row: Any) -> tuple[Any, ...]:
    return tuple(
        hide_in_json(value) if name == "other" and value is not None else value
        for name, value in zip(names, row, strict=True)
    )


def _table(name: str, names: list[str], rows: list[tuple[Any, ...]]) -> BundledTable:
    return BundledTable(name, [Column(each, _kind(each)) for each in names], rows)


def _kind(name: str) -> Kind:
    if name in _INSTANTS:
        return Kind.INSTANT
    return Kind.FLAG if name in _FLAGS else Kind.TEXT
