from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from archive import db, quantile_sketch
from archive.calendar import iso
from archive.dashboard import history
from archive.dashboard.history import OUTCOMES, STATUSES, UNKNOWN
from archive.judgement import expected
from archive.reports import Scope, series
from archive.reports.core import from_totals
from tests.dashboard import made
from tests.reports import fleet
from tests.support.archives import import_documents

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Engine

    from archive.dashboard.history import History

DAYS: dict[str, Any] = {"since": "2026-01-01", "until": "2026-06-30"}


def read(engine: Engine, *names: str) -> History:
    scope = Scope(now=made.NOW, named=frozenset(names), **DAYS)
    with db.reading(engine) as connection:
        return history.read(connection, scope, names)


def test_jobs_match_the_reports(engine: Engine) -> None:
    """Counts and medians by appliance and day equal those of `trends`."""
    made.fill(engine)
    names = (made.BROKEN, made.GOOD, made.GONE, made.FLAKY)
    found = read(engine, *names)
    figures = {
        row[:2]: row for row in made.run(engine, "trends", period="day", by="appliance", **DAYS)
    }
    counted: dict[tuple[str, str], list[int]] = {}
    bounds = pairwise(accumulate(found.counts, initial=0))
    for name, (first, last) in zip(names, bounds, strict=True):
        days = found.days[first:last]
        assert list(days) == sorted(days)
        for job in range(first, last):
            day = iso(found.first + found.days[job])
            counted.setdefault((day, name), [0, 0])[
                STATUSES.index("succeeded") + found.statuses[job]
            ] += 1
            if found.statuses[job] == 0:
                size = figures[day, name].size_median_bytes
                assert abs(quantile_sketch.number_of(found.sizes[job]) - size) <= size / 100
                duration = figures[day, name].duration_median_seconds
                assert (
                    abs(quantile_sketch.number_of(found.durations[job]) - duration)
                    <= duration / 100
                )
    assert counted == {key: [row.succeeded, row.failed] for key, row in figures.items()}


def test_outcomes_match_the_report_missed(engine: Engine) -> None:
    """Each day listed by `missed` has its outcome, and no other day has a bad one."""
    made.fill(engine)
    names = (made.FLAKY, made.GONE, made.BROKEN)
    found = read(engine, *names)
    missed = made.run(engine, "missed", named=frozenset(names), **DAYS)
    outcomes = {row[:2]: row.outcome for row in missed}
    bad = {
        (name, iso(found.first + day)): OUTCOMES[outcome]
        for place, name in enumerate(names)
        for day in range(found.number_of_days)
        if (outcome := found.expected[place * found.number_of_days + day])
        and OUTCOMES[outcome] != expected.MET
    }
    assert bad == outcomes
    assert set(outcomes.values()) == {"failed", "did not run", "no data"}


def test_recent_outcomes_are_those_of_the_history(engine: Engine) -> None:
    """Of the last 30 days, in the order of the names; an unexpected job counts on a day without any other."""
    made.fill(engine)
    import_documents(engine, dict([made.night(3, "FAILED"), made.night(5)]), "rare", made.NOW)
    names = (made.FLAKY, made.GONE, "rare", made.BROKEN)
    found = read(engine, *names)
    with db.reading(engine) as connection:
        recent = history.recent(connection, Scope(now=made.NOW, **DAYS), names)
        empty = history.recent(connection, Scope(now=made.NOW, **DAYS), ("unknown",))
    days = history.RECENT_DAYS
    assert len(recent) == len(names) * days
    for place, name in enumerate(names):
        own = list(recent[place * days : (place + 1) * days])
        if name == "rare":
            ran = {26: OUTCOMES.index(expected.FAILED), 24: OUTCOMES.index(expected.MET)}
            assert own == [ran.get(day, 0) for day in range(days)]
        else:
            end = (place + 1) * found.number_of_days
            assert own == list(found.expected[end - days : end])
    assert empty == bytes(days)


def test_messages_of_failed_jobs(engine: Engine) -> None:
    """Failed jobs have the id and text of their first message; other jobs have none."""
    made.fill(engine)
    found = read(engine, made.BROKEN, made.FLAKY)
    texts = {(made.WICKED, made.HOSTILE), ("disk.full", "The disk of the target is full")}
    assert set(found.messages) == texts
    for job, status in enumerate(found.statuses):
        assert bool(found.message_numbers[job]) == (STATUSES[status] == "failed")


def test_unknown_values_and_statuses(engine: Engine) -> None:
    """Missing values are UNKNOWN; open jobs and unpublished statuses are distinguished."""
    fleet.load(engine)
    found = read(engine, fleet.BERLIN)
    assert [STATUSES[status] for status in found.statuses] == [
        "succeeded",
        "open",
        "other",
        "succeeded",
    ]
    assert [size == UNKNOWN for size in found.sizes] == [False, True, False, True]


def test_many_messages(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of texts only their ids are kept, and long texts are cut."""
    monkeypatch.setattr(history, "MOST_MESSAGES", 2)
    monkeypatch.setattr(history, "LONGEST_MESSAGE", 10)
    texts = ["x" * 11, "one", "two", "three"]
    jobs = [
        made.night(9 - number, "FAILED", **made.failure(text, "id" if number else "long"))
        for number, text in enumerate(texts)
    ]
    import_documents(engine, dict(jobs), "vc01", made.NOW)
    found = read(engine, "vc01")
    said = [found.messages[number - 1] for number in found.message_numbers]
    assert said == [("long", "x" * 9 + "…"), ("id", "one"), ("id", None), ("id", None)]


def test_series_match_the_reports(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Percentiles from day totals are within 1 %, from jobs exact; counts and sums are equal."""
    made.fill(engine)
    scope = Scope(now=made.NOW, **DAYS)
    with db.reading(engine) as connection:
        drawn = series.series(connection, scope, "month")
        monkeypatch.setattr(from_totals, "suffice", lambda _: False)
        exact = series.series(connection, scope, "month")
    sizes = {row.period: row for row in made.run(engine, "sizes", period="month", **DAYS)}
    assert [row[:4] for row in drawn] == [row[:4] for row in exact]
    for one, other in zip(drawn, exact, strict=True):
        assert other.size_p95_bytes == sizes[other.period].p95
        for near, right in zip(one[4:], other[4:], strict=True):
            assert near is not None
            assert right is not None
            assert abs(near - right) <= right / 100
