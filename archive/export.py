"""Whole-archive exports: every table as rows, every job as one line of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import documents, latest, numbers, tables
from archive.normalise import mask_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

_ROWS_AT_A_TIME = 5000


def table_names() -> list[str]:
    """Return the names of the tables that say something of the archived jobs, in order.

    What an appliance's latest delivery held is left out: jobs say when they were last seen.
    """
    return sorted(tables.metadata.tables.keys() - {tables.latest_delivery.name})


def table_rows(connection: Connection, name: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return a table's columns and its rows in the order of its primary key.

    Bytes are hexadecimal, and the password of a URL is hidden: `jsonl` has those of jobs exactly.
    """
    table = tables.metadata.tables[name]
    query = sa.select(table)
    if table is tables.job:
        query = sa.select(*latest.job_columns()).select_from(latest.joined())
    query = query.order_by(*table.primary_key.columns)
    rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    names = list(rows.keys())
    hiding = [_HIDE.get((name, column), str) for column in names]
    return names, (tuple(map(_cell, row, hiding)) for row in rows)


def _cell(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return hide(value) if isinstance(value, str) else value


def _hide_in_document(text: str) -> str:
    document = numbers.loads(text)
    if isinstance(document.get("location"), str):
        document["location"] = mask_url(document["location"])
    return numbers.dumps(document)


def _hide_anywhere(text: str) -> str:
    return numbers.dumps(_masked(numbers.loads(text)))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_url(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {mask_url(name): _masked(item) for name, item in value.items()}
    return value


# Where a location's URL stands, or may stand, with all that is in it.
_HIDE = {
    (tables.location.name, "url"): mask_url,
    (tables.irregular_document.name, "document"): _hide_in_document,
    (tables.schedule.name, "other"): _hide_anywhere,
    (tables.system_version.name, "other"): _hide_anywhere,
}


def lines(connection: Connection) -> Iterator[str]:
    """Yield every job as a line in the form that `ingest` reads, by appliance and job key."""
    for job in documents.jobs(connection):
        yield job.line() + "\n"
