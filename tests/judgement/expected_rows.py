"""Expected backups of one appliance, written as letters."""

from __future__ import annotations

from archive.judgement.expected import CHANGED, FAILED, MET, RUNNING, Expected
from archive.judgement.local_time import DAY, HOUR, seconds

FIRST = seconds("2026-01-01T02:00")


def row(at: int, outcome: str | None = MET, basis: str = "schedule") -> Expected:
    return Expected(at, basis, HOUR, outcome, None, 0)


def nights(outcomes: str, at: int = FIRST) -> list[Expected]:
    """Return expected backups, a day apart: met, failed, running, not run, or habit changed."""
    known = {"m": MET, "f": FAILED, "r": RUNNING, "-": None, "c": CHANGED}
    return [row(at + place * DAY, known[one]) for place, one in enumerate(outcomes)]
