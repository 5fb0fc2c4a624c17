"""What a fault did to an archive, compared with one that had none."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archive.maintenance import verify
from tests.support.archives import content, import_documents

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from tests.torture.answers import Import


@dataclass
class Tally:
    """How often a fault was tried, and how many jobs were lost, doubled or wrong after it.

    `wrong` counts problems that `archive db verify` finds, too, and commands that did not end as they
    should. `notes` are figures, or what was wrong.
    """

    tried: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        return not (self.lost or self.doubled or self.wrong)

    def is_wrong(self, note: str) -> None:
        """Count one that is wrong."""
        self.wrong += 1
        self.notes.append(note)


@dataclass
class Budget:
    """How long, from the first try on, and how often a fault is tried on one database."""

    seconds: float
    tries: int
    _end: float | None = None

    def lasts(self, tally: Tally) -> bool:
        """Return whether there is time, and a reason, to try again."""
        if self._end is None:
            self._end = time.monotonic() + self.seconds
        return tally.tried < self.tries and time.monotonic() < self._end


def load(engine: Engine, one: Import) -> None:
    """Import without a fault, in this process."""
    import_documents(engine, one.content, one.appliance, one.seen_at, one.name)


def verified(engine: Engine, tally: Tally) -> None:
    """Count what `archive db verify` finds."""
    for problem in verify.verify(engine):
        tally.is_wrong(problem)


def compared(
    engine: Engine, expected: dict[str, Any], tally: Tally, found: dict[str, Any] | None = None
) -> None:
    """Count jobs that are not as in the expected content, and other differences."""
    found = content(engine) if found is None else found
    if found == expected:
        return
    right, stored = _jobs(expected["jobs"]), _jobs(found["jobs"])
    keys, stored_keys = Counter(key for key, _ in right), Counter(key for key, _ in stored)
    tally.lost += sum((keys - stored_keys).values())
    tally.doubled += sum((stored_keys - keys).values())
    differing = {key for key, _ in set(stored) - set(right)} & keys.keys()
    others = [name for name in expected if name != "jobs" and expected[name] != found[name]]
    for one in [*map(str, sorted(differing)), *others]:
        tally.is_wrong(f"{one} differs")


def _jobs(lines: str) -> list[tuple[tuple[str, str], str]]:
    parsed = ((json.loads(line), line) for line in lines.splitlines())
    return [((job["appliance"], job["job"]), line) for job, line in parsed]
