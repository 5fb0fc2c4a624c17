"""Descriptions of each table, view and column: comments in PostgreSQL and the page `docs/schema.md`.

Tables are in the order of the page, the most important first. Columns are in the order of the
database. `archive db upgrade`, `archive db role` and `docs/schema.py` import this; other commands do
not, since it would slow them down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db import seals, tables
from archive.db.comments.evidence import EVIDENCE_TABLES
from archive.db.comments.job_tables import JOB_TABLES
from archive.db.comments.judgement import JUDGEMENT_TABLES
from archive.db.comments.other_tables import OTHER_TABLES
from archive.db.comments.pruned import PRUNED_TABLES
from archive.db.comments.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TABLES", "VIEWS", "comments"]
_SEAL = "checksums of the columns that nothing else proves, two bytes each: see archive.db.seals"
TABLES = {
    name: described._replace(columns={**described.columns, seals.COLUMN: _SEAL})
    if seals.covered(tables.metadata.tables[name])
    else described
    for name, described in (
        JOB_TABLES | JUDGEMENT_TABLES | OTHER_TABLES | EVIDENCE_TABLES | PRUNED_TABLES
    ).items()
}


def comments() -> Iterator[tuple[str, str | None, str]]:
    """Yield each comment: table or view, column (None: the table itself), text.

    Every table, view and column of the schema has one; a test compares them.
    """
    for name, described in (VIEWS | TABLES).items():
        yield name, None, f"One row is {described.rows}."
        for column, text in described.columns.items():
            yield name, column, text
