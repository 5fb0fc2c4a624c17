from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import PERIODS
from archive.reports import Scope
from archive.reports.core import from_totals
from archive.reports.core.date_ranges import label_before, of_label
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, on
from tests.support.archives import each, import_documents
from tests.support.command import archive, at
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

COMPARED = ("trends", "success", "volume", "sizes", "durations", "throughput")


def rows(engine: Engine, name: str, scope: Scope) -> list[dict[str, Any]]:
    report = reports.find(name)
    columns = [column.name for column in report.columns_of(scope)]
    with db.reading(engine) as connection:
        found = report.cells_of(scope, reports.run(connection, name, scope))
        return [dict(zip(columns, row, strict=True)) for row in found]


def test_each_row_is_compared_with_the_previous_period(engine: Engine) -> None:
    """A row without a counterpart in the previous period has nothing to compare with."""
    fleet.load(engine)
    found = rows(engine, "success", Scope(compare=True))
    figures = ("period", "jobs", "jobs_before", "jobs_change", "success_rate")
    rates = ("success_rate_before", "success_rate_change", "failed_change")
    assert [tuple(row[name] for name in figures + rates) for row in found] == [
        ("2026-01", 4, None, None, 0.75, None, None, None),
        ("2026-02", 2, 4, -2, None, 0.75, None, -1),
        ("2026-03", 2, 2, 0, 0.0, None, None, 1),
        ("2026-04", 1, 2, -1, 1.0, 0.0, 1.0, -1),
    ]


def test_groups_are_compared_with_themselves(engine: Engine) -> None:
    """A group's row is compared with that of the same group, and rows keep their order."""
    fleet.load(engine)
    found = rows(engine, "volume", Scope("quarter", by="appliance", compare=True))
    assert [
        (row["period"], row["appliance"], row["finished"], row["finished_before"]) for row in found
    ] == [("2026-Q1", BERLIN, 1, None), ("2026-Q1", LONDON, 4, None), ("2026-Q2", BERLIN, 1, 1)]


@pytest.mark.parametrize("since", ["2026-02-01", "2026-02-10", "2026-02-28"])
def test_previous_period_is_complete(engine: Engine, since: str) -> None:
    """The date range limits the rows, but not the periods they are compared with."""
    days = ("2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2026-03-02")
    import_documents(engine, {day: on(day) for day in days})
    found = rows(engine, "success", Scope(since=since, until="2026-03-01", compare=True))
    shown = 2 if since == "2026-02-01" else 1
    assert [(row["period"], row["jobs"], row["jobs_before"]) for row in found] == [
        ("2026-02", shown, 2),
        ("2026-03", 1, 2),
    ]


@pytest.mark.parametrize(
    ("until", "before"), [(None, 2), ("2026-03-20", 2), ("2026-03-01", 1), ("2026-03-31", 2)]
)
def test_period_in_progress_is_compared_with_the_same_days(
    engine: Engine, until: str | None, before: int
) -> None:
    """On 2 March, March is compared with 1 and 2 February, and February with all of January."""
    days = ("2026-01-01", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-20", "2026-03-01")
    import_documents(engine, {day: on(day) for day in days})
    scope = Scope(until=until, compare=True, now="2026-03-02T12:00:00.000000Z")
    found = rows(engine, "success", scope)
    assert [(row["period"], row["jobs"], row["jobs_before"]) for row in found] == [
        ("2026-01", 2, None),
        ("2026-02", 3, 2),
        ("2026-03", 1, before),
    ]
    march = rows(engine, "success", replace(scope, since="2026-03-01"))
    assert march == found[2:]


def test_longer_period_in_progress_is_compared_with_the_whole_shorter_one(engine: Engine) -> None:
    """On 30 March there is no 30 February: all of February counts."""
    import_documents(engine, {day: on(day) for day in ("2026-02-28", "2026-03-01")})
    found = rows(engine, "success", Scope(compare=True, now="2026-03-30T12:00:00.000000Z"))
    assert [row["jobs_before"] for row in found] == [None, 1]


def test_empty_period_counts_as_previous(engine: Engine) -> None:
    """The previous period is that of the calendar, not the last one with jobs."""
    import_documents(engine, {day: on(day) for day in ("2026-01-01", "2026-03-01", "0001-01-01")})
    found = rows(engine, "success", Scope("year", compare=True))
    assert [row["jobs_before"] for row in found] == [None, None]
    found = rows(engine, "success", Scope(compare=True))
    assert [row["jobs_before"] for row in found] == [None, None, None]


def test_columns_of_a_comparison(engine: Engine) -> None:
    """Each main figure has two more columns, with the unit last; a table shows changes as values."""
    fleet.load(engine)
    done = archive("report", "sizes", "--compare", "--format", "csv", at(engine))
    assert done.out.splitlines()[0].split(",")[-4:] == [
        "size_total_before_bytes",
        "size_total_change_bytes",
        "size_median_before_bytes",
        "size_median_change_bytes",
    ]
    import_documents(
        engine, {"x": on("2026-05-01", "FAILED", size=1), "y": on("2026-05-02", size=1000)}
    )
    done = archive("report", "trends", "--compare", "--since", "2026-05", at(engine))
    assert " 100.0 % -50.0 points " in " ".join(done.out.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(), ["2026-03 is not over: compared with the same days of the month before."]),
        (Scope("day", since="2026-02-10"), []),
        (
            Scope(since="2026-02-10", until="2026-02-20"),
            [
                "2026-02 begins on 2026-02-10, but is compared with 2026-01 from its first day.",
                "2026-02 ends on 2026-02-20, but is compared with the whole of 2026-01.",
            ],
        ),
        (Scope(since="2026-02-01", until="2026-02-28"), []),
        (
            Scope("quarter", until="2026-03-01"),
            ["2026-Q1 is not over: compared with the same days of the quarter before."],
        ),
    ],
)
def test_notes_name_rows_of_other_days(engine: Engine, scope: Scope, said: list[str]) -> None:
    """A row of a few days looks like a drop next to a whole period."""
    scope = replace(scope, compare=True, now="2026-03-02T12:00:00.000000Z")
    with db.reading(engine) as connection:
        assert list(reports.find("success").notes(connection, scope))[1:] == said


def test_totals_are_compared_with_totals(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """If day totals answer for a period they answer for the previous one, too."""
    fleet.load(engine)
    exact = rows(engine, "trends", Scope(since="2026-02-01", compare=True))
    monkeypatch.setattr(
        from_totals, "EXACT_UP_TO", 6
    )  # with less than five the rows of jobs are used
    scope = Scope(since="2026-02-01", compare=True)
    with db.reading(engine) as connection:
        note, *_ = reports.find("trends").notes(connection, scope)
    assert note.endswith("percentiles are within 1 %.")
    found = rows(engine, "trends", scope)
    assert [row["size_total_before_bytes"] for row in found] == [
        row["size_total_before_bytes"] for row in exact
    ]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["2025-11-30", "2025-12-29", "2025-12-31", "2026-01-01", "2026-01-08", "2026-02-02"]
            ),
            st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING"]),
            st.sampled_from(["MANUAL", "SCHEDULED"]),
            st.integers(-2, 9),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(PERIODS),
    st.none() | st.sampled_from(["2025-12-30", "2026-01-01", "2026-01-09"]),
    st.none() | st.just("type"),
)
def test_comparison_equals_two_separate_reports(
    engines: list[Engine],
    jobs: list[tuple[str, str, str, int]],
    period: str,
    since: str | None,
    by: str | None,
) -> None:
    """Without the added columns rows are as usual; the added values are a report of that period."""
    documents = {
        str(place): on(day, status, type=kind, size=size, duration=size)
        for place, (day, status, kind, size) in enumerate(jobs)
    }
    scope = Scope(period, since=since, by=by, now="2027-01-01T00:00:00.000000Z")
    for engine in each(engines):
        import_documents(engine, documents)
        for name in COMPARED:
            plain = rows(engine, name, scope)
            found = rows(engine, name, replace(scope, compare=True))
            assert [{key: row[key] for key in plain[0]} for row in found] == plain
            for row in found:
                label = label_before(row["period"], period)
                assert label is not None
                first, last = (day.isoformat() for day in of_label(label))
                alone = rows(engine, name, Scope(period, since=first, until=last, by=by))
                same = [one for one in alone if by is None or one[by] == row[by]]
                for column in reports.find(name).compared:  # type: ignore[attr-defined]
                    unit = next(
                        (
                            u
                            for u in ("_bytes_per_second", "_bytes", "_seconds")
                            if column.endswith(u)
                        ),
                        "",
                    )
                    stem = column.removesuffix(unit)
                    then = same[0][column] if same else None
                    assert row[f"{stem}_before{unit}"] == then
                    now = row[column]
                    change = None if None in (now, then) else pytest.approx(now - then)
                    assert row[f"{stem}_change{unit}"] == change
