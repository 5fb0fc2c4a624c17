"""The outcomes of a collection as rows, totals and a sentence.

The counts are those of `archive.store.counts`: of documents in the answers, not of jobs in the
archive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archive.columns import Column, Kind
from archive.store.collection_log import COMPLETE, FAILED, INTERRUPTED, PARTIAL
from archive.store.counts import Counts
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.collect.store_answer import Outcome

# The names of the counts, in the order of their class.
_COUNTS = tuple(asdict(Counts()))
# One row for each appliance that was tried.
COLUMNS = (
    Column("appliance"),
    Column("asked", Kind.INSTANT, expendable=9),
    Column("answered", Kind.INSTANT, expendable=8),
    Column("outcome"),
    *(
        Column(
            name,
            Kind.COUNT,
            optional=name in ("quarantined", "pruned"),
            expendable=0 if name == "new" else 5,
        )
        for name in _COUNTS
    ),
    Column("reason"),
)


def row(outcome: Outcome) -> tuple[Any, ...]:
    """Return the cells of `COLUMNS`; counts are None for an appliance that did not answer."""
    name, asked, answered, ended, reason, _ = outcome.attempt
    counts = [None] * len(_COUNTS) if answered is None else asdict(outcome.counts).values()
    return name, asked, answered, ended, *counts, reason


def totals(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return the number of appliances by outcome, and the sums of their counts.

    An appliance that was not started, because of an interrupt, is in none of them.
    """
    ended: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        ended[outcome.attempt.outcome] += 1
        counts.update(asdict(outcome.counts))
    names = (COMPLETE, PARTIAL, FAILED, INTERRUPTED)
    return {name: ended[name] for name in names} | {name: counts[name] for name in _COUNTS}


def sentence(asked: int, outcomes: Sequence[Outcome]) -> str:
    """Return the totals in one line."""
    counts = totals(outcomes)
    problems = [
        f"{counts[name]:,} {name}" for name in (PARTIAL, FAILED, INTERRUPTED) if counts[name]
    ]
    jobs = [
        f"{counts[name]:,} {name}" for name in _COUNTS if counts[name] or name in ("seen", "new")
    ]
    appliances = ", ".join(
        [f"{counts[COMPLETE]:,} of {counted(asked, 'appliance')} complete", *problems]
    )
    return f"{appliances}; jobs: {', '.join(jobs)}"
