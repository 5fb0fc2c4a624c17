from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import calendar, db, reports
from archive.db import tables
from archive.maintenance import change_calendar, verify
from archive.reports.core import from_totals
from archive.reports.core.report import PeriodReport
from archive.reports.core.scope import Scope
from archive.store import day_totals
from tests.support.archives import each, import_documents, rows
from tests.support.laws import EXAMPLES
from tests.support.samples import job
from tests.support.strategies import INT64

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=EXAMPLES,
)
KEYS = [f"2026072{day}-021500-1" for day in range(4)] + ["x"]


def _document(
    status: str, kind: str | None, day: int, size: int | None, duration: int | None
) -> dict[str, Any]:
    start = None if status == "PENDING" else f"2026-0{day % 3 + 1}-1{day}T02:15:00.000Z"
    return job(status, type=kind, start_time=start, size=size, duration=duration)


DOCUMENTS = st.builds(
    _document,
    st.sampled_from(["PENDING", "RUNNING", "SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELED"]),
    st.sampled_from(["SCHEDULED", "MANUAL", None]),
    st.integers(0, 5),
    st.none() | INT64 | st.integers(0, 10**12),
    st.none() | st.integers(0, 10**5),
)
IMPORTS = st.lists(
    st.tuples(
        st.sampled_from(["vc01", "vc02"]),
        st.integers(0, 9),
        st.dictionaries(st.sampled_from(KEYS), DOCUMENTS, min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def differences(engine: Engine) -> int:
    """Return the number of rows of wrong stored totals."""
    with db.reading(engine) as connection:
        return len(day_totals.differences(connection, day_totals.count(connection)))


def run(engine: Engine, name: str, scope: Scope) -> list[tuple[Any, ...]]:
    """Return the rows of a report."""
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, scope))


def period_report(name: str) -> PeriodReport:
    """Return a report by period."""
    report = reports.find(name)
    assert isinstance(report, PeriodReport)
    return report


def is_exact(connection: Connection, name: str, scope: Scope) -> bool:
    """Return whether a report's percentiles are exact."""
    return period_report(name).is_exact(connection, scope)


def from_jobs(engine: Engine, name: str, scope: Scope) -> list[tuple[Any, ...]]:
    """Return the rows of a report computed from the jobs."""
    report = period_report(name)
    with db.reading(engine) as connection:
        return [report.row(row) for row in connection.execute(report.select(scope, None))]


@shared
@given(IMPORTS)
def test_totals_equal_those_of_the_jobs(engines: list[Engine], imports: list[Any]) -> None:
    """After any imports, in any order, the totals are those of the jobs."""
    for engine in each(engines):
        for appliance, hour, jobs in imports:
            import_documents(engine, jobs, appliance, f"2026-07-2{hour}T00:00:00.000000Z")
            assert differences(engine) == 0


@shared
@given(
    IMPORTS,
    st.builds(
        Scope,
        period=st.sampled_from(calendar.PERIODS),
        since=st.none() | st.sampled_from(["2026-01-12", "2026-02-01"]),
        until=st.none() | st.sampled_from(["2026-02-28", "2026-07-01"]),
        types=st.sampled_from([(), ("SCHEDULED",)]),
        by=st.sampled_from([None, "type"]),
    ),
)
def test_totals_and_jobs_give_the_same_report(
    engines: list[Engine], imports: list[Any], scope: Scope
) -> None:
    """Counts and sums from the totals equal those from the jobs, percentiles are within 1 %."""
    found = []
    for engine in each(engines):
        for appliance, _, jobs in imports:
            import_documents(engine, jobs, appliance)
        assert run(engine, "volume", scope) == from_jobs(engine, "volume", scope)
        found.append([roughly(engine, *report, scope) for report in ROUGH])
    assert found[0] == found[1]


# Reports that use sketches, and the number of values of a row that are exact all the same.
ROUGH = (("trends", 9), ("sizes", 4), ("durations", 4), ("throughput", 7))


def roughly(engine: Engine, name: str, number: int, scope: Scope) -> list[Any]:
    """Return a report from the totals, after checking it against that from the jobs."""
    exact = from_jobs(engine, name, scope)
    assert run(engine, name, scope) == exact
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(from_totals, "EXACT_UP_TO", 0)
        rough = run(engine, name, scope)
    assert [row[:number] for row in rough] == [row[:number] for row in exact]
    for one, other in zip(rough, exact, strict=True):
        for value, wanted in zip(one[number:], other[number:], strict=True):
            assert (value is None) == (wanted is None)
            assert value is None or abs(value - wanted) * 100 <= abs(wanted)
    return rough


def test_changed_calendar_moves_the_totals(engine: Engine) -> None:
    """When jobs get other days, their totals follow."""
    import_documents(engine, {KEYS[0]: job(start_time="2026-03-01T02:15:00.000Z")})
    change_calendar.change_calendar(engine, calendar.Calendar("UTC", "16:00"))
    assert differences(engine) == 0
    assert rows(engine, sa.select(tables.day_total.c.day)) == [("2026-02-28",)]


def test_wrong_totals_are_found_and_rebuilt(engine: Engine) -> None:
    """A wrong total is reported, and rebuilding fixes it."""
    import_documents(engine, {KEYS[0]: job(), KEYS[1]: job("FAILED")})
    with db.writing(engine) as connection:
        connection.execute(sa.update(tables.day_total).values(jobs=7))
    found = list(verify.verify(engine))
    assert len(found) == 2
    assert all(one.endswith(": wrong jobs: run `archive db rebuild`") for one in found)
    with db.writing(engine) as connection:
        assert day_totals.rebuild(connection) == 2
    assert list(verify.verify(engine)) == []


def test_small_numbers_are_exact(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals are used only for many jobs, and only if they have the requested groups."""
    import_documents(engine, {KEYS[0]: job(), KEYS[1]: job("FAILED")})
    monkeypatch.setattr(from_totals, "EXACT_UP_TO", 0)
    with db.reading(engine) as connection:
        assert not is_exact(connection, "trends", Scope())
        assert not is_exact(connection, "sizes", Scope())
        assert not is_exact(connection, "throughput", Scope())
        assert is_exact(connection, "throughput", Scope(by="appliance"))
        assert is_exact(connection, "volume", Scope())
        assert is_exact(connection, "trends", Scope(by="build"))
        assert is_exact(connection, "trends", Scope(appliances=("vc*",)))
        monkeypatch.setattr(from_totals, "EXACT_UP_TO", 2)
        assert is_exact(connection, "trends", Scope())


def test_volume_uses_totals_where_possible(engine: Engine) -> None:
    """Counts and sums are read from the totals for any number of jobs, if the groups allow."""
    import_documents(engine, {KEYS[0]: job(size=5, duration=7)})
    with db.writing(engine) as connection:
        connection.execute(sa.update(tables.day_total).values(size_low=6))
    assert [row[8:] for row in run(engine, "volume", Scope())] == [(6, 7)]
    assert [row[8:] for row in run(engine, "volume", Scope(by="build"))] == [(5, 7)]


def test_many_jobs_are_counted_exactly() -> None:
    """Values that are buffered and counted together are counted once each; removed ones are gone."""
    some = [day_totals.Contribution("2026-01-01", "", "SUCCEEDED", 10**9, n) for n in range(1000)]
    counted = day_totals.Totals()
    for contribution in some:
        counted.add(contribution)
    for contribution in some[300:]:
        counted.add(contribution, -1)
    few = day_totals.Totals()
    for contribution in some[:300]:
        few.add(contribution)
    assert counted.rows() == few.rows()
    high, low = divmod(300 * 10**9, 2**32)
    assert few.rows()[0] == [
        (
            "2026-01-01", "", "SUCCEEDED", 300, 300, high, low, 300, 0, sum(range(300)),
            299, *divmod(299 * 10**9, 2**32), 0, sum(range(300)),
        )
    ]  # fmt: skip


def test_jobs_that_exchange_their_sizes_change_the_rated_sums(engine: Engine) -> None:
    """Sizes and rates may be the same as before, and still the sum over jobs with a rate is not."""
    for one, other in (((1000, 2), (1001, None)), ((1001, 2), (1000, None))):
        jobs = {
            key: job(size=size, duration=duration, end_time=None)
            for key, (size, duration) in zip(KEYS, (one, other), strict=False)
        }
        import_documents(engine, jobs)
        assert differences(engine) == 0
