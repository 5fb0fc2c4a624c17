from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.dashboard import gathered as module
from archive.dashboard import tables
from archive.errors import UsageError
from archive.reports import collection
from tests.dashboard import made
from tests.dashboard.made import BROKEN, FLAKY, GONE, GOOD, gathered, run

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.dashboard.gathered import Gathered


def rows(found: Gathered, name: str, days: int | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a table of a page, of the last days or of all."""
    tables = (found.fleet, *found.attention, *found.reports)
    every = {(table.name, table.days): table for table in tables}
    return list(every[name, days].rows)


def test_worst_appliances_come_first(engine: Engine) -> None:
    """Appliances are in the order of the report `appliances`."""
    made.fill(engine)
    found = gathered(engine)
    assert [one.name for one in found.appliances] == [BROKEN, GONE, GOOD, FLAKY]
    assert [one.state for one in found.appliances] == ["overdue", "no recent data", "ok", "ok"]
    assert [one.consecutive_failures for one in found.appliances] == [5, 0, 0, 0]
    assert found.appliances[3].tags == {"site": "london"}
    assert (found.number, found.series, found.others) == (4, {}, {})


def test_tables_match_the_reports(engine: Engine) -> None:
    """The tables of problems equal the reports."""
    made.fill(engine)
    found = gathered(engine)
    assert found.summary == tuple(run(engine, "summary"))
    assert rows(found, "appliances") == [tuple(row[:12]) for row in run(engine, "appliances")]
    stuck = [row.key for row in run(engine, "stuck") if row.stuck]
    assert [row[-1] for row in rows(found, "stuck")] == stuck
    missed = {row[:2] for row in run(engine, "missed", since="2026-06-24", until="2026-06-30")}
    assert {row[:2] for row in rows(found, "missed")} == missed
    odd = {row.key for row in run(engine, "anomalies", since="2026-06-01", until="2026-06-30")}
    assert {row[-1] for row in rows(found, "anomalies")} == odd
    growth = run(engine, "growth")
    assert rows(found, "growth")[0][:3] == (None, *growth[-1][2:4])
    assert len(rows(found, "growth")) == len(growth)
    days = {"since": "2024-07-01", "until": "2026-06-30"}
    assert (found.scope.since, found.scope.until) == tuple(days.values())
    assert [row[0] for row in rows(found, "builds")] == [
        row.build for row in run(engine, "builds", **days)
    ]
    assert rows(found, "collection") == run(engine, "collection", **days)


def test_builds_match_for_each_period(engine: Engine) -> None:
    """For all days, and for each shorter period if the page covers more than it."""
    made.fill(engine)
    found = gathered(engine, since="2026-01-01")
    assert {table.days for table in found.reports} == {None, 30, 90}
    for days, first in ((None, "2026-01-01"), (30, "2026-06-01"), (90, "2026-04-02")):
        expected = [
            (row.build, row.appliances, row.first_day)
            for row in run(engine, "builds", since=first, until="2026-06-30")
        ]
        assert [row[:3] for row in rows(found, "builds", days)] == expected


def test_failures_of_a_large_fleet_are_of_the_last_days(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 30 days and of 90, whatever the page covers, each job under its first message."""
    made.fill(engine)
    monkeypatch.setattr(module, "ALL_UP_TO", 3)
    monkeypatch.setattr(module, "WORST", 2)
    found = gathered(engine, since="2026-01-01")
    for days, first in ((None, "2026-04-02"), (30, "2026-06-01")):
        failed = [
            (row.message_id, row.leading, row.last_time)
            for row in run(engine, "failures", since=first, until="2026-06-30")
        ]
        assert [(row[0], row[1], row[4]) for row in rows(found, "failures", days)] == failed
    few = gathered(engine, since="2026-06-20")
    reported = run(engine, "failures", since="2026-06-20", until="2026-06-30")
    leading = [(row.message_id, row.leading) for row in reported]
    assert [row[:2] for row in rows(few, "failures")] == leading


def test_builds_of_a_large_fleet_are_of_all_days(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the page covers."""
    made.fill(engine)
    monkeypatch.setattr(module, "ALL_UP_TO", 3)
    found = gathered(engine, since="2026-06-20")
    assert [row[0] for row in rows(found, "builds")] == [row.build for row in run(engine, "builds")]


def test_days_and_weeks(engine: Engine) -> None:
    """The last day is today, and each day has the week of the calendar."""
    made.fill(engine)
    found = gathered(engine, since="2026-06-28", until="2026-12-31")
    assert (found.scope.since, found.scope.until) == ("2026-06-28", "2026-06-30")
    assert found.weeks == ("2026-W26", "2026-W27", "2026-W27")
    assert found.unfinished
    assert not gathered(engine, until="2026-06-29").unfinished
    with pytest.raises(UsageError, match="a dashboard shows at most"):
        gathered(engine, since="0001-01-01")


def test_empty_archive(engine: Engine) -> None:
    """An empty archive gives empty tables."""
    found = gathered(engine)
    assert (found.appliances, found.number) == ((), 0)
    assert {len(table.rows) for table in (*found.attention, *found.reports)} == {0}


def test_selected_appliances(engine: Engine) -> None:
    """Only appliances that match the glob are on the page."""
    made.fill(engine)
    found = gathered(engine, appliances=("vc02*",))
    assert [one.name for one in found.appliances] == [FLAKY]
    assert {row[0] for row in rows(found, "collection")} == {FLAKY}


@pytest.mark.parametrize("appliances", [(), ("vc0*",)])
def test_large_fleet_is_summed_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, appliances: tuple[str, ...]
) -> None:
    """Above a number of appliances the worst are shown one by one, with sums of all."""
    made.fill(engine)
    whole = gathered(engine)
    monkeypatch.setattr(module, "ALL_UP_TO", 3)
    monkeypatch.setattr(module, "WORST", 2)
    found = gathered(engine, appliances=appliances)
    assert [one.name for one in found.appliances] == [BROKEN, GONE]
    assert found.number == 4
    assert found.others == {GOOD: {"site": "berlin"}, FLAKY: {"site": "london"}}
    assert len(found.history.days) == sum(whole.history.counts[:2])
    months = {row.period: row for row in found.series["month"]}
    for row in run(engine, "trends", since=found.scope.since, until=found.scope.until):
        assert months[row.period][1:4] == (row.succeeded, row.failed, row.size_total_bytes)
    assert set(found.series) == {"day", "week", "month"}


def test_rows_beyond_the_limit_are_counted() -> None:
    """In all, and by appliance."""
    columns = collection.REPORT.columns
    every = [
        (f"vc{number}", *([None] * (len(columns) - 1))) for number in range(tables.MOST_ROWS + 7)
    ]
    found = tables.table("t", "T", columns, every, ("appliance", "not_reporting"), "none")
    assert (len(found.rows), found.left_out) == (tables.MOST_ROWS, 7)
    assert found.left_of == {f"vc{tables.MOST_ROWS + number}": 1 for number in range(7)}
    found = tables.table("t", "T", columns, every, ("not_reporting",), "none")
    assert found.left_of == {}
