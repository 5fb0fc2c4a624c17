"""The RPO of an appliance: how old its last success may become, and where that comes from."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import expected, schedules
from archive.judgement.due_times import CADENCE
from archive.judgement.local_time import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.judgement.due_times import Known
    from archive.judgement.expected import Expected

# Where the RPO comes from besides the basis of expected backups: set by the user, or derived from the
# longest of the irregular gaps between successes, or nothing is expected.
SET, IRREGULAR, NOTHING = "rpo", "irregular", "none"
# What is due lately: at most so many backups, from so long before the last import on.
LATEST, RECENT = 60, 42 * DAY
# Irregular appliances are overdue after twice their longest gap.
_LEAST_GAPS, _TIMES = 3, 2
# Backups by hand on one afternoon do not ask for another one on the same day.
_LEAST_IRREGULAR = 25 * HOUR


class Rpo(NamedTuple):
    """How old the last success may become, in seconds (None: any age), and where that comes from.

    `source` is SCHEDULE, CADENCE, LEARNED, SET, IRREGULAR or NOTHING.
    """

    seconds: int | None
    source: str

    @property
    def age_limit(self) -> int | None:
        """The age in seconds that makes an appliance overdue; due times tell where they are known."""
        return self.seconds if self.source in (SET, IRREGULAR) else None


def rpo(
    configured: int | None,
    known: Known,
    found: Sequence[Expected],
    last_seen: int,
    successes: Callable[[], Sequence[int]],
) -> Rpo:
    """Return the RPO: as configured, else that of what is expected, else that of the gaps.

    `successes` returns the starts of the latest successes, in order; it is called only where nothing is
    expected. All instants are in seconds.
    """
    if configured is not None:
        return Rpo(configured, SET)
    if (
        implied := of_expected(found, last_seen, expected.longest_gap(known, last_seen))
    ) is not None:
        return implied
    if schedules.known_from(known.schedules) is not None or known.retired:
        return Rpo(None, NOTHING)
    return of_gaps(successes())


def of_expected(found: Sequence[Expected], last_seen: int, longest: int | None) -> Rpo | None:
    """Return the RPO that expected backups imply: the longest time between two of them, and the grace.

    If only one is known, or it is a cadence, that is `longest`. None if nothing is due after the last
    import.
    """
    place = bisect_left(found, last_seen + 1, key=lambda one: one.at)
    if place == len(found):
        return None
    since = bisect_left(found, last_seen - RECENT, key=lambda one: one.at)
    lately = found[max(min(since, place - 1), place - LATEST, 0) :]
    gaps = [after.at - before.at for before, after in pairwise(lately)]
    # An early success brings the next due time of a cadence forward.
    gap = longest if found[place].basis == CADENCE else max(gaps, default=longest)
    return Rpo(None if gap is None else gap + lately[-1].grace, found[place].basis)


def of_gaps(successes: Sequence[int]) -> Rpo:
    """Return the RPO of an appliance without a rhythm, from the starts of its latest successes."""
    between = [after - before for before, after in pairwise(successes)]
    if len(between) < _LEAST_GAPS:
        return Rpo(None, NOTHING)
    return Rpo(max(_TIMES * max(between), _LEAST_IRREGULAR), IRREGULAR)
