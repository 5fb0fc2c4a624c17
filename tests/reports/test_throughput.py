from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import PERIODS
from archive.reports import Scope
from archive.reports.core.scope import GROUPS
from archive.reports.throughput import ThroughputRow
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, on
from tests.support.archives import each, import_documents
from tests.support.command import archive, at
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

INT64 = st.integers(-(2**63), 2**63 - 1)


def rows(engine: Engine, scope: Scope | None = None) -> list[tuple[Any, ...]]:
    with db.reading(engine) as connection:
        return list(reports.run(connection, "throughput", scope or Scope()))


def test_throughput(engine: Engine) -> None:
    """January has 600 bytes in 780 seconds; single jobs have 1, 2 and 0 bytes a second."""
    fleet.load(engine)
    assert rows(engine) == [
        ThroughputRow("2026-01", None, 3, 3, 600, 780, 0, 1),
        ThroughputRow("2026-02", None, 0, 0, None, None, None, None),
        ThroughputRow("2026-03", None, 0, 0, None, None, None, None),
        ThroughputRow("2026-04", None, 1, 0, None, None, None, None),
    ]
    assert rows(engine, Scope("year", by="appliance")) == [
        ThroughputRow("2026", BERLIN, 2, 1, 200, 600, 0, 0),
        ThroughputRow("2026", LONDON, 2, 2, 400, 180, 2, 1),
    ]


def test_periods_and_groups_partition_the_jobs(engine: Engine) -> None:
    """In any grouping, all rows together count the same jobs."""
    fleet.load(engine)
    scopes = [Scope(period, by=by) for period in PERIODS for by in (None, *GROUPS)]
    for scope in scopes:
        found = [ThroughputRow(*row) for row in rows(engine, scope)]
        totals = [(row.size_total_bytes or 0, row.duration_total_seconds or 0) for row in found]
        assert sum(row.succeeded for row in found) == 4
        assert sum(row.measured for row in found) == 3
        assert [sum(values) for values in zip(*totals, strict=True)] == [600, 780]


def test_jobs_without_a_rate_are_left_out(engine: Engine) -> None:
    """No duration, one of 0 or below, and a negative size give no rate; a size of 0 gives 0."""
    import_documents(
        engine,
        {
            "0": on("2026-01-01", size=10**12, duration=0),
            "negative": on("2026-01-01", size=10**12, duration=-5),
            "backwards": on("2026-01-01", size=-10, duration=5),
            "unknown": on("2026-01-01", size=10**12, duration=None),
            "unsized": on("2026-01-01", size=None, duration=10),
            "empty": on("2026-01-02", size=0, duration=10),
            "long": on("2026-01-02", size=7 * 86400, duration=2 * 86400),
            "failed": on("2026-01-03", "FAILED", size=10**12, duration=1),
        },
    )
    assert rows(engine, Scope("day")) == [
        ThroughputRow("2026-01-01", None, 5, 0, None, None, None, None),
        ThroughputRow("2026-01-02", None, 2, 2, 604800, 172810, 3, 0),
        ThroughputRow("2026-01-03", None, 0, 0, None, None, None, None),
    ]


def test_table_has_units_per_second(engine: Engine) -> None:
    """Rates are shown in binary units, and exact in other formats."""
    import_documents(engine, {"a": on("2026-01-01", size=3 * 2**30, duration=60)})
    done = archive("report", "throughput", at(engine))
    assert done.out.splitlines()[-1].split()[-4:] == ["51.2", "MiB/s", "51.2", "MiB/s"]
    done = archive("report", "throughput", "--format", "csv", at(engine))
    assert done.out.splitlines()[-1] == "2026-01,1,1,3221225472,60,53687091,53687091"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["SUCCEEDED", "FAILED"]),
            st.none() | st.integers(-1, 9) | INT64,
            st.none() | st.integers(-1, 3) | INT64,
        ),
        min_size=1,
        max_size=30,
    )
)
def test_rates_follow_their_definition(
    engines: list[Engine], jobs: list[tuple[str, int | None, int | None]]
) -> None:
    """The rate is all bytes divided by all seconds, and the median is that of single jobs."""
    good = [(size, duration) for status, size, duration in jobs if status == "SUCCEEDED"]
    measured = [
        (size, duration)
        for size, duration in good
        if size is not None and duration is not None and size >= 0 and duration > 0
    ]
    each_rate = sorted(size // duration for size, duration in measured)
    sizes, durations = (
        (sum(values) for values in zip(*measured, strict=True)) if measured else (0, 0)
    )
    documents = {
        str(place): on("2026-01-01", status, size=size, duration=duration)
        for place, (status, size, duration) in enumerate(jobs)
    }
    expected = ThroughputRow(
        "2026-01",
        None,
        len(good),
        len(measured),
        sizes if measured else None,
        durations if measured else None,
        sizes // durations if measured else None,
        each_rate[(len(each_rate) + 1) // 2 - 1] if measured else None,
    )
    for engine in each(engines):
        import_documents(engine, documents)
        assert rows(engine) == [expected]
