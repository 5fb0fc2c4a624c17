"""The number of documents of an import, by result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """The number of documents of an import, by result.

    `findings` counts the findings of new and changed documents. `pruned` are those of jobs that were
    pruned, or would have been.
    """

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    findings: int = 0
    quarantined: int = 0
    pruned: int = 0
