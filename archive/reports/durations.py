"""Durations of the succeeded backups, in seconds; the columns are those of `core.distribution`.

A duration is what the appliance's document says, or else the time from start to end.
"""

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
