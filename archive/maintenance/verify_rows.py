"""Check rows against their seals, and values that follow from others in the same row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.calendar import CALENDAR_YEARS, CalendarDay, calendar_day, calendar_year
from archive.db import seals, tables
from archive.document.flatten import key_digest
from archive.masking import mask_url
from archive.store import param_paths, quarantine, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, RowMapping

    from archive.calendar import Calendar
    from archive.maintenance.verify_sample import Sample

    _Key = tuple[Any, ...]
    # The table, the key of a row, and its wrong columns.
    Found = Iterator[tuple[str, _Key, list[str]]]

_AT_A_TIME = 5000
_LISTS = (
    tables.message, tables.message_arg, tables.message_param, tables.job_finding,
    tables.evidence_list,
)  # fmt: skip
# Shared texts, with the columns of the natural key.
_NATURAL = {
    tables.build: ("version_name", "version", "build_number"),
    tables.location: ("url",),
    tables.operation: ("service", "operation"),
    tables.message_template: ("message_id", "default_message"),
}


def unsealed(connection: Connection, table: sa.Table, sample: Sample) -> Found:
    """Yield the rows of a table that do not match their seals."""
    columns = seals.facts(table)
    keys = [columns.index(key) for key in table.primary_key]
    query = sa.select(*columns, table.c[seals.COLUMN]).where(*sample.of(table))
    with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
        for row in rows:
            *values, stored = row
            if wrong := seals.broken(table, values, stored):
                # A seal that matches no column is more likely the damaged part.
                names = wrong if len(wrong) < len(seals.covered(table)) else [*wrong, seals.COLUMN]
                yield table.name, tuple(values[place] for place in keys), names


def orphans(
    connection: Connection, sample: Sample
) -> Iterator[tuple[sa.ForeignKeyConstraint, _Key]]:
    """Yield the rows that refer to a missing row: the foreign key, and the key of the row.

    Foreign keys prevent them, but a server can be set to skip these, and a disk can fail.
    """
    for table in tables.metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
            parent = sa.select(*(key.column for key in constraint.elements)).subquery()
            pairs = [(key.parent, parent.c[key.column.name]) for key in constraint.elements]
            # A join, since Citus refuses NOT EXISTS between tables on different nodes.
            query = (
                sa.select(*table.primary_key)
                .outerjoin_from(table, parent, sa.and_(*(one == other for one, other in pairs)))
                .where(
                    *sample.of(table),
                    *(column.is_not(None) for column, _ in pairs),
                    pairs[0][1].is_(None),
                )
            )
            for row in connection.execute(query):
                yield constraint, tuple(row)


def repeated(connection: Connection) -> Found:
    """Yield the appliances that have the name of an earlier one, which a distributed archive could store."""
    table = tables.appliance
    first = sa.func.min(table.c.id)
    several = sa.select(table.c.name, first).group_by(table.c.name).having(sa.func.count() > 1)
    for name, kept in connection.execute(several.order_by(table.c.name)).all():
        others = sa.select(table.c.id).where(table.c.name == name, table.c.id != kept)
        for number in connection.execute(others.order_by(table.c.id)).scalars():
            yield table.name, (number,), [table.c.name.name]


def gaps(connection: Connection, sample: Sample) -> Found:
    """Yield the last row of each list whose rows are not numbered without gaps, from 0."""
    for table in _LISTS:
        *owner, seq = table.primary_key
        last = sa.func.max(seq)
        query = (
            sa.select(*owner, last)
            .where(*sample.of(table))
            .group_by(*owner)
            .having(sa.func.count() != last + 1)
        )
        for row in connection.execute(query):
            yield table.name, tuple(row), [seq.name]


def wrong_paths(connection: Connection, sample: Sample) -> Found:
    """Yield the params whose path does not follow from the names."""
    table = tables.message_param
    for *key, _ in param_paths.wrong(connection, *sample.of(table)):
        yield table.name, tuple(key), [table.c.path.name]


def wrong_digests(connection: Connection) -> Found:
    """Yield the shared texts and quarantined documents that do not match their digests."""
    for table, names in _NATURAL.items():
        for row in connection.execute(sa.select(table)).mappings():
            if wrong := _wrong_texts(row, names):
                yield table.name, (row["id"],), wrong
    stored = tables.quarantine
    for number, mark in connection.execute(sa.select(stored.c.id, stored.c.digest)).all():
        (held,) = quarantine.held(connection, [number])
        if held.digest() != mark:
            yield stored.name, (number,), ["appliance_name", "job_key", "document", "digest"]


def _wrong_texts(row: RowMapping, names: Sequence[str]) -> list[str]:
    """Return the wrong columns of a shared row, one of which its digest cannot tell from the others."""
    try:
        is_right = key_digest(tuple(row[name] for name in names)) == row["digest"]
        masked = mask_url(row["url"]) if "url" in names else None
    except (AttributeError, TypeError, ValueError):  # of a value of a wrong type
        is_right, masked = False, None
    if not is_right:
        return [*names, "digest"]
    return [] if masked is None or masked == row["masked_url"] else ["masked_url"]


def wrong_days(connection: Connection) -> Found:
    """Yield the days whose labels, number or start do not follow from the date and the calendar."""
    known, table = settings.calendar(connection), tables.calendar
    usual = {row.day: row for year in CALENDAR_YEARS for row in calendar_year(year, known)}
    columns = [table.c[name] for name in CalendarDay._fields]
    for row in connection.execute(sa.select(*columns).order_by(table.c.day)):
        right = usual.get(row.day) or _unusual_day(row.day, known)
        if right is None:
            yield table.name, (row.day,), [table.c.day.name]
        elif tuple(row) != right:
            wrong = [name for name, value in right._asdict().items() if getattr(row, name) != value]
            yield table.name, (row.day,), wrong


def _unusual_day(day: Any, calendar: Calendar) -> CalendarDay | None:
    """Return the row of a day outside the usual years; None if it is no date, since SQLite stores any value."""
    try:
        found = calendar_day(date.fromisoformat(day), calendar)
    except (TypeError, ValueError):
        return None
    return found if found.day == day else None
