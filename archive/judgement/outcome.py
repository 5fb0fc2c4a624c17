"""What became of expected backups, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.expected import DID_NOT_RUN, FAILED, MET, MISSED, NO_DATA, RUNNING

if TYPE_CHECKING:
    from collections import Counter


class TallyRow(NamedTuple):
    """The expected backups of an appliance: expected = met + missed; missed = the four after it.

    `schedule_compliance` is None where nothing was expected.

    CHANGED counts nowhere. The compliance is from 0 to 1.
    """

    appliance: str
    expected: int
    met: int
    missed: int
    failed: int
    running: int
    did_not_run: int
    no_data: int
    schedule_compliance: float | None


def tally(appliance: str, number: Counter[str]) -> TallyRow:
    """Return the tally of an appliance from its numbers of expected backups by outcome.

    Outcomes are MET and those of MISSED.
    """
    return TallyRow(
        appliance,
        number.total(),
        number[MET],
        sum(number[outcome] for outcome in MISSED),
        number[FAILED],
        number[RUNNING],
        number[DID_NOT_RUN],
        number[NO_DATA],
        number[MET] / number.total() if number else None,
    )
