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
from archive.judgement.forecast import NoForecast, forecast, whole_weeks
from archive.maintenance import change_calendar
from archive.reports import Scope
from archive.reports.growth import full_on
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


# Ten weeks of growth by 10 bytes a day, until Sunday, and the Monday before now.
STEADY = daily("2026-05-11", *range(1000, 1710, 10))


def test_fleet(engine: Engine) -> None:
    """Two sizes are too few; jobs without a size are ignored."""
    fleet.load(engine)
    assert rows(engine, "growth", SCOPE) == [
        (BERLIN, 1, 200, *NONE, 1, 200, None,
         "no forecast: 0 weeks with sizes, needs 5"),
        (LONDON, 2, 100, *NONE, 1, 100, None,
         "no forecast: 1 week with sizes, needs 5"),
        (None, 3, 300, *NONE, None, 300, None, "2 of 2 appliances without a forecast"),
    ]  # fmt: skip


def test_steady_growth(engines: list[Engine]) -> None:
    """Constant growth is extrapolated, without a range of uncertainty."""
    small = daily("2026-07-20", 500)
    scope = Scope(capacity_bytes=10_000, keep=3, now=NOW)
    ahead = (2040, 2040, 2040, 2640, 2640, 2640, 5390, 5390, 5390)
    assert both(engines, {"steady": STEADY, "small": small}, "growth", scope) == [
        ("steady", 70, 1690, 300, *ahead, 3, 5070, None, None),
        ("small", 1, 500, *NONE, 3, 1500, None,
         "no forecast: 0 weeks with sizes, needs 5"),
        # 3430 bytes to go after 19 July, at 30 a day.
        (None, 71, 2190, 300, *(size + 500 for size in ahead), None, 6570, "2026-11-11",
         "1 of 2 appliances without a forecast"),
    ]  # fmt: skip


def test_fastest_growth_is_first(engine: Engine) -> None:
    """Shrinking ones are last, and their forecast is never negative."""
    import_documents(engine, daily("2026-05-11", *range(1700, 990, -10)), "down")
    import_documents(engine, STEADY, "up")
    up, down, whole = rows(engine, "growth", SCOPE)
    assert (up[0], up[3], down[0], down[3], whole[3]) == ("up", 300, "down", -300, 0)
    assert down[4:13] == (660, 660, 660, 60, 60, 60, 0, 0, 0)


def test_outliers_do_not_matter(engine: Engine) -> None:
    """A huge backup, an empty one, and one with a negative size hardly change the growth."""
    odd = STEADY | {"105": on("2026-05-20", size=10**12), "118": on("2026-06-02", size=0)}
    odd["126"] = on("2026-06-10", size=-5)
    odd["z"] = on("2027-01-01", size=10**12)  # its start is later than now
    import_documents(engine, odd)
    row = rows(engine, "growth", SCOPE)[0]
    assert row.successes == 69
    assert abs(row.size_bytes - 1690) < 5
    assert abs(row.monthly_growth_bytes - 300) < 10


def test_fleet_adds_up_the_squares_of_errors(engine: Engine) -> None:
    """Appliances err independently of each other."""
    for name, factor in (("a", 1), ("b", 10)):
        sizes = [factor * (1000 + 37 * number % 101) for number in range(100)]
        import_documents(engine, daily("2026-04-10", *sizes), name)
    *own, whole = rows(engine, "growth", SCOPE)
    assert whole.in_90_days_bytes == sum(row.in_90_days_bytes for row in own)
    above = [row.in_90_days_high_bytes - row.in_90_days_bytes for row in (*own, whole)]
    assert min(above) > 0
    assert abs(above[0] ** 2 + above[1] ** 2 - above[2] ** 2) <= 2 * above[2]


def test_new_level_has_no_forecast(engine: Engine) -> None:
    """A level of two whole weeks has not shown yet where it is."""
    import_documents(engine, daily("2026-04-13", *[1000] * 84, *[3000] * 15))
    (row, _) = rows(engine, "growth", SCOPE)
    assert row.note == "no forecast: a new level since 2026-07-09, needs 3 weeks"
    assert row.size_bytes == 3000


def test_old_sizes(engine: Engine) -> None:
    """The last year counts, unless other days are given."""
    import_documents(engine, STEADY | {"old": on("2024-02-29", size=10**12)})
    assert rows(engine, "growth", SCOPE)[0].successes == 70
    assert rows(engine, "growth", Scope(since="2024-02-29", now=NOW))[0].successes == 71
    assert rows(engine, "growth", Scope(until="2026-05-24", now=NOW))[0].successes == 14
    ancient = Scope(now="0001-02-01T00:00:00.000000Z")
    assert rows(engine, "growth", ancient) == []


def test_days_follow_the_calendar(engine: Engine) -> None:
    """With days from 16:00 in Kathmandu, the jobs of a night are on one day."""
    days = [date(2026, 6, 1) + timedelta(days=n) for n in range(45)]
    jobs = {
        str(100 + n): job(start_time=f"{at}T{10 + n % 2:02}:00:00.000Z", size=1000 + 10 * n)
        for n, at in enumerate(days)
    }
    import_documents(engine, jobs)
    change_calendar.change_calendar(engine, calendar.calendar("Asia/Kathmandu", "16:00"))
    with db.reading(engine) as connection:
        found = connection.execute(sa.select(tables.job.c.day).distinct()).all()
    assert len(found) < 45  # 10:15 is 16:00 there, so some days have two
    assert abs(rows(engine, "growth", SCOPE)[0].monthly_growth_bytes - 300) < 20


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
    assert rows(engine, "growth", SCOPE)[0][13:15] == (8, 8 * 1690)
    assert rows(engine, "growth", Scope(keep=2, now=NOW))[0][13:15] == (2, 2 * 1690)


@pytest.mark.parametrize(
    ("kept", "rate", "capacity", "expected"),
    [
        (10, 1, 10, "already"),
        (10, 1, 11, "2026-01-02"),
        (10, 2, 11, "2026-01-02"),
        (10, 0.5, 11, "2026-01-03"),
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
    today = date(2026, 1, 1).toordinal()
    assert full_on(lambda day: kept + rate * (day - today), capacity, today) == expected
    last = date.max.toordinal()
    assert full_on(lambda day: day - last, 1, last) == "never"


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
        assert "of 365 days" in note
        (note,) = reports.find("growth").notes(connection, Scope(since="2026-01-01"))
        assert "since 2026-01-01" in note


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vc1", "vc2"]),
            st.integers(0, 60),
            st.integers(-1, 10**9),
            st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED"]),
        ),
        max_size=40,
    )
)
def test_growth_follows_its_definition(
    engines: list[Engine], jobs: list[tuple[str, int, int, str]]
) -> None:
    """Sizes are those of the successes of the last year, and the fleet adds up."""
    documents: dict[str, dict[str, Any]] = {}
    sizes: dict[str, list[tuple[int, int]]] = {}
    for place, (name, offset, size, status) in enumerate(jobs):
        day = date(2026, 4, 1) + timedelta(days=offset)
        documents.setdefault(name, {})[f"{place:02}"] = on(day.isoformat(), status, size=size)
        if status == "SUCCEEDED" and size >= 0:
            sizes.setdefault(name, []).append((day.toordinal(), size))
    found = both(engines, documents, "growth", SCOPE)
    assert {row.appliance for row in found[:-1]} == set(sizes)
    for row in found[:-1]:
        ordered = sorted(sizes[row.appliance], key=lambda pair: pair[0])
        known = whole_weeks(ordered)
        expected = forecast(known)
        has_none = isinstance(expected, NoForecast)
        assert row.successes == len(ordered if has_none else known)
        if isinstance(expected, NoForecast):
            assert row.note == f"no forecast: {expected.reason}"
            continue
        today = date(2026, 7, 24).toordinal()
        assert row[4:7] == expected.on(today + 30)
        for place in (4, 7, 10):
            assert 0 <= row[place + 1] <= row[place] <= row[place + 2]
    if found:
        whole = found[-1]
        assert whole.retained_bytes == whole.size_bytes == sum(row.size_bytes for row in found[:-1])
        assert whole.monthly_growth_bytes == (
            sum(grown) if (grown := [row[3] for row in found[:-1] if row[3] is not None]) else None
        )
