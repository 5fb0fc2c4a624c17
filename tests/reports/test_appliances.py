from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.judgement.standing import NEVER, NO_RECENT_DATA, OK, OVERDUE, RETIRED
from archive.reports import Scope
from archive.reports.appliances import AppliancesRow, reason, severity, verdict
from tests.reports.nights import ask, at, night
from tests.support.archives import import_documents

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = at("2026-03-31T12:00")
GIB = 2**30


def rows(engine: Engine) -> dict[str, AppliancesRow]:
    return {row[0]: AppliancesRow._make(row) for row in ask(engine, "appliances", Scope(now=NOW))}


@pytest.mark.parametrize(
    ("state", "failures", "drop", "expected"),
    [
        (OVERDUE, 0, 0, "critical"),
        (NEVER, 0, 0, "critical"),
        (OK, 3, 0, "critical"),
        (NO_RECENT_DATA, 3, 0, "critical"),
        (NO_RECENT_DATA, 2, 99, "no data"),
        (OK, 1, 0, "warning"),
        (OK, 0, 51, "warning"),
        (OK, 0, 50, "ok"),
        (RETIRED, 9, 99, "retired"),
    ],
)
def test_severity(state: str, failures: int, drop: int, expected: str) -> None:
    """What is known to be bad is worse than what is unknown."""
    assert severity(state, failures, drop) == expected


@pytest.mark.parametrize(
    ("state", "failures", "drop", "expected"),
    [
        (NEVER, 9, 0, "never"),
        (OVERDUE, 3, 0, "overdue"),
        (OK, 3, 0, "3 consecutive failures"),
        (OK, 1, 90, "1 failure"),
        (OK, 0, 90, "smaller than expected"),
        (OK, 0, 0, ""),
        (NO_RECENT_DATA, 1, 90, ""),
        (RETIRED, 1, 90, ""),
    ],
)
def test_reason_of_a_severity(state: str, failures: int, drop: int, expected: str) -> None:
    """It never contradicts the severity: a warning is not followed by "ok"."""
    assert reason(state, severity(state, failures, drop), failures) == expected


def test_last_good_backup_of_each_appliance(engine: Engine) -> None:
    """Figures are those of the last success; its size is compared with that of the success before."""
    good = [
        night("2026-03-28T02:00", size=4 * GIB, duration=60),
        night("2026-03-29T02:00", size=5 * GIB, duration=120),
    ]
    bad = [night(f"2026-03-{day}T02:00", "FAILED", size=1, duration=1) for day in (30, 31)]
    import_documents(engine, dict([*good, *bad]), "failing", NOW)
    import_documents(engine, dict(good[1:]), "alone", NOW)
    import_documents(engine, dict(bad[:1]), "never", NOW)
    found = rows(engine)
    assert list(found) == ["never", "failing", "alone"]
    assert found["failing"]._replace(next_due_time=None) == (
        "failing", "warning", "ok", 57 * 3600 + 59 * 60 + 30, "2026-03-29T02:00:30.000000Z",
        5 * GIB, 0.25, 120, None, None, 2, NOW, "20260329-020000-1",
    )  # fmt: skip
    assert found["alone"].size_change_ratio is None
    assert found["never"][1:] == (
        "critical", "never", None, None, None, None, None, None, None, 1, NOW, None,
    )  # fmt: skip


def test_small_last_success_is_a_warning(engine: Engine) -> None:
    """A success of less than half the expected size is worth a look."""
    sizes = [*[8 * GIB] * 20, 3 * GIB]
    jobs = [night(f"2026-03-{day:02}T02:00", size=size) for day, size in enumerate(sizes, 8)]
    import_documents(engine, dict(jobs), "vc", at("2026-03-28T12:00"))
    scope = Scope(now=at("2026-03-28T13:00"))
    (row,) = map(AppliancesRow._make, ask(engine, "appliances", scope))
    assert (row.severity, row.state, row.size_change_ratio) == ("warning", "ok", -0.625)


def test_empty_archive_has_no_rows(engine: Engine) -> None:
    assert rows(engine) == {}


@pytest.mark.parametrize(
    ("severities", "sentence"),
    [
        (["ok"], "The appliance is ok."),
        (["critical"], "The appliance is critical."),
        (["warning", "retired"], "The appliance has a warning."),
        (["no data"], "The appliance has no recent data."),
        (["ok", "critical"], "1 of 2 appliances is critical, 1 is ok."),
    ],
)
def test_verdict_is_a_sentence(severities: list[str], sentence: str) -> None:
    """Also on a single appliance, as a filter or a mail on one has it."""
    assert verdict(severities)[1] == sentence
