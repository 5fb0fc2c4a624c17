"""What became of expected days, counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.expected import FAILED, MET, MISSED, NEVER_RAN, NEVER_SEEN, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archive.judgement.expected import Expectation


class TallyRow(NamedTuple):
    """The expected days of an appliance: expected = met + missed; missed = the four after it.

    `met_rate` is None where nothing was expected.
    """

    appliance: str
    expected: int
    met: int
    missed: int
    failed: int
    running: int
    never_ran: int
    never_seen: int
    met_rate: float | None


def tally(appliance: str, expectations: Iterable[Expectation]) -> TallyRow:
    """Return the tally of expected days."""
    number = Counter(one.outcome for one in expectations)
    return TallyRow(
        appliance,
        number.total(),
        number[MET],
        sum(number[outcome] for outcome in MISSED),
        number[FAILED],
        number[RUNNING],
        number[NEVER_RAN],
        number[NEVER_SEEN],
        number[MET] / number.total() if number else None,
    )
