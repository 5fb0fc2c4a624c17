"""Reports on the demonstration, recomputed independently from its export."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from archive.demo import collection, fleet
from tests.laws.recomputed.compared import RECOMPUTED, Answer, Fleet, archived, cases, reported
from tests.laws.recomputed.jobs import Asked
from tests.support.laws import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

NOW = "2026-03-05T14:30:00.000000Z"
# The demo's events are at fractions of its days: this length has room for all of them.
PLAN = fleet.plan(datetime(2026, 3, 5, 14, 30, tzinfo=UTC), days=300)
MIDDLE = "2025-12-03T09:00:00.000000Z"
EVERY_DAY = tuple((appliance.name, 86400) for appliance in PLAN.appliances)
OTHERS = tuple((appliance.name, 129600) for appliance in PLAN.appliances[::2])
CASES = list(
    cases(
        {
            "everything": Asked(NOW),
            "a year": Asked(NOW, "2025-01-01", "2025-12-31"),
            "a glob": Asked(NOW, appliances="vc0?.lon.*"),
            "the middle": Asked(MIDDLE),
            "a glob in the middle": Asked(MIDDLE, until="2025-12-31", appliances="vc*.ber.*"),
            "more than all days": Asked(NOW, "2025-01-01", "2026-04-01"),
            "midnight": Asked("2025-12-08T00:30:00.000000Z", since="2025-11-01"),
            "days until one": Asked(NOW, until="2026-01-31", appliances="vc02.*"),
            "an objective": Asked(NOW, since="2025-10-01", rpo=30 * 3600),
            "cadences": Asked(NOW, cadences=EVERY_DAY),
            "other cadences": Asked(MIDDLE, since="2025-09-01", cadences=OTHERS),
        }
    )
)


@pytest.fixture(scope="module")
def demonstration(
    sqlite_archive: Engine, postgresql_archive: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Give the demonstration, archived."""
    answers = (Answer._make(collected) for collected in collection.collect(PLAN))
    folder = tmp_path_factory.mktemp("demonstration")
    found = archived([sqlite_archive, postgresql_archive], answers, folder)
    yield found
    found.exported.close()


@pytest.mark.parametrize(
    ("name", "asked"), [pytest.param(*case[1:], id=case[0]) for case in some(CASES, 12, in_ci=45)]
)
def test_reports_equal_the_recomputed_ones(demonstration: Fleet, name: str, asked: Asked) -> None:
    """Every figure equals its definition applied to the exported jobs."""
    expected = RECOMPUTED[name](demonstration.exported, asked)
    assert expected
    for engine in demonstration.engines:
        assert reported(engine, name, asked) == expected
