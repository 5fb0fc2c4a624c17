"""The queries for DBAs, each as a literal table of the small fleet."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, timestamps
from archive.db import tables
from archive.reports import sql_files
from archive.store import totals
from tests.support import samples
from tests.support.archives import count, each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.queried import TODAY, V7, V8, fill, job, run, tell

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NAS = "sftp://nas.example.com/backup"
WELL, VARIES, NEVER = "vc-well", "vc-varies", "vc-never"
V9 = {"version_name": "9.0", "version": "9.0.0.0", "build_number": "24755230"}


def full(engine: Engine) -> None:
    """Archive the small fleet with facts, collections and quarantine."""
    fill(engine)
    tell(engine)


def rows(engine: Engine, name: str, **values: str) -> list[tuple[Any, ...]]:
    return run(engine, name, **values).rows


def test_jobs_of_day(engine: Engine) -> None:
    """A day's jobs are in the order of their starts, and those without a start last."""
    full(engine)
    assert run(engine, "jobs_of_day", day="2026-03-04") == (
        (
            "start_time", "appliance", "key", "type", "status", "duration_seconds", "size_bytes",
            "location",
        ),
        [
            (
                "2026-03-04T02:00:00.000000Z", WELL, "20260304-020000-1", "SCHEDULED", "FAILED", 30, 10,
                NAS,
            ),
            (None, NEVER, "20260304-020000-1", "MANUAL", "PENDING", None, None, NAS),
        ],
    )  # fmt: skip
    assert len(rows(engine, "jobs_of_day", day="2026-03-04", status="failed")) == 1
    assert rows(engine, "jobs_of_day", day="2026-03-04", appliance="%varies") == []
    assert rows(engine, "jobs_of_day", day="1999-12-31") == []


def test_open_jobs(engine: Engine) -> None:
    """Jobs that have not ended are listed, the oldest first, with their last-seen time."""
    full(engine)
    assert run(engine, "open_jobs", **TODAY) == (
        (
            "age_days", "day", "appliance", "key", "status", "type", "start_time",
            "progress_completed", "progress_total", "last_seen",
        ),
        [
            (
                1, "2026-03-04", NEVER, "20260304-020000-1", "PENDING", "MANUAL", None, None, None,
                "2026-03-04T03:00:00.000000Z",
            ),
            (
                0, "2026-03-05", WELL, "20260305-020000-1", "RUNNING", "SCHEDULED",
                "2026-03-05T02:00:00.000000Z", 100, 100, "2026-03-05T02:00:15.250000Z",
            ),
        ],
    )  # fmt: skip


def test_largest_jobs(engine: Engine) -> None:
    """The largest successful jobs of a period; running jobs do not count."""
    full(engine)
    assert run(engine, "largest_jobs", jobs="2") == (
        ("day", "appliance", "key", "type", "size_bytes", "duration_seconds", "location"),
        [
            ("2026-03-03", WELL, "20260303-020000-1", "SCHEDULED", 2500, 121, NAS),
            ("2026-01-31", WELL, "20260131-020000-1", "SCHEDULED", 2000, 110, NAS),
        ],
    )
    found = rows(engine, "largest_jobs", to_month="2026-01", appliance="%varies")
    assert [row[4] for row in found] == [7, 5, 0, 0]


def test_size_percentiles(engine: Engine) -> None:
    """A percentile is an existing size: of five, the third is the median."""
    full(engine)
    found = run(engine, "size_percentiles", from_month="2026-01")
    assert found == (
        (
            "month", "jobs", "least_size_bytes", "p10_size_bytes", "p50_size_bytes", "p90_size_bytes",
            "p95_size_bytes", "p99_size_bytes", "greatest_size_bytes",
        ),
        [
            ("2026-01", 5, 0, 0, 5, 2000, 2000, 2000, 2000),
            ("2026-03", 2, 70, 70, 70, 2500, 2500, 2500, 2500),
        ],
    )  # fmt: skip
    assert rows(engine, "size_percentiles", type="manual")[0][1:] == (2, 5, 5, 5, 7, 7, 7, 7)


def test_throughput_by_month(engine: Engine) -> None:
    """Sums are of the successful jobs that have a rate; without any there is no throughput."""
    full(engine)
    assert run(engine, "throughput_by_month") == (
        ("month", "jobs", "measured", "size_bytes", "duration_seconds", "bytes_per_second"),
        [
            ("2025-12", 1, 1, 1000, 100, 10),
            ("2026-01", 5, 3, 2012, 128, 15),
            ("2026-03", 2, 2, 2570, 181, 14),
        ],
    )
    import_documents(engine, {"none": job("2026-04-01", 0, 5, type="ODD")}, "vc-odd")
    assert rows(engine, "throughput_by_month", type="odd") == [("2026-04", 1, 0, 0, 0, None)]


def test_sums_beyond_64_bits(engine: Engine) -> None:
    """The sizes of a month may exceed a 64-bit column, with at most a rounding on SQLite."""
    huge = 2**63 - 1
    import_documents(engine, {f"{day}": job(f"2026-04-0{day}", 1, huge) for day in range(1, 5)})
    ((_, jobs, _, size, _, _),) = rows(engine, "throughput_by_month")
    assert jobs == 4
    assert size == (4 * huge if engine.dialect.name == "postgresql" else float(4 * huge))


def test_failures_by_message(engine: Engine) -> None:
    """A job counts once for each identifier, and jobs without messages share a row."""
    full(engine)
    disk = ("id of disk full", 1, 1, "2026-03-04", "2026-03-04", "disk full")
    gone = ('id of gave up, "really"', 1, 1, "2026-03-04", "2026-03-04", 'gave up, "really"')
    assert run(engine, "failures_by_message", **TODAY) == (
        ("message_id", "jobs", "appliances", "first_day", "last_day", "example"),
        [
            disk,
            gone,
            ("id of too old", 1, 1, "2026-02-26", "2026-02-26", "too old"),
            (None, 1, 1, "2026-02-27", "2026-02-27", None),
        ],
    )
    assert rows(engine, "failures_by_message", **TODAY, days="2") == [disk, gone]
    assert rows(engine, "failures_by_message", **TODAY, days="0") == []
    assert rows(engine, "failures_by_message", today="2026-03-03", appliance=WELL) == []


def nights(results: str) -> dict[str, Any]:
    """Return a job a night from 1 January: F failed, S succeeded, R still running, . none."""
    statuses = {"F": "FAILED", "S": "SUCCEEDED", "R": "RUNNING"}
    return {
        f"202601{day:02}-020000-1": job(f"2026-01-{day:02}", 1, 1, statuses[letter])
        for day, letter in enumerate(results, 1)
        if letter != "."
    }


def test_failure_streaks(engine: Engine) -> None:
    """A running job and a night without one do not end a streak; a success does."""
    import_documents(engine, nights("FFSF.RF"), "vc-a")
    import_documents(engine, nights("SFFFS"), "vc-b")
    import_documents(engine, nights("SFSF"), "vc-c")
    assert run(engine, "failure_streaks", today="2026-01-31") == (
        ("ongoing", "failures", "appliance", "first_day", "last_day", "first_key"),
        [
            (1, 2, "vc-a", "2026-01-04", "2026-01-07", "20260104-020000-1"),
            (0, 3, "vc-b", "2026-01-02", "2026-01-04", "20260102-020000-1"),
            (0, 2, "vc-a", "2026-01-01", "2026-01-02", "20260101-020000-1"),
        ],
    )
    assert len(rows(engine, "failure_streaks", today="2026-01-31", failures="1")) == 5
    assert rows(engine, "failure_streaks", today="2026-01-03", days="1") == []


def test_recovery(engine: Engine) -> None:
    """From the first failure to the next success; open streaks have no recovery."""
    import_documents(engine, nights("FFSF.RF"), "vc-a")
    import_documents(engine, nights("SFFFSFS"), "vc-b")
    import_documents(engine, nights("SS"), "vc-c")
    assert run(engine, "recovery", today="2026-01-31") == (
        ("appliance", "failing_since", "outages", "recovered", "median_days", "most_days"),
        [("vc-a", "2026-01-04", 2, 1, 2, 2), ("vc-b", None, 2, 2, 1, 3)],
    )


RESULTS = st.text("FSR.", min_size=1, max_size=31)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(RESULTS, min_size=1, max_size=3))
def test_streaks_follow_their_definition(engines: list[Engine], fleet: list[str]) -> None:
    """Streaks and recoveries equal a count along the nights of each appliance."""
    streaks, recoveries = [], []
    for number, results in enumerate(fleet):
        days = [(day, letter) for day, letter in enumerate(results, 1) if letter in "FS"]
        runs = [list(group) for _, group in groupby(days, key=lambda night: night[1])]
        failing = [place for place, found in enumerate(runs) if found[0][1] == "F"]
        lasted = sorted(
            runs[place + 1][0][0] - runs[place][0][0] for place in failing if place + 1 < len(runs)
        )
        for place in failing:
            first, last = runs[place][0][0], runs[place][-1][0]
            ongoing = int(place + 1 == len(runs))
            streaks.append((ongoing, len(runs[place]), f"vc-{number}", first, last))
        if failing:
            since = runs[-1][0][0] if failing[-1] + 1 == len(runs) else None
            middle = lasted[(len(lasted) - 1) // 2] if lasted else None
            recoveries.append(
                (
                    f"vc-{number}",
                    since,
                    len(failing),
                    len(lasted),
                    middle,
                    max(lasted, default=None),
                )
            )
    for engine in each(engines):
        for number, results in enumerate(fleet):
            import_documents(engine, nights(results), f"vc-{number}")
        found = rows(engine, "failure_streaks", today="2026-02-01", failures="1")
        assert sorted((*row[:3], *map(of_month, row[3:5])) for row in found) == sorted(streaks)
        found = rows(engine, "recovery", today="2026-02-01")
        assert sorted((row[0], of_month(row[1]), *row[2:]) for row in found) == recoveries


def of_month(day: str | None) -> int | None:
    """Return the day of the month."""
    return None if day is None else int(day[-2:])


def test_missed_backups(engine: Engine) -> None:
    """A missed backup failed, is still running, did not run, or was due without any further import."""
    import_documents(
        engine, nights("SSSSSSSSSSSSSSSSF.RS..S."), "vc-a", "2026-01-25T00:00:00.000000Z"
    )
    import_documents(engine, nights("SSSSSSSSSSSSS"), "vc-b", "2026-01-13T12:00:00.000000Z")
    assert run(engine, "missed_backups", today="2026-01-24") == (
        (
            "appliance", "expected", "missed", "failed", "running", "did_not_run", "no_data",
            "first_day", "last_day", "most_in_a_row",
        ),
        [
            ("vc-b", 14, 8, 0, 0, 0, 8, "2026-01-14", "2026-01-21", 8),
            ("vc-a", 17, 6, 1, 1, 4, 0, "2026-01-17", "2026-01-24", 3),
        ],
    )  # fmt: skip
    assert rows(engine, "missed_backups", today="2026-01-18", days="3", appliance="%a") == [
        ("vc-a", 3, 2, 1, 0, 1, 0, "2026-01-17", "2026-01-18", 2)
    ]


def test_appliances_not_reporting(engine: Engine) -> None:
    """An appliance that never answered comes first, then by the age of the last import."""
    full(engine)
    import_documents(engine, {}, "vc-now", timestamps.now())
    new = ("vc-new", None, None, None, None, "2026-03-05T02:00:00.000000Z", "failed", "no answer")
    asked = ("2026-03-05T00:00:00.000000Z", "failed", "no answer")
    found = run(engine, "appliances_not_reporting", today="2026-03-06")
    assert found.columns == (
        "appliance", "last_seen", "not_reporting_days", "usual_import_seconds", "import_due_time",
        "asked_at", "outcome", "reason",
    )  # fmt: skip
    assert [row[:3:2] for row in found.rows] == [
        ("vc-new", None), (NEVER, 2), (WELL, 1), (VARIES, 1),
    ]  # fmt: skip
    never = (NEVER, "2026-03-04T03:00:00.000000Z", 2, None, "2026-03-06T05:00:00.000000Z", *asked)
    assert found.rows[:2] == [new, never]
    assert found.rows[3][5:] == (None, None, None)
    assert rows(engine, "appliances_not_reporting", today="2026-03-06", appliance="%r") == [never]


def test_overdue(engine: Engine) -> None:
    """Appliances that are not ok come by state, with what is overdue and since when."""
    now = timestamps.to_datetime(timestamps.now())

    def ago(**time: float) -> str:
        return timestamps.from_datetime(now - timedelta(**time))

    def missing(instant: str) -> str:
        return f"{instant[:19]}.000000Z"

    def seconds(instant: str) -> float:
        return timestamps.to_datetime(instant).timestamp()

    for name, first in (("vc-late", 3), ("vc-ok", 0)):
        daily = {f"{day}": job(ago(days=day, hours=9), 60, 1) for day in range(first, 20)}
        import_documents(engine, daily, name, ago())
    import_documents(engine, {"1": job(ago(days=9), 60, 1)}, "vc-old", ago(days=8))
    import_documents(engine, {"1": job(ago(days=1), 60, 1, "FAILED")}, "vc-none", ago())
    found = run(engine, "overdue")
    assert found.columns == (
        "appliance", "state", "overdue_since_time", "last_success_end_time", "consecutive_failures",
        "rpo_seconds", "rpo_from", "next_due_time", "next_due", "last_seen", "import_due_time",
    )  # fmt: skip
    never, late, old = found.rows
    assert never == (
        "vc-none", "never", None, None, 1, None, "none", None, None, ago(), missing(ago(hours=-50))
    )  # fmt: skip
    assert late[:2] == ("vc-late", "overdue")
    assert abs(seconds(late[2]) - seconds(ago(days=2, hours=9))) <= 600
    assert late[3:7] == (ago(days=3, hours=9, seconds=-60), 0, 26 * 3600, "learned")
    assert late[9:] == never[9:]
    assert (late[8], old[7], old[8]) == (None, None, None)
    assert old[:4] == ("vc-old", "no recent data", None, ago(days=9, seconds=-60))
    assert rows(engine, "overdue", state="OVERDUE", appliance="VC-%") == [late]


def test_before_and_after_build(engine: Engine) -> None:
    """The given number of jobs on each side of the update is compared, of these two builds only."""
    seconds = {V7["build_number"]: (9, 100, 120), V8["build_number"]: (300, 200, 250, 9)}
    builds = {build["build_number"]: build for build in (V7, V8)}
    nights = [(builds[number], length) for number, lengths in seconds.items() for length in lengths]
    nights.append((V9, 50))
    jobs = {
        f"202601{day:02}-020000-1": job(f"2026-01-{day:02}", length, 1, build=build)
        for day, (build, length) in enumerate(nights, 1)
    }
    import_documents(engine, jobs)
    assert run(engine, "before_and_after_build", jobs="2") == (
        (
            "day", "appliance", "build_before", "build_number", "jobs_before", "jobs_after",
            "before_seconds", "after_seconds", "times_before",
        ),
        [
            ("2026-01-08", "vc01", "24322831", "24755230", 2, 1, 9, 50, 5.5556),
            ("2026-01-04", "vc01", "21784236", "24322831", 2, 2, 100, 200, 2),
        ],
    )  # fmt: skip
    assert rows(engine, "before_and_after_build", build=V8["build_number"]) == [
        ("2026-01-04", "vc01", "21784236", "24322831", 3, 4, 100, 200, 2)
    ]


def test_locations(engine: Engine) -> None:
    """A target that only a schedule has is listed as well, and passwords are not."""
    full(engine)
    import_documents(
        engine,
        {"x": samples.job("FAILED", location="ftp://backup:secret@old.example.com/vc")},
        VARIES,
    )
    assert run(engine, "locations") == (
        (
            "location", "jobs", "appliances", "first_day", "last_day", "last_success", "schedules",
        ),
        [
            (NAS, 13, 3, "2025-12-30", "2026-03-05", "2026-03-05", 2),
            ("ftp://backup:***@old.example.com/vc", 1, 1, "2026-03-01", "2026-03-01", None, 0),
        ],
    )  # fmt: skip
    with db.writing(engine) as connection:
        for table in (
            tables.job_status,
            tables.message,
            tables.message_param,
            tables.message_arg,
            tables.message_content,
        ):
            connection.execute(sa.delete(table))
        connection.execute(sa.delete(tables.job_finding))
        connection.execute(sa.delete(tables.job_error))
        connection.execute(sa.delete(tables.job))
        totals.rebuild(connection)
    assert rows(engine, "locations", location="SFTP%") == [(NAS, 0, 0, None, None, None, 2)]


def test_findings_by_code(engine: Engine) -> None:
    """A rule that a job breaks twice is two findings of one job."""
    full(engine)
    odd = samples.job("PENDING", cancelable=None, type=None, size=1)
    import_documents(engine, {"20260301-020000-1": odd}, WELL, "2026-03-05T05:00:00.000000Z")
    assert run(engine, "findings_by_code") == (
        ("code", "field", "findings", "jobs", "appliances", "first_day", "last_day", "example"),
        [
            (
                "missing_field", "cancelable", 2, 2, 2, "2026-03-01", "2026-03-05",
                "the schema requires cancelable",
            ),
            (
                "missing_field", "type", 1, 1, 1, "2026-03-01", "2026-03-01",
                "the schema requires type",
            ),
            (
                "unexpected_field", "size", 1, 1, 1, "2026-03-01", "2026-03-01",
                "a PENDING job must not have size",
            ),
        ],
    )  # fmt: skip
    assert [row[2] for row in rows(engine, "findings_by_code", appliance=VARIES)] == [1]


def test_start_after_the_last_import_is_a_finding(engine: Engine) -> None:
    """A job that has not started when it is seen shows a wrong clock, until an import after its start."""
    late = {"20260305-060000-1": job("2026-03-05T06:00:00Z", 1, 1)}
    import_documents(engine, late, WELL, "2026-03-05T05:00:00.000000Z")
    example = "job 20260305-060000-1 starts after the last import of its appliance"
    day = "2026-03-05"
    assert rows(engine, "findings_by_code") == [
        ("starts_after_seen", "start_time", 1, 1, 1, day, day, example)
    ]
    import_documents(engine, late, WELL, "2026-03-05T07:00:00.000000Z")
    assert rows(engine, "findings_by_code") == []


def test_quarantine_summary(engine: Engine) -> None:
    """Documents are counted by reason, with their bytes."""
    full(engine)
    seen = "2026-03-05T02:00:15.250000Z"
    assert run(engine, "quarantine_summary") == (
        ("reason", "documents", "size_bytes", "appliances", "first_seen", "last_seen", "example"),
        [
            (
                "no status",
                2,
                2 * len('"20260305-010000-1":{"no": "20260305-010000-1"}'),
                1,
                seen,
                seen,
                2,
            )
        ],
    )
    assert rows(engine, "quarantine_summary", appliance="vc-v%") == []


def test_imports(engine: Engine) -> None:
    """The newest import comes first, with its counts."""
    full(engine)
    assert run(engine, "imports", imports="3") == (
        (
            "id", "appliance", "source", "seen_at", "outcome", "seen", "new", "changed",
            "unchanged", "findings", "quarantined", "pruned", "error",
        ),
        [
            (
                6, WELL, "answer.json", "2026-03-05T02:00:15.250000Z", "complete", 1, 0, 0, 0, 0, 1,
                0, None,
            ),
            (
                5, WELL, "answer.json", "2026-03-05T02:00:15.250000Z", "complete", 1, 0, 0, 0, 0, 1,
                0, None,
            ),
            (
                4, VARIES, "answer.json", "2026-03-05T04:00:00.000000Z", "complete", 1, 1, 0, 0, 1, 0,
                0, None,
            ),
        ],
    )  # fmt: skip
    assert [row[0] for row in rows(engine, "imports", appliance=VARIES)] == [4, 3]
    assert rows(engine, "imports", outcome="failed") == []


def test_collections(engine: Engine) -> None:
    """For a running collection the appliances so far are counted; the finished ones are listed, too."""
    full(engine)
    hours = [f"2026-03-05T0{hour}:00:00.000000Z" for hour in range(3)]
    assert run(engine, "collections") == (
        (
            "id", "started", "finished", "outcome", "asked", "complete", "partial", "failed",
            "not_asked", "new_jobs", "changed_jobs", "reasons", "example",
        ),
        [
            (2, hours[2], None, "running", 3, 0, 0, 1, 2, 0, 0, 1, "no answer"),
            (1, hours[0], hours[1], "partial", 3, 1, 0, 2, 0, 0, 0, 2, "no answer"),
        ],
    )  # fmt: skip
    assert len(rows(engine, "collections", collections="1")) == 1


def test_schedules(engine: Engine) -> None:
    """The current schedules, and with a param the previous ones."""
    full(engine)
    first, fourth, fifth = (f"2026-03-0{day}T03:00:00.000000Z" for day in (1, 4, 5))
    now = [
        (
            VARIES, "default", 0, 2, 0, None, 7, '["common"]', None, fifth, fifth, None,
        ),
        (WELL, "default", 1, 2, 0, None, 14, '["common"]', NAS, fourth, fourth, None),
        (
            WELL, "weekly", 1, 22, 30, '["MONDAY","FRIDAY"]', 7, '["common"]', NAS, fourth, fourth,
            None,
        ),
    ]  # fmt: skip
    assert run(engine, "schedules") == (
        (
            "appliance", "key", "enabled", "hour", "minute", "days", "max_count", "parts",
            "location", "first_seen", "last_seen", "ended_at",
        ),
        now,
    )  # fmt: skip
    before = (WELL, "default", 1, 2, 0, None, 7, '["common"]', NAS, first, first, fourth)
    assert rows(engine, "schedules", past="1") == [now[0], before, *now[1:]]
    assert rows(engine, "schedules", appliance="%varies") == now[:1]


def test_versions(engine: Engine) -> None:
    """Versions and time zones are one list; with a param it includes previous versions."""
    full(engine)
    first, fourth, fifth = (f"2026-03-0{day}T03:00:00.000000Z" for day in (1, 4, 5))
    product = ("24322831", "vCenter")
    assert run(engine, "versions") == (
        (
            "appliance", "what", "value", "build_number", "product", "first_seen", "last_seen",
            "ended_at",
        ),
        [
            (VARIES, "version", "8.0.3", *product, fifth, fifth, None),
            (VARIES, "time zone", "UTC", None, None, fifth, fifth, None),
            (WELL, "version", "8.0.3", *product, fourth, fourth, None),
            (WELL, "time zone", "Europe/Berlin", None, None, first, fourth, None),
        ],
    )  # fmt: skip
    assert rows(engine, "versions", past="1", appliance=WELL)[0] == (
        WELL, "version", "7.0.3", "21784236", "vCenter", first, first, fourth,
    )  # fmt: skip


def test_message_search(engine: Engine) -> None:
    """A text is found in either case, in jobs of any status, newest day first."""
    full(engine)
    key = "20260304-020000-1"
    full_disk = [
        ("2026-03-04", WELL, key, "FAILED", role, "id of disk full", "disk full")
        for role in ("message", "error")
    ]
    assert run(engine, "message_search", **TODAY, text="%DISK%") == (
        ("day", "appliance", "key", "status", "role", "message_id", "text"),
        full_disk,
    )
    assert rows(engine, "message_search", **TODAY, text="%disk%", messages="1") == full_disk[:1]
    assert rows(engine, "message_search", today="2026-03-03", text="%disk%") == []
    assert len(rows(engine, "message_search", **TODAY)) == 18


def test_message_params(engine: Engine) -> None:
    """Each value has its type, and a nested one has a path."""
    full(engine)
    of = ("2026-03-05", VARIES, "20260305-030000-1", "values")
    number = (*of, "why.number", None, 7, None, None, None)
    assert run(engine, "message_params", **TODAY) == (
        ("day", "appliance", "key", "message_id", "path", "s", "i", "d", "dt", "nested_id"),
        [
            (*of, "size", None, None, 0.5, None, None),
            (*of, "when", None, None, None, "2026-03-05T03:00:00.000000Z", None),
            (*of, "who", "Zoë", None, None, None, None),
            (*of, "why", None, None, None, None, "nested"),
            number,
        ],
    )
    assert rows(engine, "message_params", **TODAY, path="why.%") == [number]
    assert rows(engine, "message_params", **TODAY, message_id="other") == []


def test_archive_size(engine: Engine) -> None:
    """All tables are listed, the largest first; on SQLite rows are counted, not estimated."""
    full(engine)
    found = run(engine, "archive_size")
    assert found.columns == ("table_name", "rows", "size_bytes", "index_bytes")
    sizes = [row[2] for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size >= index >= 0 for _, _, size, index in found.rows)
    names = {row[0] for row in found.rows}
    assert tables.metadata.tables.keys() | {"archive_schema"} <= names | {"sqlite_schema"}
    if engine.dialect.name == "sqlite":
        counted = {row[0]: row[1] for row in found.rows}
        for name, table in tables.metadata.tables.items():
            assert counted[name] == count(engine, table), name
    assert [row[0] for row in rows(engine, "archive_size", table_name="JOB")] == ["job"]


@pytest.mark.parametrize(
    "name",
    [
        "failures_by_message",
        "failures_this_week",
        "jobs_of_day",
        "message_params",
        "message_search",
        "open_jobs",
    ],
)
def test_queries_for_some_days_use_an_index(sqlite_archive: Engine, name: str) -> None:
    """Queries for some days look up jobs by day, and never scan all of them."""
    with db.reading(sqlite_archive) as connection:
        text = f"EXPLAIN QUERY PLAN {sql_files.find(name, 'sqlite').text}"
        steps = [row.detail for row in connection.exec_driver_sql(text)]
    found = [
        step for step in steps if step.startswith(("SCAN", "SEARCH")) and " job " in f"{step} "
    ]
    assert found
    assert all(step.startswith("SEARCH job USING") and "day" in step for step in found[:1])
    assert not [step for step in steps if step.startswith(("SCAN job", "SCAN message"))]
