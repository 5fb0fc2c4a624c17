"""How large the succeeded backups are."""

from __future__ import annotations

from archive.columns import Kind
from archive.reports import spread
from archive.reports.parts import SIZE

REPORT = spread.report(
    "sizes", "How large are the succeeded backups, together and each?", SIZE, Kind.BYTES
)
