"""Measuring sides against each other: in one run, taking turns, medians of the rounds."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 5


class Side(NamedTuple):
    """One way to do the job: `prepare` is not timed, `run` is. `run` returns how many rows it has
    made or read, which every side of a comparison must agree on.
    """

    name: str
    run: Callable[[], int]
    prepare: Callable[[], None] = lambda: None


class Measured(NamedTuple):
    """What a side took, in seconds, and the rows it counted."""

    name: str
    seconds: list[float]
    rows: int

    @property
    def median(self) -> float:
        """The median of the rounds, in seconds."""
        return statistics.median(self.seconds)


def alternate(sides: Sequence[Side], rounds: int = ROUNDS) -> list[Measured]:
    """Run all sides in turns. Raises SystemExit if they do not agree on the rows."""
    taken: dict[str, list[float]] = {side.name: [] for side in sides}
    rows: dict[str, int] = {}
    for turn in range(rounds):
        # Whatever warms or tires the machine meets each side as often in each place.
        for side in sides if turn % 2 == 0 else reversed(sides):
            side.prepare()
            start = time.perf_counter()
            rows[side.name] = side.run()
            taken[side.name].append(time.perf_counter() - start)
    if len(set(rows.values())) != 1:
        raise SystemExit(f"the sides do not agree on the rows: {rows}")
    return [Measured(side.name, taken[side.name], rows[side.name]) for side in sides]


def tell(claim: str, wanted: float, ours: Measured, other: Measured, unit: str = "jobs") -> float:
    """Print both medians with their spread, and how many times faster ours is; return that."""
    ratio = other.median / ours.median
    print(f"\n{claim}")
    for side in (ours, other):
        least, most = min(side.seconds), max(side.seconds)
        print(
            f"  {side.name:44} {side.median:9.3f} s  ({least:.3f} to {most:.3f},"
            f" {len(side.seconds)} rounds)  {side.rows / side.median:12,.0f} {unit}/s"
            f"  {side.rows:,} {unit}"
        )
    print(f"  ratio {ratio:.2f}, wanted {wanted:g}: {'reached' if ratio >= wanted else 'MISSED'}")
    return ratio
