"""The history of a fleet over three years: what is imported, and what the appliances answer at its end."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps
from bench import documents
from bench.documents import END, Mix

if TYPE_CHECKING:
    from pathlib import Path

    from bench.documents import Line

# A job a night for three years.
NIGHTS = 1095
TENTHS = 10
# An appliance has forgotten what is older than its last nights.
_REMEMBERED = 14


class Tenth(NamedTuple):
    """A part of the history: a file of JSON Lines, its number of jobs, and when it is imported."""

    path: Path
    jobs: int
    seen_at: str


class History(NamedTuple):
    """A fleet's history in tenths, and the last jobs of each appliance.

    The newest job of `answers` is in no tenth: it is the one that the next collection finds.
    """

    appliances: int
    jobs: int
    tenths: list[Tenth]
    answers: dict[str, list[Line]]


def appliances(jobs: int) -> int:
    """Return how many appliances have about so many jobs."""
    return max(1, round(jobs / NIGHTS))


def after(night: int, hours: int = 6) -> str:
    """Return an instant on the morning after a night; nights count from 0."""
    return timestamps.from_datetime(
        END - timedelta(days=NIGHTS + 1 - night) + timedelta(hours=hours)
    )


def write(folder: Path, jobs: int) -> History:
    """Write the history of a fleet into a folder, night by night."""
    number = appliances(jobs)
    mix = Mix("three years, appliances interleaved", 0, 0, number)
    lines = documents.lines(number * (NIGHTS + 1), mix=mix)
    answers: dict[str, deque[Line]] = defaultdict(lambda: deque(maxlen=_REMEMBERED + 1))
    tenths = []
    ends = [NIGHTS * tenth // TENTHS for tenth in range(TENTHS + 1)]
    for first, last in pairwise(ends):
        path = folder / f"until-{last}.jsonl"
        with path.open("w", encoding="ascii") as file:
            for _ in range((last - first) * number):
                line = next(lines)
                answers[line.appliance].append(line)
                name, key, info = line
                file.write(f'{{"appliance":"{name}","job":"{key}","info":{info}}}\n')
        tenths.append(Tenth(path, (last - first) * number, after(last - 1)))
    for line in lines:
        answers[line.appliance].append(line)
    return History(
        number, number * NIGHTS, tenths, {name: list(own) for name, own in answers.items()}
    )
