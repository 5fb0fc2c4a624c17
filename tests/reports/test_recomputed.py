"""Reports on the demonstration, recomputed from its export by other means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from archive import dialects, export, reports
from archive.demo import collection, fleet
from archive.reports import Scope
from tests.archives import deliver, empty
from tests.reports.recomputed.failures import failures
from tests.reports.recomputed.jobs import Asked, Exported
from tests.reports.recomputed.missed import missed
from tests.reports.recomputed.recency import recency
from tests.reports.recomputed.streaks import streaks
from tests.reports.recomputed.summary import summary

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

PLAN = fleet.plan(datetime(2026, 3, 5, 14, 30, tzinfo=UTC))
NOW = "2026-03-05T14:30:00.000000Z"
MIDDLE = "2025-07-17T09:00:00.000000Z"
EVERY_DAY = tuple((appliance.name, 86400) for appliance in PLAN.appliances)
SECOND_DAYS = tuple((appliance.name, 129600) for appliance in PLAN.appliances[::2])
SCOPES = {
    "everything": Asked(NOW),
    "a year": Asked(NOW, "2025-01-01", "2025-12-31"),
    "a glob": Asked(NOW, appliances="vc0?.lon.*"),
    "the middle": Asked(MIDDLE),
    "a glob in the middle": Asked(MIDDLE, until="2025-08-31", appliances="vc*.ber.*"),
    "more than all days": Asked(NOW, since="2024-01-01", until="2026-04-01"),
    "just after midnight": Asked("2025-08-01T00:30:00.000000Z", since="2025-07-01"),
    "until a day": Asked(NOW, until="2025-09-30", appliances="vc02.*"),
    "an objective": Asked(NOW, since="2025-07-01", rpo=30 * 3600),
    "cadences": Asked(NOW, cadences=EVERY_DAY),
    "other cadences": Asked(MIDDLE, since="2025-06-01", cadences=SECOND_DAYS),
}
RECOMPUTED = {
    "recency": recency,
    "streaks": streaks,
    "failures": failures,
    "missed": missed,
    "summary": summary,
}


@pytest.fixture(scope="module")
def archives(sqlite_archive: Engine, postgresql_archive: Engine) -> list[Engine]:
    """Give an archive of the whole demonstration on each database."""
    both = [sqlite_archive, postgresql_archive]
    answers = list(collection.collect(PLAN))
    for engine in both:
        empty(engine)
        for collected in answers:
            deliver(engine, collected.content, collected.appliance, collected.seen_at)
    return both


@pytest.fixture(scope="module")
def exported(archives: list[Engine], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Give its export."""
    path = tmp_path_factory.mktemp("recomputed") / "fleet.jsonl"
    with dialects.reading(archives[0]) as connection, path.open("w") as out:
        out.writelines(export.lines(connection))
    return Exported(path)


def reported(engine: Engine, name: str, asked: Asked) -> list[tuple[Any, ...]]:
    """Return the rows of a report."""
    scope = Scope(
        now=asked.now,
        since=asked.since,
        until=asked.until,
        appliances=() if asked.appliances == "*" else (asked.appliances,),
        objective_seconds=asked.rpo,
        cadences=asked.cadences,
        by=asked.by,
    )
    with dialects.reading(engine) as connection:
        return [tuple(row) for row in reports.run(connection, name, scope)]


CASES = [
    pytest.param(name, asked, id=f"{name} of {scope}{f' by {by}' if by else ''}")
    for name in RECOMPUTED
    for scope, told in SCOPES.items()
    for by in {"failures": (None, "build", "location", "day"), "missed": (None, "appliance")}.get(
        name, (None,)
    )
    for asked in [told._replace(by=by)]
    if asked.rpo is None or "objective_seconds" in reports.find(name).takes
]


@pytest.mark.parametrize(("name", "asked"), CASES)
def test_a_report_says_what_the_export_says(
    archives: list[Engine], exported: Exported, name: str, asked: Asked
) -> None:
    """Every figure is what its definition makes of the exported jobs."""
    expected = RECOMPUTED[name](exported, asked)
    assert expected
    for engine in archives:
        assert reported(engine, name, asked) == expected
