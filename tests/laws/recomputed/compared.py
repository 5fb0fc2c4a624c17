"""Compare reports with the same figures recomputed from an export of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive import db, reports
from archive.export import text
from archive.reports import Scope
from tests.laws.recomputed.anomalies import anomalies
from tests.laws.recomputed.failures import failures
from tests.laws.recomputed.jobs import Asked, Exported
from tests.laws.recomputed.missed import missed
from tests.laws.recomputed.rpo import rpo
from tests.laws.recomputed.streaks import streaks
from tests.laws.recomputed.summary import summary
from tests.support.archives import empty, import_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.laws.recomputed.jobs import Row

RECOMPUTED = {
    "rpo": rpo,
    "streaks": streaks,
    "failures": failures,
    "missed": missed,
    "summary": summary,
    "anomalies": anomalies,
}
_HEED_CADENCES = ("rpo", "missed", "summary")
_GROUPS: dict[str, tuple[str | None, ...]] = {
    "failures": (None, "build", "location", "day"),
    "missed": (None, "appliance"),
}


class Answer(NamedTuple):
    """The jobs of one answer of an appliance, and its time."""

    appliance: str
    seen_at: str
    content: bytes | dict[str, Any]


class Fleet(NamedTuple):
    """The archives of a fleet, one on each database, and their exports."""

    engines: list[Engine]
    exported: Exported


def archived(engines: list[Engine], answers: Iterable[Answer], folder: Path) -> Fleet:
    """Return a fleet archived from its answers, which replace the previous content."""
    in_order = list(answers)
    texts = []
    for engine in engines:
        empty(engine)
        for answer in in_order:
            import_documents(engine, answer.content, answer.appliance, answer.seen_at)
        with db.reading(engine) as connection:
            texts.append("".join(text.lines(connection)))
    assert texts[0] == texts[-1]
    lines = folder / "fleet.jsonl"
    lines.write_text(texts[0])
    return Fleet(engines, Exported(lines))


def cases(scopes: Mapping[str, Asked]) -> Iterator[tuple[str, str, Asked]]:
    """Yield each case: its label, the report, and its scope, in all groupings."""
    for name in RECOMPUTED:
        for title, asked in scopes.items():
            if asked.rpo is not None and "rpo_seconds" not in reports.find(name).takes:
                continue
            if asked.cadences and name not in _HEED_CADENCES:
                continue
            for by in _GROUPS.get(name, (None,)):
                grouped = f"{name} by {by}" if by else name
                yield f"{grouped} of {title}", name, asked._replace(by=by)


def reported(engine: Engine, name: str, asked: Asked) -> list[Row]:
    """Return the rows of a report."""
    scope = Scope(
        now=asked.now,
        since=asked.since,
        until=asked.until,
        appliances=() if asked.appliances == "*" else (asked.appliances,),
        rpo_seconds=asked.rpo,
        cadences=asked.cadences,
        by=asked.by,
    )
    with db.reading(engine) as connection:
        return [tuple(row) for row in reports.run(connection, name, scope)]
