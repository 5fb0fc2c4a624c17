"""How long the succeeded backups take."""

from __future__ import annotations

from archive.columns import Kind
from archive.reports import spread
from archive.reports.parts import DURATION

REPORT = spread.report(
    "durations",
    "How long do the succeeded backups take, together and each?",
    DURATION,
    Kind.SECONDS,
)
