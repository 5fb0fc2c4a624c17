from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db
from archive.reports import Scope
from tests.reports import nights
from tests.reports.nights import CADENCED, DAILY, NOW, SCHEDULED, ask, at, csv, night, tell
from tests.support.archives import each, import_documents, job_rows
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW, cadences=((CADENCED, 86400),))
NONE = (None,) * 9


def test_compliance(engine: Engine) -> None:
    """Each expected backup is a row with the job that met it, or its last attempt."""
    nights.load(engine)
    digests = {row[0]: row[1].hex() for row in job_rows(engine, "key", "digest")}
    seen = {SCHEDULED: at("2026-03-11T06:00"), CADENCED: at("2026-03-08T13:00")}

    def job(name: str, run: int, start: str, status: str, end: str | None = None) -> Any:
        key = f"{start[:10].replace('-', '')}-{start[11:13]}{start[14:16]}00-1"
        ended = at(end) if end else None if status == "RUNNING" else f"{start}:30.000000Z"
        return (key, status, at(start), ended, 60, 1024, digests[key], run, seen[name])

    def due(day: int) -> Any:
        return (SCHEDULED, f"2026-03-{day:02}", at(f"2026-03-{day:02}T01:00"), "schedule")

    def plain(day: int) -> Any:
        return (CADENCED, f"2026-03-{day:02}", at(f"2026-03-{day:02}T12:00"), "cadence")

    def of(start: str, status: str = "SUCCEEDED", end: str | None = None) -> Any:
        return job(SCHEDULED, 1, f"2026-03-{start}", status, end)

    assert ask(engine, "compliance", SCOPE) == [
        (*due(2), "met", *of("02T01:00", end="2026-03-02T01:10")),
        (*due(3), "failed", *of("03T01:00", "FAILED")),
        (*due(4), "met", *of("04T09:00")),
        (*due(5), "did not run", *NONE),
        (*due(6), "met", *of("06T01:00")),
        (*due(7), "met", *of("08T00:30")),
        (*due(8), "met", *of("08T01:00")),
        (*due(9), "running", *of("09T01:00", "RUNNING")),
        (*due(10), "met", *of("10T01:00")),
        (*due(11), "met", *of("11T01:00")),
        (*plain(7), "did not run", *NONE),
        (*plain(8), "met", *job(CADENCED, 2, "2026-03-08T12:00", "SUCCEEDED")),
        (*plain(9), "no data", *NONE),
        (*plain(10), "no data", *NONE),
    ]


def test_notes_add_up(engine: Engine) -> None:
    """Met and missed backups add up to the expected ones."""
    nights.load(engine)
    scope = Scope(now=NOW, cadences=SCOPE.cadences, appliances=(CADENCED,))
    assert nights.notes(engine, "compliance", scope) == [
        "Expected backups: 4; met: 1; missed: 3 (0 failed, 0 running, 1 did not run, 2 no data)."
    ]


FIRST = datetime(2026, 3, 1, tzinfo=UTC)
# Some jobs at the usual hours of a month, in minutes after its start, and some at any time.
STARTS = st.builds(
    lambda day, minute: day * 1440 + minute,
    st.integers(0, 30),
    st.sampled_from([0, 5, 120, 121, 1435]) | st.integers(0, 1439),
)
JOBS = st.lists(
    st.tuples(
        STARTS,
        st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING", "CANCELLED"]),
        st.sampled_from(["SCHEDULED", "MANUAL"]),
    ),
    max_size=40,
    unique_by=lambda job: job[0],
)
SCHEDULES = st.none() | st.builds(
    lambda hour, days, enabled: DAILY._replace(hour=hour, days=days, enabled=enabled),
    st.sampled_from([0, 2, 23]),
    st.sampled_from([None, ("SUNDAY",), ("MONDAY", "THURSDAY")]),
    st.sampled_from([True, True, False]),
)
CADENCES = st.sampled_from([None, 43200, 86400, 3 * 86400, 7 * 86400])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])


def load(engine: Engine, name: str, jobs: list[Any], schedule: Any, zone: str) -> None:
    documents = dict(
        night((FIRST + timedelta(minutes=minute)).isoformat()[:16], status, type=kind)
        for minute, status, kind in jobs
    )
    import_documents(engine, documents, name, at("2026-03-29T12:00"))
    if schedule is not None:
        tell(engine, name, at("2026-03-10T12:00"), (schedule,), zone)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    one=st.tuples(JOBS, SCHEDULES, ZONES),
    other=st.tuples(JOBS, SCHEDULES, ZONES),
    cadence=CADENCES,
    split=st.integers(1, 31),
    now=st.integers(20, 32 * 24),
)
def test_periods_and_fleets_add_up(
    engines: list[Engine], one: Any, other: Any, cadence: int | None, split: int, now: int
) -> None:
    """Rows of two periods, or of two fleets, are those of both; missed and met ones are all expected."""
    cadences = () if cadence is None else (("a", cadence), ("b", cadence))
    common: dict[str, Any] = {
        "now": nights.instant(FIRST + timedelta(hours=now)),
        "cadences": cadences,
    }
    written = []
    for engine in each(engines):
        load(engine, "a", *one)
        load(engine, "b", *other)
        whole = ask(engine, "compliance", Scope(**common))
        middle = f"2026-03-{split:02}"
        following = (FIRST + timedelta(days=split)).date().isoformat()
        early = ask(engine, "compliance", Scope(**common, until=middle))
        overdue = ask(engine, "compliance", Scope(**common, since=following))
        assert sorted(early + overdue, key=lambda row: row[:2]) == whole
        assert all(row[1] <= middle for row in early)
        parts = [ask(engine, "compliance", Scope(**common, appliances=(name,))) for name in "ab"]
        assert parts[0] + parts[1] == whole

        missed = ask(engine, "missed", Scope(**common))
        assert [row[:5] for row in missed] == [row[:5] for row in whole if row[4] != "met"]
        tallies = ask(engine, "missed", Scope(**common, by="appliance"))
        assert sum(row[1] for row in tallies) == len(whole)
        for _, expected, met, not_met, *kinds, rate in tallies:
            assert met + not_met == expected
            assert sum(kinds) == not_met
            assert rate == (met / expected if expected else None)

        keys = [(row[0], row[5]) for row in whole if row[4] == "met"]
        assert len(keys) == len(set(keys))  # a job meets one at most
        assert all(row[7] <= common["now"] for row in whole if row[5])
        written.append([csv(engine, name, Scope(**common)) for name in ("missed", "compliance")])
        written[-1].append(csv(engine, "missed", Scope(**common, by="appliance")))
    assert written[0] == written[1]


def test_reports_share_a_read_transaction(engine: Engine) -> None:
    """Several reports see one state of the archive, also in parallel."""
    from archive import reports

    nights.load(engine)
    with db.reading(engine) as connection:
        running = [reports.run(connection, name, SCOPE) for name in ("missed", "compliance")]
        assert len(list(zip(*running, strict=False))) == 6
