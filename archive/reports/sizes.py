"""Sizes of the succeeded backups, in bytes; the columns are those of `core.distribution`.

A size is what the document of the job says: the bytes transferred. Jobs without one count as
succeeded alone.
"""

from __future__ import annotations

from archive.columns import Kind
from archive.reports.core import distribution
from archive.reports.core.sql import SIZE

REPORT = distribution.report(
    "sizes",
    "How large are the succeeded backups, in total and individually?",
    SIZE,
    Kind.BYTES,
)
