"""Reports on an irregular fleet, recomputed independently from its export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.laws.recomputed.compared import RECOMPUTED, Fleet, archived, cases, reported
from tests.laws.recomputed.jobs import Asked
from tests.reports import rough
from tests.support.laws import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

    from tests.laws.recomputed.jobs import Row

NOW = "2025-06-20T14:30:00.000000Z"
MIDDLE = "2025-05-21T09:00:00.000000Z"
# Half a day, whole days, and values that are rounded.
SECONDS = (86400, 43200, 108000, 129600, 604800, 172800)
CADENCES = tuple((name, SECONDS[n % len(SECONDS)]) for n, name in enumerate(rough.NAMES))
CASES = list(
    cases(
        {
            "everything": Asked(NOW),
            "a week": Asked(NOW, "2025-06-09", "2025-06-15"),
            "a quarter": Asked(NOW, "2025-04-01", "2025-06-30"),
            "a glob in the middle": Asked(MIDDLE, appliances="*[de]*"),
            # Some messages first appeared six and a half days before.
            "the beginning": Asked("2025-02-19T12:00:00.000000Z"),
            "midnight": Asked("2025-05-22T00:30:00.000000Z"),
            "an objective": Asked(NOW, until="2025-05-31", rpo=20 * 3600),
            "cadences": Asked(NOW, cadences=CADENCES),
            "some cadences": Asked(MIDDLE, since="2025-04-07", cadences=CADENCES[::2]),
        }
    )
)


@pytest.fixture(scope="module")
def fleet(
    sqlite_archive: Engine, postgresql_archive: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Give the fleet, archived."""
    folder = tmp_path_factory.mktemp("rough")
    found = archived([sqlite_archive, postgresql_archive], rough.answers(1), folder)
    yield found
    found.exported.close()


@pytest.mark.parametrize(
    ("name", "asked"), [pytest.param(*case[1:], id=case[0]) for case in some(CASES, 10, in_ci=35)]
)
def test_reports_equal_the_recomputed_ones(fleet: Fleet, name: str, asked: Asked) -> None:
    """Every figure equals its definition applied to the exported jobs."""
    expected = _computable(RECOMPUTED[name](fleet.exported, asked))
    assert expected
    for engine in fleet.engines:
        assert _computable(reported(engine, name, asked)) == expected


def _computable(rows: list[Row]) -> list[Row]:
    """Return the rows that an export allows to compute: it does not record imports without changes."""
    return [row for row in rows if row[:2] != ("collection", "long gaps")]
