"""The subject of the mail: the problems of a summary in one line, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.judgement.standing import NEVER
from archive.render.units import percent, text
from archive.reports.period_figures import OTHER, SUCCESS_RATE
from archive.reports.summary import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.reports.summary_row import SummaryRow

# The words for problems that are not named like their row.
_WORDS = {
    NEVER: "without success",
    "consecutive failures": "failing repeatedly",
    OTHER: "in an unknown status",
}
# Characters of a name; mail clients show about 70 of the whole subject.
_LONGEST = 40


def headline(rows: Sequence[SummaryRow], names: Sequence[str], day: str) -> str:
    """Return the subject for a summary of appliances on a day, such as `3 overdue, 7 missed: ...`.

    The result is printable for any names.

    `names` are those of all appliances in scope, also of those that were never imported; `day` is
    an ISO date. Problems come in the order of `PROBLEMS`.
    """
    if not names:
        return f"no data: backups of 0 vCenters, {day}"
    problems = ", ".join(_problems(rows)) or "all OK"
    appliances = f"{len(names):,} vCenters" if len(names) > 1 else _cut(text(names[0]))
    return f"{problems}: backups of {appliances}, {day}"


def _problems(rows: Sequence[SummaryRow]) -> Iterator[str]:
    problems = {(row.section, row.name): row.value or 0 for row in rows if row.problem}
    for place in PROBLEMS:
        value, name = problems.get(place), place[1]
        if value is not None:
            yield (
                f"only {percent(value)} succeeded"
                if name == SUCCESS_RATE
                else f"{value:,.0f} {_WORDS.get(name, name)}"
            )


def _cut(name: str) -> str:
    """Return a name of at most 40 characters."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
