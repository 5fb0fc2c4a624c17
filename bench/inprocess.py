"""Ingest in this process, where start-up time would hide the measured time."""

from __future__ import annotations

import gc
import io
from typing import TYPE_CHECKING

from archive.db import migrate
from archive.ingest.ingest import ingest as run
from archive.ingest.run import Source

if TYPE_CHECKING:
    from pathlib import Path

    from archive.store.counts import Counts

SEEN = "2026-10-01T06:00:00.000000Z"


def ingest(path: Path, url: str, appliance: str | None = None, seen_at: str = SEEN) -> Counts:
    """Archive a file, and return the counts of its documents."""
    gc.set_threshold(50_000)  # as the command does
    engine = migrate.connect(url)
    with io.BufferedReader(io.FileIO(path), 1 << 16) as content:
        return run(engine, Source(path.name, content, appliance, seen_at)).counts
