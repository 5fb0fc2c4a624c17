"""Tables and views to export as rows: their columns, types and order.

Passwords are masked wherever they may occur. The tables of messages have them masked already.
"""

from __future__ import annotations

import re
from calendar import monthrange
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import json_numbers
from archive.db import seals, tables
from archive.errors import UsageError
from archive.export.view_columns import JOB_VIEWS, VIEWS
from archive.masking import mask_json, mask_text, mask_url
from archive.store import seen_documents
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.store.selection import Extent

# Rows fetched and passed on together; on PostgreSQL they come from a cursor on the server.
_ROWS_AT_A_TIME = 5000
# The tables whose rows belong to the content of messages.
_CONTENTS = (tables.message_content.name, tables.message_arg.name, tables.message_param.name)
_Column = sa.ColumnElement[Any]


class Relation(NamedTuple):
    """A table or a view.

    `of_jobs` are the columns that name a job, if its rows belong to jobs; `of_contents` those that
    name the content of messages; `day` the day column of a view whose rows belong to days.

    `order` makes the order total, so two exports of the same archive are equal.
    """

    name: str
    source: sa.FromClause
    columns: tuple[_Column, ...]
    order: tuple[_Column, ...]
    of_jobs: tuple[_Column, _Column] | None
    day: _Column | None = None
    of_contents: tuple[_Column, _Column] | None = None

    def names(self) -> list[str]:
        """Return the names of the columns."""
        return [str(column.key) for column in self.columns]

    def without(self, name: str) -> Relation:
        """Return the relation without a column, if it has it."""
        return self._replace(columns=tuple(each for each in self.columns if each.key != name))

    def select(self, extent: Extent, month: str | None = None) -> sa.Select[Any]:
        """Return a query for its rows in order, limited to the jobs or days of an extent.

        Contents of messages belong to all jobs that have them. Rows that belong to none of these are
        all included. With `month`, only jobs of that month are included, sorted by day.

        `extent` limits jobs by day, and by the import that brought or changed them. A month is
        `2026-03`.
        """
        query, order, job = (
            sa.select(*self.columns).select_from(self.source),
            self.order,
            tables.job,
        )
        if self.of_jobs is not None and (conditions := extent.conditions() + _within(month)):
            if self.name != job.name:
                appliance_id, job_id = self.of_jobs
                query = query.join(job, (job.c.appliance_id == appliance_id) & (job.c.id == job_id))
            query = query.where(*conditions)
            # Sorted by columns of `job`, so that SQLite finds the jobs first, then their rows.
            order = (job.c.appliance_id, job.c.id, *order[2:])
            if month is not None:
                order = (job.c.day, *order)
        if self.of_contents is not None and (conditions := extent.conditions()):
            query = query.where(_in_messages(*self.of_contents, conditions))
        if self.day is not None and extent.since is not None:
            query = query.where(self.day >= extent.since)
        return query.order_by(*order)


def table_names() -> list[str]:
    """Return the names of the tables to export, sorted.

    `latest_import` is left out: the jobs have its content as `last_seen`. `write_lock` has none.
    """
    return sorted(
        tables.metadata.tables.keys() - {tables.latest_import.name, tables.write_lock.name}
    )


def table(name: str) -> Relation:
    """Return a table. Raises UsageError for an unknown name."""
    if name not in table_names():
        raise UsageError(f"unknown table {quoted(name)}{suggestion(name, table_names())}")
    found = tables.metadata.tables[name]
    key = tuple(found.primary_key.columns)
    # A job of the latest import has the time of that import as its `last_seen`.
    if found is tables.job:
        return Relation(
            name,
            seen_documents.joined(),
            tuple(seen_documents.job_columns()),
            key,
            (key[0], key[1]),
        )
    # Such a key begins with the appliance, and a job or a content of it.
    named = (key[0], key[1]) if len(key) > 1 else None
    of_jobs = named if "job_id" in found.primary_key.columns else None
    of_contents = named if name in _CONTENTS else None
    return Relation(name, found, tuple(seals.facts(found)), key, of_jobs, of_contents=of_contents)


def view(name: str, known: Collection[str] | None = None) -> Relation:
    """Return one of the `known` views (None: all). Raises UsageError for any other name.

    Rows are ordered by job, or by all columns that name them, with NULL first on both databases.
    """
    known = VIEWS if known is None else known
    if name not in known:
        raise UsageError(f"unknown view {quoted(name)}{suggestion(name, known)}")
    source = sa.table(name, *(sa.column(*column) for column in VIEWS[name]))
    if name in JOB_VIEWS:
        order = tuple(
            source.c[column]
            for column in ("appliance_id", "job_id", "seq", "what")
            if column in source.c
        )
        return Relation(name, source, tuple(source.c), order, (order[0], order[1]))
    named = (
        "day", "appliance", "month", "due_time", "type", "status", "location", "version_name", "version",
        "build_number",
    )  # fmt: skip
    by = tuple(source.c[column].asc().nulls_first() for column in named if column in source.c)
    return Relation(name, source, tuple(source.c), by, None, source.c.get("day"))


def partitions(
    connection: Connection, relation: Relation, query: sa.Select[Any]
) -> Iterator[list[Sequence[Any]]]:
    """Yield the rows of a relation's query in lists, with passwords masked.

    Rows are tuples in the order of the columns; lists if something in them may have been masked.
    """
    hiding = [_HIDE.get((relation.name, name)) for name in relation.names()]
    hidden = [(place, hide) for place, hide in enumerate(hiding) if hide is not None]
    result = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    for rows in result.partitions():
        yield [_hidden(row, hidden) for row in rows] if hidden else list(rows)


def months(connection: Connection, extent: Extent) -> list[str]:
    """Return the months, as `2026-03`, of the jobs of an extent.

    They are sorted; a month without jobs is left out.
    """
    job, calendar = tables.job, tables.calendar
    days = sa.select(job.c.day).where(*extent.conditions()).distinct()
    query = sa.select(calendar.c.month).where(calendar.c.day.in_(days)).distinct()
    return sorted(connection.execute(query).scalars())


def _in_messages(
    appliance_id: _Column, content_id: _Column, conditions: Sequence[sa.ColumnElement[bool]]
) -> sa.ColumnElement[bool]:
    """Return the condition that a job with these conditions has a message with a content."""
    job, message = tables.job, tables.message
    return sa.exists().where(
        message.c.appliance_id == appliance_id,
        message.c.content_id == content_id,
        job.c.appliance_id == message.c.appliance_id,
        job.c.id == message.c.job_id,
        *conditions,
    )


def _within(month: str | None) -> list[sa.ColumnElement[bool]]:
    """Return the condition that a job's day is in a month; none for None."""
    if month is None:
        return []
    _, last = monthrange(int(month[:4]), int(month[5:]))
    return [tables.job.c.day.between(f"{month}-01", f"{month}-{last}")]


def _hidden(row: Sequence[Any], hidden: list[tuple[int, Callable[[Any], Any]]]) -> Sequence[Any]:
    """Return the cells of a row, with those at the given places masked; None stays."""
    cells = list(row)
    for place, hide in hidden:
        if cells[place] is not None:
            cells[place] = hide(cells[place])
    return cells


def hide_in_json(text: str) -> str:
    """Hide passwords in a JSON text; without any, it is returned unchanged, byte for byte."""
    value = json_numbers.loads(text)
    masked = mask_json(value)
    return text if masked == value else json_numbers.dumps(masked)


def _hide_in_bytes(document: bytes) -> bytes:
    """Hide passwords in a document that need not be JSON, nor even text."""
    text = document.decode("utf-8", "surrogateescape")
    try:
        masked = hide_in_json(text)
    except (ValueError, RecursionError):
        masked = mask_text(_ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text))
    return masked.encode("utf-8", "surrogateescape")


# ASCII characters as JSON may write them.
_ESCAPED = re.compile(r"\\u00([0-7][0-9a-fA-F])")
# Columns that contain a URL, or may contain one.
_HIDE: dict[tuple[str, str], Callable[[Any], Any]] = {
    (tables.location.name, "url"): mask_url,
    (tables.irregular_document.name, "document"): hide_in_json,
    (tables.quarantine.name, "document"): _hide_in_bytes,
    (tables.schedule.name, "other"): hide_in_json,
    (tables.system_version.name, "other"): hide_in_json,
}
