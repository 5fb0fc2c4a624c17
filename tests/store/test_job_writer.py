"""Rows of jobs have the columns of their table."""

from __future__ import annotations

from archive.db import seals, tables
from archive.store.job_writer import JobRow


def test_job_row_has_the_columns_of_the_table_in_order() -> None:
    assert list(JobRow._fields) == [column.name for column in seals.facts(tables.job)]
