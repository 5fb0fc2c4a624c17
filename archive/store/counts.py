"""What became of the documents of a run, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """What became of the documents of a run; `findings` are those of new and changed ones."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    findings: int = 0
    quarantined: int = 0
