from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import calendar, db, reports
from archive.db import tables
from archive.document import appliance_facts
from archive.errors import UsageError
from archive.judgement import statistics
from archive.maintenance import change_calendar
from archive.reports import Scope, growth
from archive.reports.growth import Growth, full_on
from archive.store import fact_history
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, on
from tests.reports.histories import NOW, both, rows
from tests.support.archives import import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW)
NONE = (None,) * 10


def daily(first: str, *sizes: int | None) -> dict[str, dict[str, Any]]:
    """Return backups with some sizes, one a day."""
    start = date.fromisoformat(first)
    return {
        str(100 + place): on((start + timedelta(days=place)).isoformat(), size=size)
        for place, size in enumerate(sizes)
    }


# 20 days of growth by 10 bytes a day; the median of the last five is that of the 18th.
STEADY = daily("2026-07-01", *range(1000, 1200, 10))


def test_fleet(engine: Engine) -> None:
    """Two sizes are too few; jobs without a size are ignored."""
    fleet.load(engine)
    assert rows(engine, "growth", SCOPE) == [
        (BERLIN, 1, 200, *NONE, 1, 200, None,
         "1 size over 0 days, needs 5 over 14"),
        (LONDON, 2, 100, *NONE, 1, 100, None,
         "2 sizes over 15 days, needs 5 over 14"),
        (None, 3, 300, *NONE, None, 300, None, "2 of 2 appliances without growth"),
    ]  # fmt: skip


def test_steady_growth(engines: list[Engine]) -> None:
    """Constant growth is extrapolated, without a range of uncertainty."""
    small = daily("2026-07-20", 500)
    scope = Scope(capacity_bytes=10_000, keep=3, now=NOW)
    ahead = (1470, 1470, 1470, 2070, 2070, 2070, 4820, 4820, 4820)
    assert both(engines, {"steady": STEADY, "small": small}, "growth", scope) == [
        ("steady", 20, 1170, 300, *ahead, 3, 3510, None, None),
        ("small", 1, 500, *NONE, 3, 1500, None,
         "1 size over 0 days, needs 5 over 14"),
        # 4990 bytes to go, at 30 a day: 167 days after 24 July.
        (None, 21, 1670, 300, *(size + 500 for size in ahead), None, 5010, "2027-01-07",
         "1 of 2 appliances without growth"),
    ]  # fmt: skip


def test_fastest_growth_is_first(engine: Engine) -> None:
    """Shrinking ones are last, and their forecast is never negative."""
    import_documents(engine, daily("2026-07-01", *range(1200, 1000, -10)), "down")
    import_documents(engine, STEADY, "up")
    up, down, whole = rows(engine, "growth", SCOPE)
    assert (up[0], up[3], down[0], down[3], whole[3]) == ("up", 300, "down", -300, 0)
    assert down[4:13] == (730, 730, 730, 130, 130, 130, 0, 0, 0)


def test_outliers_do_not_matter(engine: Engine) -> None:
    """A huge backup, an empty one, and one with a negative size do not change the growth."""
    odd = STEADY | {"105": on("2026-07-06", size=10**12), "110": on("2026-07-11", size=0)}
    odd["112"] = on("2026-07-13", size=-5)
    odd["z"] = on("2027-01-01", size=10**12)  # its start is later than now
    import_documents(engine, odd)
    row = rows(engine, "growth", SCOPE)[0]
    assert (row.successes, row.size_bytes, row.monthly_growth_bytes) == (19, 1170, 300)
    assert row.in_30_days_low_bytes < row.in_30_days_bytes < row.in_30_days_high_bytes


def test_old_sizes(engine: Engine) -> None:
    """The last year counts, unless other days are given."""
    import_documents(engine, STEADY | {"old": on("2024-02-29", size=10**12)})
    assert rows(engine, "growth", SCOPE)[0].successes == 20
    assert rows(engine, "growth", Scope(since="2024-02-29", now=NOW))[0].successes == 21
    assert rows(engine, "growth", Scope(until="2026-07-10", now=NOW))[0].successes == 10
    ancient = Scope(now="0001-02-01T00:00:00.000000Z")
    assert rows(engine, "growth", ancient) == []


def test_days_follow_the_calendar(engine: Engine) -> None:
    """With days from 16:00 in Kathmandu, the jobs of a night are on one day."""
    jobs = {
        str(n): job(start_time=f"2026-07-{n:02}T{10 + n % 2:02}:00:00.000Z", size=1000 + 10 * n)
        for n in range(1, 18)
    }
    import_documents(engine, jobs)
    change_calendar.change_calendar(engine, calendar.calendar("Asia/Kathmandu", "16:00"))
    with db.reading(engine) as connection:
        found = connection.execute(sa.select(tables.job.c.day).distinct()).all()
    assert len(found) < 17  # 10:15 is 16:00 there, so some days have two
    assert rows(engine, "growth", SCOPE)[0].monthly_growth_bytes == 300


def test_retained_copies_follow_the_schedule(engine: Engine) -> None:
    """Their number is that of the enabled schedules in the last answer."""
    one = {"enable": True, "location": "sftp://a", "retention_info": {"max_count": 4}}

    def also(connection: Any, appliance_id: int, schedules: dict[str, Any], at: str) -> None:
        facts = appliance_facts.Facts(None, None, appliance_facts.read_schedules(schedules))
        fact_history.record(connection, appliance_id, facts, at)

    import_documents(engine, STEADY)
    with db.writing(engine) as connection:
        also(connection, 1, {"gone": one, "a": one, "b": one}, "2026-07-01T00:00:00.000000Z")
        off = one | {"enable": False}
        forever = {"enable": True, "location": "sftp://a"}
        now = {"a": one, "b": one, "off": off, "forever": forever}
        also(connection, 1, now, "2026-07-02T00:00:00.000000Z")
    assert rows(engine, "growth", SCOPE)[0][13:15] == (8, 8 * 1170)
    assert rows(engine, "growth", Scope(keep=2, now=NOW))[0][13:15] == (2, 2 * 1170)


@pytest.mark.parametrize(
    ("kept", "rate", "capacity", "expected"),
    [
        (10, 1, 10, "already"),
        (10, 1, 11, "2026-01-02"),
        (10, 2, 11, "2026-01-02"),
        (10, 1, 69, "2026-03-01"),
        (10, 0, 11, "never"),
        (10, -1, 11, "never"),
        (10, 1, 10**6, "never"),
        (0, 0, 0, "already"),
    ],
)
def test_day_when_a_capacity_is_reached(
    kept: int, rate: float, capacity: int, expected: str
) -> None:
    """The day on which it is reached; more than a century ahead is never."""
    assert full_on(kept, rate, capacity, "2026-01-01") == expected
    assert full_on(0, 1, 30_000, "9999-01-01") == "never"


def test_capacity_without_growth(engine: Engine) -> None:
    """Without growth there is no day, unless the capacity is reached already."""
    import_documents(engine, daily("2026-07-20", 500))
    assert rows(engine, "growth", Scope(capacity_bytes=501, now=NOW))[-1].full is None
    assert rows(engine, "growth", Scope(capacity_bytes=500, now=NOW))[-1].full == "already"


@pytest.mark.parametrize(
    "history",
    [{}, {"a": job("RUNNING"), "b": job("PENDING")}, {"a": job("FAILED"), "b": job(size=None)}],
)
def test_no_sizes(engines: list[Engine], history: dict[str, Any]) -> None:
    """Without a success with a size there are no rows."""
    assert both(engines, {"vc": history}, "growth", SCOPE) == []


def test_unsupported_options(engine: Engine) -> None:
    """Only successes count, so statuses cannot be selected."""
    with pytest.raises(UsageError):
        rows(engine, "growth", Scope(statuses=("FAILED",)))


def test_notes_explain_growth(engine: Engine) -> None:
    """The notes say which days growth is computed from."""
    with db.reading(engine) as connection:
        (note,) = reports.find("growth").notes(connection, SCOPE)
        assert "of the last 365 days" in note
        (note,) = reports.find("growth").notes(connection, Scope(since="2026-01-01"))
        assert "since 2026-01-01" in note


SIZES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 10**12) | st.integers(0, 9)), min_size=1
)


@given(SIZES)
def test_number_of_points_is_limited(sizes: list[tuple[int, int]]) -> None:
    """There is at most a given number of points, ideally one a day, in order."""
    sizes.sort(key=lambda pair: pair[0])
    found = growth.points(sizes)
    assert len(found) <= growth.MOST_POINTS
    assert [day for day, _ in found] == sorted({day for day, _ in found})
    if sizes[-1][0] - sizes[0][0] < growth.MOST_POINTS:
        by_day: dict[int, list[int]] = {}
        for day, size in sizes:
            by_day.setdefault(day, []).append(size)
        assert found == [(day, statistics.median(values)) for day, values in by_day.items()]


@given(
    st.integers(-(10**6), 10**6), st.integers(0, 10**12), st.sets(st.integers(0, 300), min_size=15)
)
def test_points_on_a_line_give_the_line(slope: int, size: int, when: set[int]) -> None:
    """On any days, points on a line give the line."""
    found = growth.fit([(day, size + slope * day) for day in sorted(when)])
    assert found == Growth(slope, slope, slope, 0, 0)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vc1", "vc2"]),
            st.integers(0, 40),
            st.integers(-1, 10**9),
            st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED"]),
        ),
        max_size=40,
    )
)
def test_growth_follows_its_definition(
    engines: list[Engine], jobs: list[tuple[str, int, int, str]]
) -> None:
    """Slopes are the medians of all slopes between daily medians, and the fleet adds up."""
    documents: dict[str, dict[str, Any]] = {}
    sizes: dict[str, dict[int, list[int]]] = {}
    for place, (name, offset, size, status) in enumerate(jobs):
        day = date(2026, 6, 1) + timedelta(days=offset)
        documents.setdefault(name, {})[f"{place:02}"] = on(day.isoformat(), status, size=size)
        if status == "SUCCEEDED" and size >= 0:
            sizes.setdefault(name, {}).setdefault(offset, []).append(size)
    found = both(engines, documents, "growth", SCOPE)
    assert {row.appliance for row in found[:-1]} == set(sizes)
    for row in found[:-1]:
        by_day = sizes[row.appliance]
        assert row.successes == sum(map(len, by_day.values()))
        points = {day: sorted(values)[(len(values) - 1) // 2] for day, values in by_day.items()}
        if len(points) < 5 or max(points) - min(points) < 14:
            assert row.monthly_growth_bytes is None
            continue
        slopes = sorted((points[b] - points[a]) / (b - a) for a in points for b in points if a < b)
        assert row.monthly_growth_bytes == round(slopes[(len(slopes) - 1) // 2] * 30)
        for place in (4, 7, 10):
            assert 0 <= row[place + 1] <= row[place] <= row[place + 2]
    if found:
        whole = found[-1]
        assert whole.retained_bytes == whole.size_bytes == sum(row.size_bytes for row in found[:-1])
        assert whole.monthly_growth_bytes == (
            sum(known) if (known := [row[3] for row in found[:-1] if row[3] is not None]) else None
        )
