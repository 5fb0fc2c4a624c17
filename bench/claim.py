"""The description of a claim, and the site where it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from bench import documents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.databases import Databases
    from bench.measure import Finding

ROUNDS = 5


@dataclass(frozen=True)
class Site:
    """The site of a measurement: its folder, its databases, and the number of jobs and rounds.

    `scales` are the numbers of jobs of several archives, for a claim that compares them; empty: as the
    claim chooses.
    """

    folder: Path
    databases: Databases
    jobs: int
    rounds: int
    scales: tuple[int, ...] = ()

    @cached_property
    def lines(self) -> Path:
        """The documents as JSON Lines that name their appliances."""
        path = self.folder / f"{self.jobs}.jsonl"
        documents.write_lines(path, self.jobs)
        return path


class Claim(NamedTuple):
    """A claim: its comparison, its target, and its number of jobs, quick and full.

    `measure` prints the figures and returns the findings.
    """

    name: str
    compares: str
    wanted: str
    measure: Callable[[Site], list[Finding]]
    quick: int
    full: int
    rounds: int = ROUNDS
