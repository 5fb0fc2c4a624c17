from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.reports import Scope
from archive.reports.core import from_totals
from tests.reports.nights import DAILY, ask, at, csv, night, notes, tell
from tests.support.archives import import_documents
from tests.support.command import archive
from tests.support.command import at as place

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = at("2026-03-31T12:00")
DAY = 86_400


def figures(engine: Engine, section: str, scope: Scope | None = None) -> dict[str, tuple[Any, ...]]:
    """Return the value, the previous one, the change and the detail of a section's rows by name."""
    rows = ask(engine, "summary", scope or Scope(now=NOW))
    return {row[1]: (*row[3:6], row[7]) for row in rows if row[0] == section}


def trends(engine: Engine, scope: Scope | None = None) -> dict[tuple[str, str], Any]:
    """Return the trends of the rows that have one."""
    rows = ask(engine, "summary", scope or Scope(now=NOW))
    return {row[:2]: row[6] for row in rows if row[6] is not None}


def test_empty_archive(engine: Engine) -> None:
    """Counts are 0, and other values are NULL."""
    nothing: tuple[Any, ...] = (0, 0, 0, (0,) * 30, None, False)
    unknown: tuple[Any, ...] = (None, None, None, None, None, False)

    def only(value: int, detail: str | None) -> tuple[Any, ...]:
        return (value, None, None, None, detail, False)

    assert ask(engine, "summary", Scope(now=NOW)) == [
        (
            "attention",
            "overdue",
            "count",
            *only(0, "last success older than the RPO"),
        ),
        ("attention", "never", "count", *only(0, "no success yet")),
        ("attention", "no recent data", "count", *only(0, "no import recent enough to judge")),
        (
            "attention",
            "consecutive failures",
            "count",
            0,
            0,
            0,
            None,
            "3 or more in a row",
            False,
        ),
        ("backups", "appliances", "count", 0, 0, 0, None, None, False),
        ("backups", "finished", "count", *nothing),
        ("backups", "failed", "count", *nothing),
        ("backups", "open", "count", 0, 0, 0, None, None, False),
        ("backups", "success rate", "ratio", *unknown),
        ("data", "transferred", "bytes", *unknown),
        ("data", "median", "bytes", *unknown),
        ("data", "p95", "bytes", *unknown),
        ("time", "median", "seconds", *unknown),
        ("time", "p95", "seconds", *unknown),
        ("expected", "backups", "count", *nothing),
        ("expected", "missed", "count", *nothing),
        ("expected", "schedule compliance", "ratio", *unknown),
        ("collection", "not reporting", "count", *only(0, None)),
        ("collection", "long gaps", "count", *only(0, "between imports")),
    ]


# The days with a job: 30 days are from 2 to 31 March, and the previous ones from 31 January.
EDGES = ("2026-01-30", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2026-03-02")


@pytest.mark.parametrize(
    ("asked", "finished", "said"),
    [
        ({}, (1, 3 + 1, -3), "2026-03-02 to 2026-03-31, compared with 2026-01-31 to 2026-03-01"),
        (
            {"since": "2026-03-01"},  # until today, the last of the month: that is March
            (2, 2, 0),
            "2026-03-01 to 2026-03-31, compared with 2026-02-01 to 2026-02-28",
        ),
        (
            {"since": "2026-03-01", "until": "2026-03-02"},
            (2, 1, 1),
            "2026-03-01 to 2026-03-02, compared with 2026-02-27 to 2026-02-28",
        ),
        (
            {"since": "2026-03-02", "until": "2026-03-02"},
            (1, 1, 0),
            "2026-03-02 to 2026-03-02, compared with 2026-03-01 to 2026-03-01",
        ),
        (
            {"until": "2026-03-01"},
            (4, 1, 3),
            "2026-01-31 to 2026-03-01, compared with 2026-01-01 to 2026-01-30",
        ),
        (
            {"since": "2026-01-01"},  # no quarter, as the last day is today
            (6, 0, 6),
            "2026-01-01 to 2026-03-31, compared with 2025-10-01 to 2025-12-31",
        ),
        (
            {"since": "2027-01-01"},  # later than today
            (0, 0, 0),
            "2027-01-01 to 2027-01-01, compared with 2026-12-31 to 2026-12-31",
        ),
        (
            {"since": "0001-01-01", "until": "2026-03-31"},
            (6, None, None),
            "0001-01-01 to 2026-03-31",
        ),
    ],
)
def test_default_date_range(
    engine: Engine, asked: dict[str, str], finished: tuple[Any, ...], said: str
) -> None:
    """The default is 30 days; the previous range is as long, or the previous calendar period."""
    import_documents(engine, dict(night(f"{day}T02:00") for day in EDGES), "vc", NOW)
    scope = Scope(now=NOW, **asked)  # type: ignore[arg-type]  # of the fields that are texts
    assert figures(engine, "backups", scope)["finished"] == (*finished, None)
    (note,) = notes(engine, "summary", scope)
    assert note == (
        f"{said}; days start at 00:00 UTC; percentiles are exact. As of 2026-03-31 12:00:00Z."
    )


def test_no_comparison_without_a_previous_period(engine: Engine) -> None:
    """Before the first day there is nothing, and no row has a previous value."""
    import_documents(engine, dict([night("2026-03-01T02:00")]), "vc", NOW)
    scope = Scope(now=NOW, since="0001-01-01")
    assert {row[4:6] for row in ask(engine, "summary", scope)} == {(None, None)}


def test_figures_cover_the_given_days(engine: Engine) -> None:
    """Sizes and durations are of successes; the rate ignores open jobs; each has a previous value."""
    jobs = [
        night("2026-02-03T02:00", size=100, duration=10),
        night("2026-02-04T02:00", "FAILED", size=9999, duration=9999),
        *(night(f"2026-03-0{n}T02:00", size=100 * n, duration=20) for n in (1, 2, 3)),
        night("2026-03-04T02:00", "RUNNING", size=9999),
    ]
    import_documents(engine, dict(jobs), "vc1", NOW)
    import_documents(
        engine, dict([night("2026-03-05T02:00", size=None, duration=None)]), "vc2", NOW
    )
    march = Scope(now=NOW, since="2026-03-01", until="2026-03-31")
    assert figures(engine, "backups", march) == {
        "appliances": (2, 1, 1, None),
        "finished": (4, 2, 2, None),
        "failed": (0, 1, -1, None),
        "open": (1, 0, 1, None),
        "success rate": (1.0, 0.5, 0.5, None),
    }
    assert figures(engine, "data", march) == {
        "transferred": (600, 100, 500, None),
        "median": (200, 100, 100, None),
        "p95": (300, 100, 200, None),
    }
    assert figures(engine, "time", march) == {
        "median": (20, 10, 10, None),
        # A success that reports no duration has one, as long as it has a start and an end.
        "p95": (30, 10, 20, None),
    }
    only = Scope(now=NOW, since="2026-03-01", until="2026-03-31", appliances=("vc2",))
    assert figures(engine, "data", only)["transferred"] == (None, None, None, None)
    # The slowest of the days, the newest of several, and no job that has not succeeded.
    rows = ask(engine, "summary", march)
    assert [row[1:] for row in rows if row[0] == "slowest"] == [
        ("vc2", "seconds", 30, None, None, None, "20260305-020000-1", False),
        ("vc1", "seconds", 20, None, None, None, "20260303-020000-1", False),
    ]


def test_unknown_statuses_are_counted_and_named(engine: Engine) -> None:
    """A job in a status that is not documented is neither finished nor open, and is a problem."""
    jobs = [
        night("2026-03-10T02:00"),
        night("2026-03-11T02:00", "SKIPPED"),
        night("2026-03-12T02:00", "CANCELLED"),
        night("2026-03-13T02:00", "CANCELLED"),
    ]
    import_documents(engine, dict(jobs), "vc", NOW)
    march = Scope(now=NOW, since="2026-03-01", until="2026-03-31")
    found = figures(engine, "backups", march)
    assert found["other"] == (3, 0, 3, "CANCELLED, SKIPPED")
    assert (found["finished"][0], found["open"][0]) == (1, 0)
    (row,) = [row for row in ask(engine, "summary", march) if row[1] == "other"]
    assert row[8] is True


@pytest.mark.parametrize(("failed", "is_problem"), [(2, False), (6, True)])
def test_a_success_rate_far_below_the_period_before_is_a_problem(
    engine: Engine, failed: int, is_problem: object
) -> None:
    jobs = [night(f"2026-02-{day:02}T02:00") for day in range(1, 29)]
    jobs += [
        night(f"2026-03-{day:02}T02:00", "FAILED" if day <= failed else "SUCCEEDED")
        for day in range(1, 29)
    ]
    import_documents(engine, dict(jobs), "vc", NOW)
    march = Scope(now=NOW, since="2026-03-01", until="2026-03-31")
    (row,) = [row for row in ask(engine, "summary", march) if row[1] == "success rate"]
    assert row[8] is is_problem


def test_trends(engine: Engine) -> None:
    """Figures that add up by day have a value for each day; a day without jobs has no rate."""
    jobs = [
        night("2026-03-27T02:00", size=100),
        night("2026-03-27T03:00", "FAILED", size=9999),
        night("2026-03-29T02:00", size=None),
        night("2026-03-31T02:00", "RUNNING"),
        night("2026-04-01T02:00"),
    ]
    import_documents(engine, dict(jobs), "vc", NOW)
    tell(engine, "vc", at("2026-03-27T00:00"), (DAILY,), "UTC")
    found = trends(engine, Scope(now=NOW, since="2026-03-27", until="2026-04-05"))
    assert found == {
        ("backups", "finished"): (2, 0, 1, 0, 0),
        ("backups", "failed"): (1, 0, 0, 0, 0),
        ("backups", "success rate"): (0.5, None, 1.0, None, None),
        ("data", "transferred"): (100, 0, 0, 0, 0),
        ("expected", "backups"): (1, 1, 1, 1, 1),
        ("expected", "missed"): (0, 1, 0, 1, 1),
        ("expected", "schedule compliance"): (1.0, 0.0, 1.0, 0.0, 0.0),
    }


def test_problems_are_marked(engine: Engine) -> None:
    """Rows that count problems are marked if there are any; other rows never are."""
    failed = [night(f"2026-03-{day}T02:00", "FAILED") for day in (29, 30, 31)]
    import_documents(engine, dict([night("2026-03-20T02:00"), *failed]), "vc", NOW)
    tell(engine, "vc", at("2026-03-20T00:00"), (DAILY,), "UTC")
    rows = ask(engine, "summary", Scope(now=NOW))
    assert {row[:2] for row in rows if row[8]} == {
        ("attention", "overdue"), ("attention", "consecutive failures"), ("expected", "missed"),
    }  # fmt: skip
    assert all(row[8] in (False, True) for row in rows)


def test_three_consecutive_failures_need_attention(engine: Engine) -> None:
    """Two do not; open jobs do not end a streak; the previous value is that at the end of the period."""
    failed = [night(f"2026-02-{day}T02:00", "FAILED") for day in (26, 27, 28)]
    import_documents(engine, dict([night("2026-02-25T02:00"), *failed]), "three", NOW)
    import_documents(engine, dict(failed[:2]), "two", NOW)
    import_documents(engine, dict([*failed, night("2026-03-05T02:00")]), "recovered", NOW)
    overdue = [night("2026-03-06T02:00", "RUNNING"), night("2026-03-07T02:00", "FAILED")]
    import_documents(engine, dict([*failed[:2], *overdue]), "open", NOW)
    scope = Scope(now=NOW, since="2026-03-01")
    assert figures(engine, "attention", scope)["consecutive failures"] == (
        2, 2, 0, "3 or more in a row",
    )  # fmt: skip
    named = figures(engine, "last good backup", scope)
    assert {name: row[3].partition(":")[0] for name, row in named.items()} == {
        "open": "never, 3 failed",
        "three": "overdue, 3 failed",
        "two": "never, 2 failed",
        "recovered": "overdue",
    }


def test_rare_rows_take_the_place_of_appliances(engine: Engine) -> None:
    """A status that is not documented has a row, so one appliance less is named; a single one is never "others"."""
    for name in "abcdefghi":
        import_documents(engine, dict([night("2026-03-28T02:00")]), name, at("2026-03-28T12:00"))
    assert list(figures(engine, "last good backup")) == list("abcdefghi")
    import_documents(engine, dict([night("2026-03-29T02:00", "LOST")]), "a", at("2026-03-29T12:00"))
    named = list(figures(engine, "last good backup"))
    assert len(named) == 8
    assert named[-1] == "others"


def test_lists_are_limited(engine: Engine) -> None:
    """The summary names the worst and counts the others; no appliance is among the slowest twice."""
    failed = dict(night(f"2026-03-{day}T02:00", "FAILED") for day in (26, 27, 28))
    for name in "abcdefghi":
        import_documents(engine, failed, name, at("2026-03-28T12:00"))
    good = [night(f"2026-03-{day}T02:00", size=2048, duration=day) for day in (26, 27, 28)]
    for name in "xyz":
        import_documents(engine, dict(good), name, at("2026-03-28T12:00"))
    rows = ask(engine, "summary", Scope(now=NOW))
    named = {section: [row[1] for row in rows if row[0] == section] for section, *_ in rows}
    assert named["last good backup"] == [*"abcdefgh", "others"]
    assert figures(engine, "last good backup")["others"] == (
        4,
        None,
        None,
        "1 never, 3 no recent data",
    )
    # At one instant: by appliance, and within an appliance the newest key first.
    assert named["newest failures"] == list("ab")
    assert named["slowest"] == ["x", "y"]
    attention = figures(engine, "attention")
    assert [
        attention[name][0]
        for name in ("overdue", "never", "no recent data", "consecutive failures")
    ] == [0, 9, 3, 9]


def test_last_good_backup(engine: Engine) -> None:
    """It has the age, the state, the consecutive failures, and size and time of the last success."""
    good = [night("2026-03-29T02:00", size=3 * 2**30, duration=60)]
    bad = [night("2026-03-30T02:00", "FAILED", size=1), night("2026-03-31T02:00", "FAILED")]
    import_documents(engine, dict([*good, *bad]), "vc", NOW)
    ((age, *_, detail),) = figures(engine, "last good backup").values()
    assert (age, detail) == (
        2 * DAY + 10 * 3600 - 30,
        "ok, 2 failed: 3.0 GiB, 2026-03-29 02:00Z",
    )


def test_percentiles_of_many_jobs_use_sketches(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are within 1 %, and so is the previous value."""
    jobs = [night(f"2026-03-{n:02}T02:00", size=1000 * n, duration=100 * n) for n in range(1, 21)]
    jobs += [night("2026-02-01T02:00", size=1000, duration=100)]
    import_documents(engine, dict(jobs), "vc", NOW)
    scope = Scope(now=NOW, since="2026-03-01")
    exact = {name: row[:3] for name, row in figures(engine, "data", scope).items()}
    assert exact == {
        "transferred": (210_000, 1000, 209_000),
        "median": (10_000, 1000, 9000),
        "p95": (19_000, 1000, 18_000),
    }
    # There are many in March, and one in February.
    monkeypatch.setattr(from_totals, "EXACT_UP_TO", 20 - 1)
    assert "percentiles are within 1 %." in notes(engine, "summary", scope)[0]
    drawn = figures(engine, "data", scope)
    assert drawn["transferred"] == (*exact["transferred"], None)
    for name in ("median", "p95"):
        now, before, change, _ = drawn[name]
        assert now != exact[name][0]
        assert abs(now - exact[name][0]) <= exact[name][0] // 100
        assert abs(before - 1000) <= 10
        assert change == now - before
    # The reverse: one in this scope, and many before.
    april = Scope(now=at("2026-04-30T12:00"), since="2026-04-01")
    assert "percentiles are within 1 %." in notes(engine, "summary", april)[0]
    assert figures(engine, "data", april)["median"][1] == drawn["median"][0]
    # Totals do not have single appliances.
    narrow = Scope(now=NOW, since="2026-03-01", appliances=("vc",))
    assert "percentiles are exact" in notes(engine, "summary", narrow)[0]
    assert figures(engine, "data", narrow)["median"] == (*exact["median"], None)


def test_jobs_in_the_future(engine: Engine) -> None:
    """A job with a start after now counts on its day, but in no age; later days are not included."""
    jobs = [
        night("2026-03-30T02:00"),
        night("2026-03-31T13:00", "FAILED"),
        night("2026-03-31T14:00", "FAILED"),
        night("2026-03-31T15:00", "FAILED"),
        night("2026-04-01T02:00", "FAILED"),
        night("9999-12-31T02:00"),
    ]
    import_documents(engine, dict(jobs), "vc", NOW)
    assert figures(engine, "backups")["finished"] == (4, 0, 4, None)
    rows = ask(engine, "summary", Scope(now=NOW))
    assert [row[3] for row in rows if row[0] == "newest failures"] == [None] * 2
    assert figures(engine, "attention")["consecutive failures"][0] == 0
    # Its last success is that of the 30th, and so little shows no habit.
    assert figures(engine, "last good backup")["vc"][3].startswith("ok: ")


def test_expected_backups(engine: Engine) -> None:
    """The number of missed backups, with their outcomes, and the previous values."""
    jobs = [night(f"2026-03-{day}T01:00") for day in (20, 21, 22, 24, 26)]
    jobs += [night("2026-03-27T01:00", "FAILED"), night("2026-03-28T01:00", "RUNNING")]
    import_documents(engine, dict(jobs), "vc", at("2026-03-29T12:00"))
    tell(engine, "vc", at("2026-03-20T00:00"), (DAILY,), "Europe/Berlin")
    scope = Scope(now=NOW, since="2026-03-26", until="2026-03-31")
    # From the 20th; the previous days are six. On the 25th, and on the 23rd, no job ran.
    later = Scope(now=at("2026-03-31T14:01"), since="2026-03-26", until="2026-03-31")
    # Its last import was at noon of the 29th; two days and two hours later, one is missing.
    assert figures(engine, "expected", scope)["missed"] == (
        (3, 2, 1, "1 failed, 1 running, 1 did not run")
    )
    assert figures(engine, "expected", later) == {
        "backups": (6, 6, 0, None),
        "missed": (5, 2, 3, "1 failed, 1 running, 1 did not run, 2 no data"),
        "schedule compliance": (1 / 6, 4 / 6, 1 / 6 - 4 / 6, None),
    }


@pytest.mark.parametrize("since", [None, "2026-03-30"])
def test_appliances_not_reporting_are_named(engine: Engine, since: str | None) -> None:
    """The section shows the last import and the appliances not reporting, for any period.

    Appliances that stopped reporting before the period are included.
    """
    for day in (1, 2, 3, 4):
        import_documents(engine, {}, "silent", at(f"2026-02-{day:02}T12:00"))
    for day in (1, 8, 15, 22):
        import_documents(engine, {}, "weekly", at(f"2026-03-{day:02}T12:00"))
    import_documents(engine, {}, "forgotten", at("2025-03-31T12:00"))
    import_documents(engine, {"20260331-020000-1": {}}, "new", at("2026-03-31T11:00"))
    assert figures(engine, "collection", Scope(now=NOW, since=since)) == {
        "last import": (3600, None, None, "2026-03-31 11:00:00Z"),
        "not reporting": (2, None, None, "forgotten, silent"),
        "long gaps": (0, None, None, "between imports"),
        "quarantined": (1, None, None, "documents"),
    }


def test_rows_can_be_sorted_by_value(engine: Engine) -> None:
    """Values of all kinds sort as numbers; NULL comes last."""
    import_documents(engine, dict([night("2026-03-31T02:00", size=7000, duration=100)]), "vc", NOW)
    options = ("--now", NOW, "--sort", "-value", "--top", "5", "--format", "csv", place(engine))
    done = archive("report", "summary", *options)
    assert (done.code, done.err) == (0, "")
    assert [line.split(",")[:4] for line in done.out.splitlines()[1:]] == [
        ["last good backup", "vc", "seconds", "35970"],
        ["data", "transferred", "bytes", "7000"],
        ["data", "median", "bytes", "7000"],
        ["data", "p95", "bytes", "7000"],
        ["time", "median", "seconds", "100"],
    ]


def test_both_databases_give_the_same_bytes(engines: list[Engine]) -> None:
    """Rates, sums and lists are written alike."""
    written = []
    for engine in engines:
        for name in "ba":
            jobs = [night(f"2026-03-{day:02}T02:00", size=2**62) for day in range(1, 29)]
            jobs += [night(f"2026-03-{day}T02:00", "FAILED") for day in (29, 30, 31)]
            import_documents(engine, dict(jobs), name, NOW)
        written.append(csv(engine, "summary", Scope(now=NOW, since="2026-03-02")))
    assert written[0] == written[1]
    assert f"data,transferred,bytes,{54 * 2**62}," in written[0]
