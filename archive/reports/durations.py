"""Durations of the succeeded backups, in seconds; the columns are those of `core.distribution`."""

from __future__ import annotations

from archive.columns import Kind
from archive.reports.core import distribution
from archive.reports.core.sql import DURATION

REPORT = distribution.report(
    "durations",
    "How long do the succeeded backups take, in total and individually?",
    DURATION,
    Kind.SECONDS,
)
