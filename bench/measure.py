"""Compare sides: in one run, in turns, by the medians of the rounds."""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Rows = dict[str, int]


@dataclass(frozen=True)
class Side:
    """One way to do the job; only `run` is timed, `prepare` and `count` are not.

    `run` may return parts of its own time, in seconds. `count` returns the rows of each kind
    afterwards, which must be the same for every side of a comparison.
    """

    name: str
    run: Callable[[], Mapping[str, float] | None]
    count: Callable[[], Rows]
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Measured:
    """A side's seconds for each round, the parts of its time, and its rows."""

    name: str
    seconds: list[float]
    parts: dict[str, list[float]] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The median of the rounds, in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Finding:
    """A figure, its target (None if it has none), and the sides that it comes from.

    `medians` are in seconds.
    """

    what: str
    figure: float
    unit: str
    wanted: float | None = None
    at_most: bool = False
    medians: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Whether the target was met."""
        if self.wanted is None:
            return ""
        reached = self.figure <= self.wanted if self.at_most else self.figure >= self.wanted
        return "reached" if reached else "MISSED"

    def __str__(self) -> str:
        text = f"{self.what:54} {self.figure:8.2f} {self.unit}"
        if self.wanted is None:
            return text
        bound = "at most" if self.at_most else "at least"
        return f"{text}, wanted {bound} {self.wanted:g}: {self.verdict}"


def alternate(sides: Sequence[Side], rounds: int) -> list[Measured]:
    """Run all sides in turns. Raises SystemExit if their rows differ."""
    taken = {side.name: Measured(side.name, []) for side in sides}
    agreed: Rows | None = None
    for turn in range(rounds):
        # The order changes, so that caches and heat affect all sides alike.
        for side in sides if turn % 2 == 0 else reversed(sides):
            side.prepare()
            os.sync()  # so that no side waits for another's writes
            start = time.perf_counter()
            parts = side.run() or {}
            seconds = time.perf_counter() - start
            progress(f"  round {turn + 1} of {rounds}: {side.name}: {seconds:.2f} s")
            counted = side.count()
            agreed = counted if agreed is None else agreed
            if counted != agreed:
                raise SystemExit(
                    f"{side.name} counts other rows than the others: {counted}, {agreed}"
                )
            measured = taken[side.name]
            measured.seconds.append(seconds)
            measured.rows.update(counted)
            for part, value in parts.items():
                measured.parts.setdefault(part, []).append(value)
    return list(taken.values())


def show(sides: Sequence[Measured], number: int, unit: str = "jobs") -> None:
    """Print each side's median, spread and parts, and the rows of all."""
    for side in sides:
        least, most = min(side.seconds), max(side.seconds)
        rate = f"  {number / side.median:10,.0f} {unit}/s" if number else ""
        print(
            f"  {side.name:54} {side.median:8.3f} s  ({least:.3f} to {most:.3f},"
            f" {len(side.seconds)} rounds){rate}"
        )
        for part, seconds in side.parts.items():
            print(f"    {part:52} {statistics.median(seconds):8.3f} s")
    if rows := ", ".join(f"{count:,} {name}" for name, count in sides[0].rows.items()):
        print(f"  counted on each side: {rows}")


def times_as_fast(what: str, sides: Sequence[Measured], wanted: float | None) -> Finding:
    """Find how many times as fast as the second side the first, ours, is."""
    ours, other = sides
    ratio = other.median / ours.median
    return Finding(what, ratio, "times as fast", wanted, medians=medians(sides))


def times_as_long(what: str, sides: Sequence[Measured], wanted: float | None) -> Finding:
    """Find how many times as long as the second side the first, ours, takes."""
    ours, other = sides
    ratio = ours.median / other.median
    return Finding(what, ratio, "times as long", wanted, at_most=True, medians=medians(sides))


def medians(sides: Sequence[Measured]) -> dict[str, float]:
    """Return the median of each side, in seconds."""
    return {side.name: side.median for side in sides}


def progress(sentence: str) -> None:
    """Print progress to standard error; figures go to standard output."""
    print(sentence, file=sys.stderr, flush=True)
