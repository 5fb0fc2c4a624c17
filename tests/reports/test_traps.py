"""Special cases of histories, clocks and calendars, each checked in every report."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from archive.calendar import Calendar
from archive.reports import REPORTS, Scope
from tests.reports import nights
from tests.reports.nights import DAILY, at, night, notes, tell
from tests.support.archives import each, import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.document.appliance_facts import Schedule

VC = "vc.example.com"
FAILURE = {"id": "e", "default_message": "The disk is full", "args": []}
DAY = 86_400
NAS = "sftp://nas.example.com/backup"


class Reported:
    """The output of every report on an archive, equal on both databases."""

    def __init__(self, engines: list[Engine], scope: Scope) -> None:
        self._engines, self._scope = engines, scope
        self._said = {name: self._same(name, scope) for name in REPORTS}

    def _same(self, name: str, scope: Scope) -> str:
        texts = [(nights.csv(one, name, scope), notes(one, name, scope)) for one in self._engines]
        assert texts[0] == texts[1]
        return texts[0][0]

    def rows(self, name: str, *columns: str, **asked: Any) -> list[tuple[str, ...]]:
        """Return the columns of a report from CSV, with extra options if given."""
        said = self._said[name]
        if asked:
            said = self._same(name, Scope(**(vars(self._scope) | asked)))
        found = csv.DictReader(io.StringIO(said, newline=""))
        return [tuple(row[column] for column in columns) for row in found]

    def figures(self, section: str) -> dict[str, str]:
        """Return the values of a section of the summary by name."""
        found = self.rows("summary", "section", "name", "value")
        return {name: value for where, name, value in found if where == section}

    def nothing(self) -> set[str]:
        """Return the reports without rows."""
        return {name for name, said in self._said.items() if said.count("\n") == 1}


def report_on(
    engines: list[Engine],
    jobs: dict[str, dict[str, Any]],
    now: str,
    seen_at: str | None = None,
    calendar: Calendar | None = None,
    schedule: Schedule | None = None,
    zone: str = "UTC",
    told_at: str = "2026-03-01T00:00",
) -> Reported:
    """Import the jobs of appliances, whose schedules were collected before, and report."""
    for engine in each(engines):
        nights.use(engine, calendar or Calendar())
        for name, history in jobs.items():
            if schedule is not None:
                import_documents(engine, {}, name, at(told_at))
                tell(engine, name, at(told_at), (schedule,), zone)
            import_documents(engine, history, name, at(seen_at or now))
    return Reported(engines, Scope(now=at(now)))


BY_JOBS = {"trends", "success", "volume", "sizes", "durations", "throughput", "locations", "builds"}
LISTS = {"streaks", "failures", "stuck", "growth", "anomalies"}


def test_only_open_jobs(engines: list[Engine]) -> None:
    """Without a finished job there is no rate, size or streak; and whether a job is stuck is unknown."""
    jobs = dict(
        [
            night("2026-03-01T02:00", "RUNNING"),
            ("20260302-020000-1", job("PENDING")),
            night("2026-03-03T02:00", "BLOCKED"),
        ]
    )
    said = report_on(engines, {VC: jobs}, "2026-03-03T12:00", schedule=DAILY)
    assert said.nothing() == {"streaks", "failures", "growth", "anomalies"}
    counts = ("finished", "open", "success_rate", "size_total_bytes")
    assert said.rows("trends", *counts, "duration_p95_seconds") == [("0", "3", "", "", "")]
    assert said.rows("volume", *counts, "duration_total_seconds") == [("0", "3", "", "", "")]
    assert said.rows("success", "jobs", "finished", "success_rate") == [("3", "0", "")]
    for name in ("sizes", "durations"):
        what = name.removesuffix("s")
        unit = "bytes" if what == "size" else "seconds"
        columns = [f"{what}_{value}_{unit}" for value in ("total", "min", "median", "p95", "max")]
        assert said.rows(name, "succeeded", *columns) == [("0", "", "", "", "", "")]
    columns = ["measured", "throughput_bytes_per_second", "throughput_median_bytes_per_second"]
    assert said.rows("throughput", *columns) == [("0", "", "")]
    assert said.rows("locations", "state", "jobs", "finished", "success_rate", "idle_days") == [
        ("used", "3", "0", "", "0")
    ]
    assert said.rows("builds", "build", "jobs", "success_rate", "size_median_bytes") == [
        ("", "3", "", "")
    ]
    assert said.rows("rpo", "state", "age_seconds", "attempt_status", "time_rate") == [
        ("never", "", "BLOCKED", "0.0")
    ]
    assert said.rows("stuck", "status", "stuck") == [
        ("RUNNING", ""), ("PENDING", ""), ("BLOCKED", ""),
    ]  # fmt: skip
    assert said.figures("backups") == {
        "appliances": "1", "finished": "0", "failed": "0", "open": "3", "success rate": "",
    }  # fmt: skip


def test_no_jobs(engines: list[Engine]) -> None:
    """An appliance without jobs has rows only in reports on appliances."""
    said = report_on(engines, {VC: {}}, "2026-03-03T12:00", "2026-03-01T12:00")
    assert said.nothing() == BY_JOBS | LISTS | {"missed", "compliance"}
    assert said.rows("rpo", "state", "attempt_status", "time_rate") == [("never", "", "")]
    assert said.rows("collection", "appliance", "imports", "not_reporting") == [(VC, "1", "false")]
    assert said.figures("attention") == {
        "overdue": "0",
        "never": "1",
        "no recent data": "0",
        "consecutive failures": "0",
    }
    assert said.figures("last good backup") == {VC: ""}


def test_no_appliances(engines: list[Engine]) -> None:
    """An empty archive is no error."""
    said = report_on(engines, {}, "2026-03-03T12:00")
    assert said.nothing() == REPORTS.keys() - {"summary"}


def test_job_longer_than_a_day(engines: list[Engine]) -> None:
    """It counts only on the day of its start; the nights that it runs through are missed."""
    jobs = dict(
        [
            night("2026-03-01T02:00", "FAILED"),
            night("2026-03-01T22:00", end="2026-03-03T04:00", duration=108_000, size=108_000),
        ]
    )
    said = report_on(engines, {VC: jobs}, "2026-03-03T12:00", schedule=DAILY)
    assert said.rows("volume", "period", "duration_total_seconds", period="day") == [
        ("2026-03-01", "108000")
    ]
    assert said.rows("throughput", "throughput_bytes_per_second") == [("1",)]
    assert said.rows("rpo", "state", "age_seconds", "overdue_since_time") == [
        ("overdue", str(8 * 3600), at("2026-03-02T02:00"))
    ]
    assert said.rows("compliance", "day", "outcome") == [
        ("2026-03-01", "met"), ("2026-03-02", "did not run"), ("2026-03-03", "did not run"),
    ]  # fmt: skip
    assert said.rows("streaks", "recovery_worst_seconds") == [(str(2 * DAY + 2 * 3600),)]
    assert said.figures("slowest") == {VC: "108000"}


def test_start_without_an_end(engines: list[Engine]) -> None:
    """A success without an end counts; it has no duration, and ended when it began."""
    nothing: dict[str, Any] = {"end_time": None, "duration": None}
    jobs = dict(
        [
            night("2026-03-01T02:00", "FAILED", **nothing),
            night("2026-03-02T02:00", **nothing),
            night("2026-03-03T02:00", "RUNNING", **nothing),
        ]
    )
    said = report_on(engines, {VC: jobs}, "2026-03-03T12:00", schedule=DAILY)
    assert said.rows("success", "succeeded", "success_rate") == [("1", "0.5")]
    columns = [f"duration_{value}_seconds" for value in ("total", "min", "median", "p95", "max")]
    assert said.rows("durations", "succeeded", *columns) == [("1", *[""] * 5)]
    columns = ["succeeded", "measured", "size_total_bytes", "throughput_bytes_per_second"]
    assert said.rows("throughput", *columns) == [("1", "0", "", "")]
    assert said.rows("rpo", "success_end_time", "age_seconds") == [
        (at("2026-03-02T02:00"), str(34 * 3600))
    ]
    assert said.rows("streaks", "recovery_worst_seconds") == [(str(DAY),)]
    assert said.rows("stuck", "longest_seconds", "stuck") == [("", "")]
    assert said.rows("compliance", "outcome", "end_time", "duration_seconds") == [
        ("failed", "", ""), ("met", "", ""), ("running", "", ""),
    ]  # fmt: skip
    assert "slowest" not in {section for (section,) in said.rows("summary", "section")}


def test_two_jobs_at_one_instant(engines: list[Engine]) -> None:
    """The order is that of their keys; both count, and one day needs one of them."""
    start = {"start_time": "2026-03-01T02:00:00.000Z", "end_time": "2026-03-01T02:01:00.000Z"}
    good, bad = job(**start), job("FAILED", **start, messages=[FAILURE])
    histories = {
        "good last": {"a": bad, "b": good},
        "bad last": {"a": good, "b": bad},
        "both good": {"a": good, "b": good},
    }
    said = report_on(engines, histories, "2026-03-02T12:00", schedule=DAILY)
    assert said.rows("success", "appliance", "jobs", "succeeded", by="appliance") == [
        ("bad last", "2", "1"), ("both good", "2", "2"), ("good last", "2", "1"),
    ]  # fmt: skip
    assert said.rows("streaks", "appliance", "consecutive_failures", "last_success", "recoveries") == [
        ("bad last", "1", "a", "0"), ("good last", "0", "b", "1"), ("both good", "0", "b", "0"),
    ]  # fmt: skip
    assert said.rows("compliance", "appliance", "day", "outcome", "key") == [
        (name, day, *met)
        for name, key in (("bad last", "a"), ("both good", "a"), ("good last", "b"))
        for day, met in (("2026-03-01", ("met", key)), ("2026-03-02", ("did not run", "")))
    ]
    assert said.rows("failures", "jobs", "appliances") == [("2", "2")]
    # A failure at the same instant is the last attempt, if its key is.
    assert said.rows("rpo", "appliance", "attempt_status") == [
        ("bad last", "FAILED"), ("both good", "SUCCEEDED"), ("good last", "SUCCEEDED"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "starts", "due"),
    [
        # Clocks go forward: the 29th has 23 hours. 02:30 does not exist, and counts as 01:30.
        (
            ("2026-03-28", "2026-03-29", "2026-03-30"),
            ("2026-03-28T22:59", "2026-03-28T23:00", "2026-03-29T21:59", "2026-03-29T22:00"),
            ("2026-03-28T01:30", "2026-03-29T00:30", "2026-03-30T00:30"),
        ),
        # Clocks go back: the 25th has 25. 02:30 comes twice, and counts the first time.
        (
            ("2026-10-24", "2026-10-25", "2026-10-26"),
            ("2026-10-24T21:59", "2026-10-24T22:00", "2026-10-25T22:59", "2026-10-25T23:00"),
            ("2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        ),
    ],
)
def test_daylight_saving_time(
    engines: list[Engine], days: tuple[str, ...], starts: tuple[str, ...], due: tuple[str, ...]
) -> None:
    """A day is from midnight to midnight in its zone, however long it is, in every report."""
    said = report_on(
        engines,
        {VC: dict(night(start) for start in starts)},
        f"{days[-1]}T12:00",
        calendar=Calendar("Europe/Berlin"),
        schedule=DAILY._replace(minute=30),
        zone="Europe/Berlin",
        told_at=f"{days[0]}T00:00",
    )
    numbers = list(zip(days, ("1", "2", "1"), strict=True))
    assert said.rows("success", "period", "jobs", period="day") == numbers
    for day, number in numbers:
        between = {"since": day, "until": day}
        assert said.rows("volume", "finished", **between) == [(number,)]
        assert said.rows("locations", "jobs", "first_day", "last_day", **between) == [
            (number, day, day)
        ]
    # Two are late; those at midnight are of no use, and the last one was not repeated.
    assert said.rows("compliance", "day", "due", "outcome", "start_time") == [
        (days[0], at(due[0]), "met", at(starts[0])),
        (days[1], at(due[1]), "met", at(starts[2])),
        (days[2], at(due[2]), "did not run", ""),
    ]


def test_zone_with_a_quarter_hour_offset(engines: list[Engine]) -> None:
    """In Kathmandu, at +05:45, a day starts at 18:15 UTC."""
    jobs = {VC: dict(night(start) for start in ("2026-03-31T18:14", "2026-03-31T18:15"))}
    said = report_on(
        engines,
        jobs,
        "2026-04-01T18:15",
        calendar=Calendar("Asia/Kathmandu"),
        schedule=DAILY._replace(hour=0),
        zone="Asia/Kathmandu",
        told_at="2026-03-31T00:00",
    )
    assert said.rows("success", "period", "jobs") == [("2026-03", "1"), ("2026-04", "1")]
    assert said.rows("locations", "first_day", "last_day", "idle_days", "state") == [
        ("2026-03-31", "2026-04-01", "1", "used")
    ]
    # The first one is a minute early, as clocks differ.
    assert said.rows("compliance", "day", "due", "outcome", "start_time") == [
        ("2026-04-01", at("2026-03-31T18:15"), "met", at("2026-03-31T18:14")),
    ]
    # The current day has only just begun.
    assert said.rows("rpo", "age_seconds") == [(str(DAY - 30),)]
    assert said.rows("collection", "imports", since="2026-04-02") == [("1",)]
    assert said.rows("collection", "imports", until="2026-04-01") == [("1",)]


def test_day_that_starts_at_16_00(engines: list[Engine]) -> None:
    """A night is one day, that on whose afternoon it began, at the end of a month and of a year, too."""
    starts = ("2025-12-31T22:00", "2026-01-01T02:00", "2026-01-01T14:59", "2026-01-01T15:00")
    said = report_on(
        engines,
        {VC: dict(night(start) for start in starts)},
        "2026-01-01T16:00",
        calendar=Calendar("Europe/Berlin", "16:00"),
    )
    for period, labels in (
        ("day", ("2025-12-31", "2026-01-01")),
        ("month", ("2025-12", "2026-01")),
        ("quarter", ("2025-Q4", "2026-Q1")),
        ("year", ("2025", "2026")),
    ):
        expected = list(zip(labels, ("3", "1"), strict=True))
        assert said.rows("success", "period", "jobs", period=period) == expected
    assert said.rows("success", "period", "jobs", period="week") == [("2026-W01", "4")]
    assert said.rows("locations", "last_day", "idle_days") == [("2026-01-01", "0")]
    assert said.rows("builds", "first_day", "last_day") == [("2025-12-31", "2026-01-01")]
    assert said.figures("backups")["finished"] == "4"


def test_leap_day(engines: list[Engine]) -> None:
    """29 February is an ordinary day: nothing is missed around it."""
    days = [f"2028-02-{day}" for day in range(15, 30)] + ["2028-03-01"]
    jobs = dict(night(f"{day}T02:00", size=100 * n) for n, day in enumerate(days, 1))
    said = report_on(engines, {VC: jobs}, "2028-03-01T12:00")
    assert said.rows("success", "period", "jobs") == [("2028-02", "15"), ("2028-03", "1")]
    assert said.rows("success", "jobs", since="2028-02-29", until="2028-02-29") == [("1",)]
    assert said.nothing() >= {"missed", "anomalies"}
    assert [day for (day,) in said.rows("compliance", "day")][-3:] == [
        "2028-02-28", "2028-02-29", "2028-03-01",
    ]  # fmt: skip
    # Sixteen days are too few for a forecast.
    assert said.rows("growth", "monthly_growth_bytes") == [("",), ("",)]
    assert said.rows("locations", "usual_gap_days") == [("1",)]
    # A month of one day is compared with the first day of the month before.
    compared = said.rows("trends", "period", "finished_before", compare=True, since="2028-03-01")
    assert compared == [("2028-03", "")]
    values = said.rows("summary", "name", "before", since="2028-03-01", until="2028-03-31")
    assert ("finished", "15") in values


def test_renamed_appliance(engines: list[Engine]) -> None:
    """Under a new name it is another appliance, with the same history; the old one is not reporting."""
    jobs = [
        night(f"2026-03-{day:02}T02:00", "FAILED" if day == 3 else "SUCCEEDED", messages=messages)
        for day in range(1, 11)
        for messages in ([FAILURE] if day == 3 else [],)
    ]
    for engine in each(engines):
        for day in range(1, 6):
            import_documents(engine, dict(jobs[:day]), "old", at(f"2026-03-{day:02}T12:00"))
        for day in range(6, 11):
            import_documents(engine, dict(jobs[:day]), "new", at(f"2026-03-{day:02}T12:00"))
    said = Reported(engines, Scope(now=at("2026-03-10T18:00")))
    # Jobs of both names count twice, unless one of them is selected.
    assert said.rows("success", "jobs", "appliances") == [("15", "2")]
    assert said.rows("success", "jobs", "appliances", appliances=("new",)) == [("10", "1")]
    assert said.rows("failures", "jobs", "appliances") == [("2", "2")]
    assert said.rows("collection", "appliance", "not_reporting", "imports", "age_seconds") == [
        ("old", "true", "5", str(5 * DAY + 6 * 3600)),
        ("new", "false", "5", str(6 * 3600)),
    ]
    assert said.rows("rpo", "appliance", "state") == [("old", "no recent data"), ("new", "ok")]
    assert said.rows("missed", "appliance", "day", "outcome") == [
        # After five days it is a habit of Sundays to Thursdays.
        ("old", f"2026-03-{day:02}", "no data")
        for day in range(8, 11)
    ]
    assert said.rows("streaks", "appliance", "recoveries") == [("new", "1"), ("old", "1")]
    assert said.figures("collection")["not reporting"] == "1"


def test_sizes_of_zero(engines: list[Engine]) -> None:
    """0 is a size: it counts in sums and percentiles, but no ratio to it exists."""
    builds = [
        {"version_name": "8", "version": version, "build_number": "1"} for version in ("8.1", "8.2")
    ]
    jobs = dict(
        night(f"2026-03-{day:02}T02:00", size=0, build=builds[day > 10]) for day in range(1, 18)
    )
    said = report_on(engines, {VC: jobs}, "2026-03-17T12:00")
    columns = [f"size_{value}_bytes" for value in ("total", "min", "median", "p95", "max")]
    assert said.rows("sizes", "succeeded", *columns) == [("17", *"00000")]
    assert said.rows("volume", "size_total_bytes") == [("0",)]
    columns = ["measured", "throughput_bytes_per_second", "throughput_median_bytes_per_second"]
    assert said.rows("throughput", *columns) == [("17", "0", "0")]
    assert said.rows("builds", "build", "size_median_bytes", "size_median_ratio") == [
        ("8.1 (1)", "0", ""), ("8.2 (1)", "0", ""),
    ]  # fmt: skip
    columns = ["size_bytes", "monthly_growth_bytes", "in_365_days_high_bytes", "retained_bytes"]
    assert said.rows("growth", *columns) == [("0", "", "", "0")] * 2
    # The first empty backup is an anomaly, and so is the new build.
    assert said.rows("anomalies", "day", "what", "figure") == [
        ("2026-03-01", "empty", "0"), ("2026-03-11", "build", ""),
    ]  # fmt: skip
    assert said.figures("data") == {"transferred": "0", "median": "0", "p95": "0"}


def test_start_in_the_future(engines: list[Engine]) -> None:
    """It counts on its day; figures as of now ignore it."""
    jobs = dict(
        [
            night("2026-03-01T02:00", size=10),
            night("2026-03-02T02:00", size=20),
            night("2027-01-01T02:00", size=10**9),
            night("2027-01-02T02:00", "FAILED", messages=[FAILURE]),
            night("2027-01-03T02:00", "RUNNING"),
        ]
    )
    said = report_on(engines, {VC: jobs}, "2026-03-10T12:00")
    assert said.rows("success", "period", "jobs") == [("2026-03", "2"), ("2027-01", "3")]
    assert said.rows("streaks", "consecutive_failures", "last_success") == [
        ("0", "20260302-020000-1")
    ]
    assert said.rows("rpo", "state", "age_seconds", "attempt_status") == [
        ("ok", str(8 * DAY + 10 * 3600 - 30), "SUCCEEDED")
    ]
    assert said.rows("growth", "successes", "size_bytes") == [("2", "10"), ("2", "10")]
    assert said.nothing() == {"missed", "compliance", "anomalies"}
    # Two reports list them; whether one is stuck is unknown.
    assert said.rows("failures", "jobs", "first_time") == [("1", at("2027-01-02T02:00"))]
    assert said.rows("stuck", "age_seconds", "stuck") == [("", "")]
    assert said.figures("backups")["finished"] == "2"
    # The target has been idle since 2 March.
    assert said.rows("locations", "jobs", "last_day", "idle_days", "usual_gap_days", "state") == [
        ("5", "2027-01-03", "8", "1", "stopped")
    ]


def test_only_jobs_in_the_future(engines: list[Engine]) -> None:
    """The state of a target that is used only in the future is unknown."""
    said = report_on(engines, {VC: dict([night("2027-01-01T02:00")])}, "2026-03-10T12:00")
    assert said.rows("locations", "state", "jobs", "idle_days", "usual_gap_days") == [
        ("unknown", "1", "", "")
    ]
    assert said.rows("rpo", "state", "attempt_status") == [("never", "")]
    assert said.nothing() == {"missed", "compliance", *LISTS}


@pytest.mark.parametrize("duration", [-60, -(2**63)])
def test_negative_duration(engines: list[Engine], duration: int) -> None:
    """It is shown as in the document, and ignored otherwise; the job ended when it began."""
    jobs = dict(
        [
            night("2026-03-01T02:00", "FAILED"),
            night("2026-03-02T02:00", end="2026-02-27T00:00", duration=duration, size=100),
            night("2026-03-02T03:00", "RUNNING"),
        ]
    )
    said = report_on(engines, {VC: jobs}, "2026-03-02T12:00", schedule=DAILY)
    columns = [f"duration_{value}_seconds" for value in ("total", "min", "median", "p95", "max")]
    assert said.rows("durations", *columns) == [(str(duration),) * 5]
    columns = ["succeeded", "measured", "throughput_bytes_per_second"]
    assert said.rows("throughput", *columns) == [("1", "0", "")]
    assert said.rows("rpo", "success_end_time") == [(at("2026-03-02T02:00"),)]
    assert said.rows("streaks", "recovery_worst_seconds") == [(str(DAY),)]
    assert said.rows("stuck", "longest_seconds", "p95_seconds", "stuck") == [("", "", "")]
    assert said.rows("compliance", "outcome", "duration_seconds") == [
        ("failed", "60"), ("met", str(duration)),
    ]  # fmt: skip
    assert said.figures("slowest") == {VC: str(duration)}
    assert said.rows("collection", "findings") == [("3",)]
