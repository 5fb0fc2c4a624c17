from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import PERIODS
from archive.db import tables
from archive.reports.core import from_months
from archive.reports.core.from_months import Parts, parts
from archive.reports.core.report import PeriodReport
from archive.reports.core.scope import GROUPS, Scope
from tests.reports import fleet
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DAYS = ("2026-01-31", "2026-02-01", "2026-02-14", "2026-02-28", "2026-03-01", "2026-04-15")
BUILDS = (
    None,
    {"version_name": "8.0 U3", "version": "8.0.3", "build_number": "1"},
    # One label, two builds.
    {"version_name": "8.0 Update 3", "version": "8.0.3", "build_number": "1"},
)
DOCUMENTS = st.builds(
    lambda day, status, kind, size, build, location: job(
        status, type=kind, size=size, duration=size, build=build, location=location,
        start_time=f"{day}T12:00:00.000Z",
    ),
    st.sampled_from(DAYS),
    st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING", "SKIPPED"]),
    st.sampled_from(["SCHEDULED", "MANUAL", None]),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(BUILDS),
    st.sampled_from([None, "sftp://nas.example.com/a", "sftp://nas.example.com/b"]),
)  # fmt: skip
SCOPES = st.builds(
    Scope,
    period=st.sampled_from(PERIODS),
    since=st.none() | st.sampled_from(["2026-01-01", "2026-01-31", "2026-02-14"]),
    until=st.none() | st.sampled_from(["2026-02-28", "2026-03-01", "2026-04-16"]),
    by=st.none() | st.sampled_from(GROUPS),
    appliances=st.sampled_from([(), ("vc01",)]),
    types=st.sampled_from([(), ("SCHEDULED",)]),
    statuses=st.sampled_from([(), ("FAILED", "RUNNING")]),
    builds=st.sampled_from([(), ("8.0.3",)]),
    locations=st.sampled_from([(), ("*/a",)]),
)


def from_jobs(engine: Engine, name: str, scope: Scope) -> list[tuple[Any, ...]]:
    """Return the rows of a report from the jobs alone."""
    report = reports.find(name)
    assert isinstance(report, PeriodReport)
    with db.reading(engine) as connection:
        query = report.select(scope, scope.appliance_ids(connection))
        return [report.row(row) for row in connection.execute(query)]


def from_totals(engine: Engine, name: str, scope: Scope) -> list[tuple[Any, ...]]:
    """Return the rows of a report from month totals."""
    report = reports.find(name)
    assert isinstance(report, PeriodReport)
    assert report.from_months is not None
    with db.reading(engine) as connection:
        query = report.from_months(scope, scope.appliance_ids(connection))
        return [report.row(row) for row in connection.execute(query)]


@settings(
    max_examples=EXAMPLES * 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(st.sampled_from("abcdef"), DOCUMENTS, min_size=1),
    st.dictionaries(st.sampled_from("abc"), DOCUMENTS),
    SCOPES,
)
def test_months_and_jobs_give_the_same_report(
    engines: list[Engine], one: dict[str, Any], other: dict[str, Any], scope: Scope
) -> None:
    """Whole months and the days around them add up to what the jobs say, for any filter and group."""
    if not from_months.suffice(scope):
        return
    for engine in each(engines):
        import_documents(engine, one, "vc01")
        import_documents(engine, other, "vc02")
        for name in ("success", "volume"):
            assert from_totals(engine, name, scope) == from_jobs(engine, name, scope)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, Parts("0001-01", "9999-12", ())),
        ("2026-01-01", "2026-01-31", Parts("2026-01", "2026-01", ())),
        ("2026-01-02", None, Parts("2026-02", "9999-12", (("2026-01-02", "2026-01-31"),))),
        (None, "2024-02-28", Parts("0001-01", "2024-01", (("2024-02-01", "2024-02-28"),))),
        (
            "2025-12-31",
            "2026-03-30",
            Parts(
                "2026-01", "2026-02", (("2025-12-31", "2025-12-31"), ("2026-03-01", "2026-03-30"))
            ),
        ),
        ("2026-01-02", "2026-02-27", None),
        ("2026-01-02", "2026-01-03", None),
        ("9999-12-02", None, None),
        (None, "0001-01-30", None),
    ],
)
def test_days_are_whole_months_and_the_rest(
    since: str | None, until: str | None, expected: Parts | None
) -> None:
    """Months count as a whole only if all of their days are in scope."""
    assert parts(Scope(since=since, until=until)) == expected


@pytest.mark.parametrize("name", ["success", "volume"])
def test_reports_read_month_totals(engine: Engine, name: str) -> None:
    """Groups that day totals do not have come from month totals, unless a row is a day or a week."""
    fleet.load(engine)
    with db.writing(engine) as connection:
        connection.execute(sa.delete(tables.appliance_month))

    def number(scope: Scope) -> int:
        with db.reading(engine) as connection:
            return len(list(reports.run(connection, name, scope)))

    assert number(Scope(by="build")) == 0
    assert number(Scope("week", by="build")) > 0
    assert number(Scope(since="2026-01-02", until="2026-01-30", by="build")) > 0
