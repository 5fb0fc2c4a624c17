from __future__ import annotations

import csv
import io
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import columns, db, timestamps
from archive.calendar import Calendar
from archive.db import migrate
from archive.errors import UsageError
from archive.maintenance.change_calendar import change_calendar
from archive.render.write import write
from archive.reports import sql_files
from tests.support import postgres, samples
from tests.support.archives import import_documents, keep
from tests.support.queried import TODAY, fill, job, run, say, tell

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NAMES = [
    "appliances_not_reporting",
    "archive_size",
    "before_and_after_build",
    "collections",
    "failure_streaks",
    "failures_by_message",
    "failures_this_week",
    "findings_by_code",
    "growth_by_appliance",
    "imports",
    "jobs_by_build",
    "jobs_of_day",
    "largest_jobs",
    "last_success",
    "latest_jobs",
    "locations",
    "message_params",
    "message_search",
    "missed_backups",
    "open_jobs",
    "overdue",
    "quarantine_summary",
    "recovery",
    "schedules",
    "size_percentiles",
    "slowest_jobs",
    "success_by_month",
    "throughput_by_month",
    "versions",
]
# Different on the two databases, since it depends on files, not on jobs.
APART = {"archive_size"}
# Their newest day with jobs.
LATELY = {"today": "2026-03-05", "day": "2026-03-05"}
DIALECTS = ("sqlite", "postgresql")


def test_documented_queries_exist() -> None:
    """The folder holds the queries of the documentation, each with a title and explained params."""
    assert sql_files.names() == NAMES
    for query in sql_files.queries():
        assert re.fullmatch(r"[A-Z][^.:]+", query.title)
        assert query.text.endswith(";\n")
        assert query.text.count(" AS (\n    SELECT\n") >= 1
        assert all(param.comment for param in query.params)


def test_each_file_belongs_to_a_query() -> None:
    """A query is one file, or one for each database with the same title, params and columns."""
    files = {path.name for path in migrate.folder("sql").iterdir()}
    alike = {f"{name}.sql" for name in NAMES if name not in APART}
    assert files == alike | {f"{name}.{kind}.sql" for name in APART for kind in DIALECTS}
    for name in APART:
        one, other = (sql_files.find(name, kind) for kind in DIALECTS)
        assert one.title == other.title
        assert [param[:3] for param in one.params] == [param[:3] for param in other.params]


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_files_have_one_form(name: str, kind: str) -> None:
    """The header, the length of lines, and the end are alike in all files."""
    lines = sql_files.find(name, kind).text.splitlines()
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line != line.rstrip() or "\t" in line]
    assert lines[1] == "--"
    start = next(place for place, line in enumerate(lines) if not line.startswith("--"))
    assert re.fullmatch(r"WITH (RECURSIVE )?param AS \(", lines[start])
    said = " ".join(line.removeprefix("-- ") for line in lines[2:start])
    assert "? " in said
    assert re.search(r"\b(Reads|Walks|Looks up)\b", said)  # what it costs


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_param_is_parsed(name: str, kind: str) -> None:
    """No literal of the first CTE is missed, and nothing else in a file is a bound value."""
    query = sql_files.find(name, kind)
    lines = query.text.partition("param AS (\n    SELECT\n")[2].partition("\n)")[0]
    assert len(query.params) == len(lines.splitlines()) > 0
    assert not sa.text(query.text).compile().params


def test_query_without_params(engine: Engine) -> None:
    """A file without the first CTE is run unchanged, and takes no values."""
    query = sql_files.Query("answer", "-- The answer\nSELECT 42 AS answer;\n")
    assert (query.title, query.params) == ("The answer", ())
    with db.reading(engine) as connection:
        assert sql_files.run(connection, query, {}) == (("answer",), [(42,)])
        with pytest.raises(UsageError, match=r'unknown param "day"$'):
            sql_files.run(connection, query, {"day": "1"})


def lately(name: str) -> dict[str, str]:
    """Return the params of a query for the newest day of the small fleet."""
    params = {param.name for param in sql_files.find(name, "sqlite").params}
    return {param: value for param, value in LATELY.items() if param in params}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in APART])
def test_both_databases_give_the_same_bytes(
    sqlite_archive: Engine, postgresql_archive: Engine, name: str
) -> None:
    """The same imports give the same CSV and JSON on either database."""
    written = []
    for engine in (sqlite_archive, postgresql_archive):
        keep(engine, of_all_kinds)
        result = run(engine, name, **lately(name))
        for form in ("csv", "json"):
            out = io.StringIO(newline="")
            write([columns.named(column) for column in result.columns], result.rows, form, out)
            written.append(out.getvalue())
    assert written[:2] == written[2:]
    assert written[0].count("\r\n") >= 2


def test_last_success(engine: Engine) -> None:
    """Each appliance has one row, one without any success first, then by age."""
    fill(engine)
    none = "no recent data"
    assert run(engine, "last_success", **TODAY) == (
        (
            "appliance", "state", "last_success", "age_days", "last_attempt", "last_status",
            "consecutive_failures", "last_seen",
        ),
        [
            (
                "vc-never", "never", None, None, "2026-03-04", "PENDING", 2,
                "2026-03-04T03:00:00.000000Z",
            ),
            (
                "vc-varies", none, "2026-01-04", 60, "2026-01-04", "SUCCEEDED", 0,
                "2026-01-05T00:00:00.000000Z",
            ),
            (
                "vc-well", none, "2026-03-03", 2, "2026-03-05", "RUNNING", 1,
                "2026-03-05T02:00:15.250000Z",
            ),
        ],
    )  # fmt: skip


def test_order_within_a_day_is_that_of_starts(engine: Engine) -> None:
    """Of a day's jobs the one that started last is the last attempt, whatever its key."""
    day = {
        f"20260301-{20 - hour:02}0000-1": job(f"2026-03-01T{hour:02}:00:00Z", 1, 1, status)
        for hour, status in ((4, "SUCCEEDED"), (2, "FAILED"), (9, "FAILED"), (7, "SUCCEEDED"))
    }
    import_documents(engine, day)
    row = run(engine, "last_success", today="2026-03-01").rows[0]
    assert row[2:7] == ("2026-03-01", 0, "2026-03-01", "FAILED", 1)
    assert run(engine, "latest_jobs").rows[0][1:4] == ("2026-03-01", "20260301-110000-1", "FAILED")


def test_jobs_of_a_wrong_clock_are_never_the_latest(engine: Engine) -> None:
    """A job that starts more than a day after it was first seen is not the last one, and no failure."""
    jobs = {
        "20260301-020000-1": job("2026-03-01", 1, 1),
        "20360101-020000-1": job("2036-01-01", 1, 1, "FAILED"),
        "20360102-020000-1": job("2036-01-02", 1, 1),
    }
    import_documents(engine, jobs)
    row = run(engine, "last_success", today="2026-03-01").rows[0]
    assert row[2:7] == ("2026-03-01", 0, "2026-03-01", "SUCCEEDED", 0)
    assert run(engine, "latest_jobs").rows[0][1:3] == ("2026-03-01", "20260301-020000-1")


def test_today_is_a_day_of_the_archive(engine: Engine) -> None:
    """The failures of today are those of the archive's day, on any calendar."""
    now = timestamps.now()
    import_documents(engine, {"a": job(now, 3, 4, "FAILED")}, seen_at=now)
    hour = int(now[11:13])
    zone = "Pacific/Kiritimati" if hour >= 10 else "Etc/GMT+12"  # another date than in UTC
    change_calendar(engine, Calendar(zone))
    assert [row[2] for row in run(engine, "failures_this_week", days="1").rows] == ["a"]
    assert len(run(engine, "jobs_of_day").rows) == 1


def test_latest_jobs(engine: Engine) -> None:
    """Each appliance has one row, whatever the status, one without jobs first, then by day."""
    fill(engine)
    import_documents(engine, {}, "vc-new", "2026-03-05T02:00:00.000000Z")
    assert run(engine, "latest_jobs") == (
        ("appliance", "day", "key", "status", "type", "start_time", "duration_seconds", "size_bytes"),
        [
            ("vc-new", None, None, None, None, None, None, None),
            (
                "vc-varies", "2026-01-04", "20260104-020000-1", "SUCCEEDED", "MANUAL",
                "2026-01-04T02:00:00.000000Z", 9, 5,
            ),
            ("vc-never", "2026-03-04", "20260304-020000-1", "PENDING", "MANUAL", None, None, None),
            (
                "vc-well", "2026-03-05", "20260305-020000-1", "RUNNING", "SCHEDULED",
                "2026-03-05T02:00:00.000000Z", 15, 9000,
            ),
        ],
    )  # fmt: skip
    assert len(run(engine, "latest_jobs", appliance="VC-n%").rows) == 2


def test_queries_per_appliance_use_an_index(sqlite_archive: Engine) -> None:
    """Queries per appliance look up jobs in an index, and never scan all of them."""
    for name in ("last_success", "latest_jobs"):
        with db.reading(sqlite_archive) as connection:
            text = sql_files.find(name, "sqlite").text
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
        steps = [
            row.detail for row in plan if re.search(r"\b(job|attempt|success|other)\b", row.detail)
        ]
        assert steps
        assert all(step.startswith("SEARCH") and "AUTOMATIC" not in step for step in steps)


def test_failures_this_week(engine: Engine) -> None:
    """Failed jobs of the last days have a row per message in vCenter's order, or one without text."""
    fill(engine)
    key = "20260304-020000-1"
    well = [
        ("2026-03-04", "vc-well", key, "SCHEDULED", "message", "disk full"),
        ("2026-03-04", "vc-well", key, "SCHEDULED", "message", 'gave up, "really"'),
        ("2026-03-04", "vc-well", key, "SCHEDULED", "error", "disk full"),
    ]
    not_reporting = ("2026-02-27", "vc-never", "20260227-020000-1", "SCHEDULED", None, None)
    assert run(engine, "failures_this_week", **TODAY) == (
        ("day", "appliance", "key", "type", "role", "text"),
        [*well, not_reporting],
    )
    assert run(engine, "failures_this_week", **TODAY, days="6").rows == well
    assert run(engine, "failures_this_week", **TODAY, appliance="VC-n%").rows == [not_reporting]
    assert len(run(engine, "failures_this_week", **TODAY, days="8").rows) == 5


def test_success_by_month(engine: Engine) -> None:
    """Open jobs do not count in the rate, and a month without a finished job has none."""
    fill(engine)
    assert run(engine, "success_by_month") == (
        ("month", "jobs", "succeeded", "failed", "open", "other", "success_rate"),
        [
            ("2025-12", 1, 1, 0, 0, 0, 1),
            ("2026-01", 5, 5, 0, 0, 0, 1),
            ("2026-02", 2, 0, 2, 0, 0, 0),
            ("2026-03", 4, 1, 1, 2, 0, 0.5),
        ],
    )
    assert run(engine, "success_by_month", appliance="vc-well").rows == [
        ("2025-12", 1, 1, 0, 0, 0, 1),
        ("2026-01", 1, 1, 0, 0, 0, 1),
        ("2026-02", 0, 0, 0, 0, 0, None),
        ("2026-03", 3, 1, 1, 1, 0, 0.5),
    ]
    assert run(engine, "success_by_month", type="manual").rows == [
        ("2026-01", 2, 2, 0, 0, 0, 1),
        ("2026-02", 0, 0, 0, 0, 0, None),
        ("2026-03", 1, 0, 0, 1, 0, None),
    ]


def test_growth_by_appliance(engine: Engine) -> None:
    """The medians of the first and the last month are compared; from 0 there is no ratio."""
    fill(engine)
    assert run(engine, "growth_by_appliance") == (
        (
            "appliance",
            "first_month",
            "first_size_bytes",
            "last_month",
            "last_size_bytes",
            "growth_bytes",
            "growth_ratio",
            "monthly_growth_bytes",
        ),
        [
            ("vc-well", "2025-12", 1000, "2026-03", 2500, 1500, 2.5, 500),
            ("vc-varies", "2026-01", 0, "2026-01", 0, 0, None, None),
        ],
    )
    assert run(engine, "growth_by_appliance", to_month="2026-02", appliance="%well").rows == [
        ("vc-well", "2025-12", 1000, "2026-01", 2000, 1000, 2, 1000)
    ]


def test_slowest_jobs(engine: Engine) -> None:
    """Successful jobs are compared with the median of their appliance, the slowest first."""
    fill(engine)
    found = run(engine, "slowest_jobs", jobs="4")
    assert found == (
        (
            "day",
            "appliance",
            "key",
            "type",
            "duration_seconds",
            "median_seconds",
            "times_median",
            "size_bytes",
        ),
        [
            ("2026-03-03", "vc-well", "20260303-020000-1", "SCHEDULED", 121, 110, 1.1, 2500),
            ("2026-01-31", "vc-well", "20260131-020000-1", "SCHEDULED", 110, 110, 1, 2000),
            ("2025-12-30", "vc-well", "20251230-020000-1", "SCHEDULED", 100, 110, 0.9091, 1000),
            ("2026-01-03", "vc-varies", "20260103-020000-1", "MANUAL", 9, 0, None, 7),
        ],
    )
    assert run(engine, "slowest_jobs", jobs="0").rows == []


def test_jobs_by_build(engine: Engine) -> None:
    """A build's row is over all appliances, and jobs without a build share the last one."""
    fill(engine)
    assert run(engine, "jobs_by_build") == (
        (
            "version",
            "version_name",
            "build_number",
            "appliances",
            "first_day",
            "last_day",
            "jobs",
            "succeeded",
            "failed",
            "success_rate",
            "duration_median_seconds",
            "size_median_bytes",
        ),
        [
            (
                "7.0.3.02100", "7.0 U3", "21784236", 2, "2025-12-30", "2026-02-27",
                3, 1, 2, 0.3333, 100, 1000,
            ),
            (
                "8.0.3.00400", "8.0 U3", "24322831", 1, "2026-01-31", "2026-03-05",
                4, 2, 1, 0.6667, 110, 2000,
            ),
            (None, None, None, 2, "2026-01-01", "2026-03-04", 5, 4, 0, 1, 0, 0),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("today", ["2024-02-29", "2025-12-31", "2026-01-01", "2045-12-31"])
def test_ages_are_counted_in_days(engine: Engine, today: str) -> None:
    """An age is a difference of days, even for years before the first jobs."""
    fill(engine)
    found = run(engine, "last_success", today=today, appliance="vc-well").rows[0]
    assert found[3] == (date.fromisoformat(today) - date(2026, 3, 3)).days


def test_age_from_an_unknown_day_is_null(engine: Engine) -> None:
    """Counted from a day that the calendar table lacks, an age is NULL, and no row is lost."""
    fill(engine)
    found = run(engine, "last_success", today="2100-12-31", appliance="vc-well").rows
    assert [row[3] for row in found] == [None]


def test_rates_are_rounded_alike(engine: Engine) -> None:
    """A rate halfway between two printable values is rounded up on both databases."""
    jobs = {
        f"202601{day:02}-020000-1": job(f"2026-01-{day:02}", 1, 1, "FAILED") for day in range(2, 32)
    }
    jobs["20260101-020000-1"] = job("2026-01-01", 1, 1)
    jobs["20260101-120000-1"] = job("2026-01-01T12:00:00Z", 1, 1, "FAILED")
    import_documents(engine, jobs)
    assert run(engine, "success_by_month").rows == [("2026-01", 32, 1, 31, 0, 0, 0.0313)]


def test_extreme_sizes_and_durations(engine: Engine) -> None:
    """Every query can process any values of a valid document."""
    huge = 2**63 - 1
    import_documents(
        engine,
        {
            "20260101-020000-1": job("2026-01-01", 1, 1, duration=huge),
            "20260201-020000-1": job("2026-02-01", 1, huge, duration=-huge),
            "20260202-020000-1": job("2026-02-02", 1, -huge),
            "x": samples.job("ODD", type=None),
        },
    )
    for name in NAMES:
        run(engine, name)
    assert run(engine, "growth_by_appliance").rows[0][5] == huge - 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in APART])
def test_empty_archive_gives_no_rows(engine: Engine, name: str) -> None:
    """An empty archive gives no rows, and no error."""
    assert run(engine, name).rows == []


def test_values_are_never_run_as_sql(engine: Engine) -> None:
    """Any value is only compared."""
    fill(engine)
    assert run(engine, "last_success", appliance="x' OR 1=1; DROP TABLE job --").rows == []
    assert len(run(engine, "last_success", appliance="%").rows) == 3


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("last_succes", {}, 'did you mean "last_success"?'),
        ("zzz", {}, 'unknown query "zzz" (known: '),
        ("../sql/last_success", {}, 'did you mean "last_success"?'),
        (
            "slowest_jobs",
            {"job": "3"},
            'query slowest_jobs: unknown param "job" (did you mean "jobs"?)',
        ),
        ("slowest_jobs", {"jobs": "three"}, 'jobs: invalid number "three"'),
        ("slowest_jobs", {"jobs": "-1"}, 'jobs: invalid number "-1"'),
        ("slowest_jobs", {"jobs": "9" * 19}, "invalid number"),
        ("last_success", {"today": "20260101"}, "write it as YYYY-MM-DD"),
        ("last_success", {"today": "2026-02-30"}, "write it as YYYY-MM-DD"),
        ("last_success", {"appliance": "a\0"}, "a backslash or an unprintable character"),
        ("last_success", {"appliance": "a\\"}, "a backslash or an unprintable character"),
    ],
)
def test_invalid_params_are_refused(
    engine: Engine, name: str, values: dict[str, str], complaint: str
) -> None:
    """An unknown name or a value of another type is a usage error that lists the params."""
    with pytest.raises(UsageError, match=re.escape(complaint)):
        run(engine, name, **values)


@pytest.mark.parametrize("name", NAMES)
def test_each_file_runs_in_sqlite3(sqlite_archive: Engine, name: str) -> None:
    """The sqlite3 shell gives the rows that the command gives."""
    keep(sqlite_archive, until_today)
    text = sql_files.find(name, "sqlite").text
    path = str(db.sqlite_file(sqlite_archive.url))
    before = run(sqlite_archive, name)
    shell = shutil.which("sqlite3")
    if shell:
        found = cells(output([shell, "-csv", "-header", path], text))
    else:
        with closing(sqlite3.connect(path)) as connection:
            cursor = connection.execute(text)
            header = [column[0] for column in cursor.description]
            found = [header, *(["" if v is None else str(v) for v in row] for row in cursor)]
    assert found in (printed(before), printed(run(sqlite_archive, name)))


@pytest.mark.parametrize("name", NAMES)
def test_each_file_runs_in_psql(postgresql_archive: Engine, name: str) -> None:
    """The psql shell gives the rows that the command gives."""
    keep(postgresql_archive, until_today)
    apart = f"{name}.postgresql.sql" if name in APART else f"{name}.sql"
    path = migrate.folder("sql") / apart
    url = postgresql_archive.url.set(drivername="postgresql").render_as_string(hide_password=False)
    before = run(postgresql_archive, name)
    shell = [str(psql()), "--no-psqlrc", "--csv", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
    found = cells(output([*shell, f"--file={path}"], "", PGTZ="UTC"))
    assert found in (printed(before), printed(run(postgresql_archive, name)))


def of_all_kinds(engine: Engine) -> None:
    """Archive the small fleet, and facts of its appliances."""
    fill(engine)
    tell(engine)


def until_today(engine: Engine) -> None:
    """Archive the small fleet, jobs that failed today and days ago, and missed backups."""
    of_all_kinds(engine)
    today = timestamps.now()
    before = timestamps.from_datetime(timestamps.to_datetime(today) - timedelta(days=3))
    messages = [say("%s, 50% off; né") | {"params": {"free": {"i": 0}}}]
    failed = {
        "before": job(before, 3, 4, "FAILED"),
        "now": job(today, 3, 4, "FAILED", messages=messages),
    }
    import_documents(engine, failed, "vc-new", today)
    started = timestamps.to_datetime(today)
    nights = [timestamps.from_datetime(started - timedelta(days=day, hours=9)) for day in range(20)]
    nightly = {
        f"{place}": job(at, 3, 4, "FAILED" if place == 1 else "SUCCEEDED")
        for place, at in enumerate(nights)
        if place != 4
    }
    import_documents(engine, nightly, "vc-nightly", today)


def psql() -> Path:
    """Return the psql of the tests' server, or any other that is installed."""
    spec = find_spec(postgres.WHEEL)
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "psql"
    found = shutil.which("psql")
    assert found is not None
    return Path(found)


def output(command: list[str], text: str, **environment: str) -> str:
    """Return the output of a program that reads a text."""
    done = subprocess.run(
        command, input=text, capture_output=True, check=True, encoding="utf-8", env=environment
    )
    assert done.stderr == ""
    return done.stdout


def cells(text: str) -> list[list[str]]:
    """Return the cells of CSV, instants in the archive's form."""
    return [[as_instant(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


def as_instant(cell: str) -> str:
    """Return a cell, in the archive's form if it is an instant in psql's form."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00", cell):
        return timestamps.from_datetime(datetime.fromisoformat(cell))
    return cell


def printed(result: sql_files.Result) -> list[list[str]]:
    """Return the cells of a result as a shell prints them."""
    rows = [["" if value is None else str(value) for value in row] for row in result.rows]
    return [list(result.columns), *rows]
