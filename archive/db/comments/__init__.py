"""What each table, view and column means: comments in PostgreSQL, and the page `docs/schema.md`.

In the order of the page: what is looked for first comes first. Columns are in their own order. Read
by `archive db upgrade` and by who writes the page; no other command imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db.comments.job_tables import JOB_TABLES
from archive.db.comments.other_tables import OTHER_TABLES
from archive.db.comments.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TABLES", "VIEWS", "comments"]
TABLES = JOB_TABLES | OTHER_TABLES


def comments() -> Iterator[tuple[str, str | None, str]]:
    """Yield each comment: the table or view, its column or None for itself, and the text."""
    for name, described in (VIEWS | TABLES).items():
        yield name, None, f"One row is {described.rows}."
        for column, text in described.columns.items():
            yield name, column, text
