"""A summary in one line, the worst first: what a subject says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.judgement.standing import NEVER
from archive.render.units import text
from archive.reports.summary import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.reports.summary_row import SummaryRow

# The words for one and for several, where they are not the name of the row.
_WORDS = {
    NEVER: ("without success", "without success"),
    "consecutive failures": ("failing repeatedly", "failing repeatedly"),
}
# Characters of a name: what is wrong stands before it, and a list of mails shows some 70.
_LONGEST = 40


def headline(rows: Sequence[SummaryRow], names: Sequence[str], day: str) -> str:
    """Return the line for a summary of appliances as of a day, such as `3 late, 7 missed: ...`.

    It is printable, whatever the names are.
    """
    if not names:
        return f"nothing known: backups of no vCenter, {day}"
    problems = ", ".join(_problems(rows)) or "all well"
    whose = f"{len(names):,} vCenters" if len(names) > 1 else _cut(text(names[0]))
    return f"{problems}: backups of {whose}, {day}"


def _problems(rows: Sequence[SummaryRow]) -> Iterator[str]:
    values = {(row.section, row.name): int(row.value or 0) for row in rows}
    for section, name in PROBLEMS:
        one, several = _WORDS.get(name, (name, name))
        number = values.get((section, name), 0)
        if number:
            yield f"{number:,} {one if number == 1 else several}"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
