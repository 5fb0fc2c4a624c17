"""Expected backups in scope, and their outcomes as of its time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from tests.laws.recomputed.expected import Judged, judged, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.laws.recomputed.jobs import Asked, Exported, Row

_WAYS = ("failed", "running", "did not run", "no data")


class Outcome(NamedTuple):
    """The outcome of an expected backup."""

    day: date
    due: str
    basis: str
    outcome: str
    attempts: int
    message: str | None


def missed(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `missed`."""
    today = datetime.fromisoformat(asked.now).date()
    found = outcomes(exported, asked)
    if asked.by == "appliance":
        return [(name, *_counts(rows)) for name, rows in found.items()]
    return [
        (name, one.day.isoformat(), *one[1:], (today - one.day).days)
        for name, rows in found.items()
        for one in rows
        if one.outcome != "met"
    ]


def outcomes(exported: Exported, asked: Asked) -> dict[str, list[Outcome]]:
    """Return the outcomes of the expected backups in scope, in order, by appliance."""
    now = seconds(datetime.fromisoformat(asked.now).replace(tzinfo=None))
    first, last = asked.since or "", asked.until or "9999"
    return {
        name: [one for one in _known(one, now) if first <= one.day.isoformat() <= last]
        for name, one in judged(exported, asked).items()
    }


def instant(at: int | None) -> str | None:
    """Return the instant of seconds since 1970."""
    if at is None:
        return None
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000000Z"


def _known(one: Judged, now: int) -> Iterator[Outcome]:
    """Yield what is due by now and has an outcome."""
    is_missing = now > one.last_import + one.import_limit
    for at, grace, outcome, attempts, message in one.rows:
        if at > now or outcome == "habit changed":
            continue
        if outcome != "met":
            if at + grace <= one.last_import:
                outcome = outcome or "did not run"  # noqa: PLW2901 - the same one, as of now
            elif is_missing:
                outcome = "no data"  # noqa: PLW2901
            else:
                continue
        day = datetime.fromtimestamp(at, UTC).date()
        yield Outcome(day, instant(at) or "", one.basis, outcome, attempts, message)


def _counts(found: Sequence[Outcome]) -> Row:
    ways = Counter(one.outcome for one in found)
    met = ways["met"]
    rate = met / len(found) if found else None
    return (len(found), met, len(found) - met, *(ways[way] for way in _WAYS), rate)
