"""Collections over a fleet: what is archived, and what is reported about the rest."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import stamina

from archive import db
from archive.collect import store_answer
from archive.collect.run import collect, rehearse
from archive.config.settings import Fleet, Secret
from archive.db import migrate, tables
from archive.errors import AlreadyRunningError, DatabaseError
from archive.ingest import retry_quarantine
from archive.maintenance import verify
from archive.store import collection_log, loader, quarantine
from archive.store.counts import Counts
from tests.support.archives import content, count, empty, lines, rows
from tests.support.command import archive, at
from tests.support.failures import failing_load
from tests.support.laws import some
from tests.support.samples import api, job
from tests.vcenter_server import faults
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.entries import entry
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from archive.collect.store_answer import Outcome
    from archive.config.settings import Entry
    from archive.store.collection_log import Collection
    from tests.vcenter_server.faults import Fault


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


KEY, NEXT = "20260301-021500-24322831", "20260302-021500-24322831"
JOBS = {KEY: job(), NEXT: job("FAILED")}


class Run:
    """Appliances of a server, by name, and collections from them into one archive."""

    def __init__(self, server: Server, engine: Engine, folder: Path) -> None:
        self.server = server
        self.engine = engine
        self.fleet = Fleet(path=folder / "archive.toml")
        self.appliances: dict[str, Appliance] = {}
        self.entries: dict[str, Entry] = {}
        self.outcomes: dict[str, Outcome] = {}

    def add(self, name: str, jobs: dict[str, Any] | None = None, **values: Any) -> Appliance:
        """Serve an appliance, and add it to the configuration."""
        appliance = self.server.add(Appliance(JOBS if jobs is None else jobs))
        self.appliances[name] = appliance
        self.entries[name] = entry(self.server, appliance, name, **values)
        return appliance

    def suffering(self, name: str, fault: Fault, on: Resource = Resource.DETAILS) -> Appliance:
        """Serve an appliance with a fault."""
        appliance = self.add(name)
        appliance.suffer(fault, on)
        return appliance

    @property
    def counts(self) -> dict[str, Counts]:
        """Return the counts of each appliance."""
        return {name: outcome.counts for name, outcome in sorted(self.outcomes.items())}

    def collect(self, keep_in: Path | None = None) -> Collection:
        """Collect once, then check that the archive is sound and no session is open."""
        self.outcomes.clear()
        entries = list(self.entries.values())
        done = collect(self.engine, self.fleet, entries, self.on_outcome, keep_in)
        assert list(verify.verify(self.engine)) == []
        assert not any(appliance.sessions for appliance in self.appliances.values())
        return done

    def on_outcome(self, outcome: Outcome) -> None:
        """Record the outcome of one appliance."""
        assert outcome.attempt.appliance not in self.outcomes
        self.outcomes[outcome.attempt.appliance] = outcome

    def ended(self) -> dict[str, str]:
        """Return the outcome of each appliance."""
        return {name: outcome.attempt.outcome for name, outcome in sorted(self.outcomes.items())}

    def reason(self, name: str) -> str:
        """Return the reason of an appliance that failed or is partial."""
        reason = self.outcomes[name].attempt.reason
        assert reason
        return reason


@pytest.fixture
def run(server: Server, engine: Engine, tmp_path: Path) -> Run:
    return Run(server, engine, tmp_path)


def jobs(engine: Engine) -> list[tuple[Any, ...]]:
    """Return the appliances that have jobs."""
    query = sa.select(tables.appliance.c.name, tables.job.c.key, tables.job.c.status)
    return sorted(rows(engine, query.join_from(tables.appliance, tables.job)))


EXPORTED = {"appliance": "vc02", "job": KEY, "info": job("FAILED")}


@pytest.mark.parametrize(
    "answer",
    some([
        [EXPORTED],
        EXPORTED,
        [EXPORTED | {"appliance": "vc01", "job": NEXT}, EXPORTED],
        [EXPORTED | {"info": {"no": "status"}}],
        [EXPORTED | {"seen": {"first": "2020-01-01T00:00:00Z", "last": "2030-01-01T00:00:00Z", "status": {}}}],
    ], 2),
)  # fmt: skip
def test_jobs_of_other_appliances_go_to_quarantine(run: Run, answer: Any) -> None:
    """They stay there, however often they are retried."""
    run.suffering("vc01", faults.saying(json.dumps(answer).encode()))
    run.appliances["vc01"].become({})
    run.collect()
    assert run.ended() == {"vc01": "partial"}
    assert "1 job in quarantine" in run.reason("vc01")
    with db.reading(run.engine) as connection:
        (held,) = quarantine.held(connection)
    assert (held.appliance, held.reason) == (
        "vc01",
        "it names another appliance than the one that sent it",
    )
    retry_quarantine.retry(run.engine)
    assert {name for name, *_ in jobs(run.engine)} <= {"vc01"}
    assert rows(run.engine, sa.select(tables.appliance.c.name)) == [("vc01",)]


def test_jobs_facts_and_attempt_are_archived_together(run: Run) -> None:
    """Jobs, version, schedules, time zone and the attempt are all there after a collection."""
    run.add("vc01")
    run.add("vc02", {KEY: job("RUNNING")})
    done = run.collect()
    assert (done.outcome, done[4:]) == ("complete", (2, 2, 0, 0))
    assert jobs(run.engine) == [
        ("vc01", KEY, "SUCCEEDED"),
        ("vc01", NEXT, "FAILED"),
        ("vc02", KEY, "RUNNING"),
    ]
    version = sa.select(tables.system_version.c.version, tables.system_version.c.build_number)
    assert rows(run.engine, version) == [("8.0.3.00400", "24322831")] * 2
    assert rows(run.engine, sa.select(tables.schedule.c.key, tables.schedule.c.hour)) == [
        ("default", 2)
    ] * 2  # fmt: skip
    assert rows(run.engine, sa.select(tables.system_time_zone.c.time_zone)) == [("Etc/UTC",)] * 2
    with db.reading(run.engine) as connection:
        attempts = collection_log.attempts(connection, done.id)
    for (attempt, brought), new in zip(attempts, (2, 1), strict=True):
        assert attempt == run.outcomes[attempt.appliance].attempt
        assert (attempt.outcome, attempt.reason) == ("complete", None)
        assert attempt.answered_at is not None
        assert attempt.asked_at < attempt.answered_at
        assert brought == (new, new, 0, 0, 0)
    source = tables.ingest_run.c.source
    addresses = {f"https://{appliance.address}" for appliance in run.appliances.values()}
    assert {found for (found,) in rows(run.engine, sa.select(source))} == addresses


def test_second_collection_of_the_same_jobs_changes_nothing(run: Run) -> None:
    """Only the time of the last import is new."""
    run.add("vc01")
    run.collect()
    before = rows(run.engine, sa.select(tables.job.c.key, tables.job.c.first_seen))
    assert run.collect().outcome == "complete"
    assert run.counts == {"vc01": Counts(seen=2, unchanged=2)}
    assert rows(run.engine, sa.select(tables.job.c.key, tables.job.c.first_seen)) == before
    for table in (tables.system_version, tables.schedule, tables.system_time_zone):
        ((first, last, ended),) = rows(
            run.engine, sa.select(table.c.first_seen, table.c.last_seen, table.c.ended_at)
        )
        assert first < last
        assert ended is None


def test_failed_appliance_does_not_affect_the_others(run: Run) -> None:
    """A failed appliance has a reason, and all others are archived."""
    run.add("vc01")
    run.suffering("vc02", faults.error)
    run.add("vc03")
    done = run.collect()
    assert (done.outcome, done[4:]) == ("partial", (3, 2, 0, 1))
    assert run.ended() == {"vc01": "complete", "vc02": "failed", "vc03": "complete"}
    assert "HTTP 500; Operation failed." in run.reason("vc02")
    assert {name for name, *_ in jobs(run.engine)} == {"vc01", "vc03"}
    assert rows(
        run.engine,
        sa.select(tables.attempt.c.outcome, tables.attempt.c.reason, tables.attempt.c.run_id).where(
            tables.attempt.c.appliance_name == "vc02"
        ),
    ) == [("failed", run.reason("vc02"), None)]


def test_all_appliances_fail(run: Run) -> None:
    run.suffering("vc01", faults.error)
    assert run.collect().outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "why"),
    some(
        [
            (api(**JOBS)[:-5], "cut off"),
            (b"{" + b'"%s": {' % KEY.encode() * 2 + b'"%s": {' % NEXT.encode() + b"}", "cut off"),
            (b"not JSON at all", "invalid JSON"),
            (b"", "the input is empty"),
            (b"{}\n{}\n", "not the answer of a single appliance"),
            (b'{"state": "SUCCEEDED"}', "an answer of the older"),
        ],
        2,
    ),
)
def test_unreadable_answer_is_refused_completely(run: Run, answer: bytes, why: str) -> None:
    """Nothing of it is archived, not even the jobs before the syntax error."""
    appliance = run.suffering("vc01", faults.saying(answer))
    if KEY.encode() not in answer:
        appliance.suffer(faults.saying(b"[]"), Resource.JOBS)
    run.collect()
    assert run.ended() == {"vc01": "failed"}
    assert why in run.reason("vc01")
    for table in (tables.job, tables.appliance, tables.quarantine, tables.system_version):
        assert count(run.engine, table) == 0


def test_archiving_has_a_deadline_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that takes longer to archive than its appliance may take is refused as a whole."""
    run.add("vc01", deadline=10.0)
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr(store_answer, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(store_answer, "_BUFFER", 500)
    run.collect()
    assert run.ended() == {"vc01": "failed"}
    assert "archiving took longer than the deadline of 10 s; raise `deadline`" in run.reason("vc01")
    assert count(run.engine, tables.job) == 0


def test_control_characters_in_errors_are_removed(run: Run) -> None:
    """The text of an appliance is shortened in a reason, and has no control characters."""
    said = {"error_type": "\x1b[2J", "messages": [{"default_message": "\x1b]0;" + "x" * 10_000}]}
    appliance = run.suffering("vc01", faults.saying(json.dumps(said).encode()))
    appliance.suffer(faults.saying(b"[]"), Resource.JOBS)
    run.collect()
    assert "an error answer from vCenter" in run.reason("vc01")
    assert run.reason("vc01").isprintable()
    assert len(run.reason("vc01")) < 1000


def test_quarantined_jobs_make_a_collection_partial(run: Run) -> None:
    """Readable jobs are archived; the reason mentions the others."""
    run.add("vc01", JOBS | {"20260303-021500-24322831": {"no": "status"}})
    assert run.collect().outcome == "partial"
    assert run.counts["vc01"].quarantined == 1
    assert run.reason("vc01") == "1 job in quarantine"
    assert len(jobs(run.engine)) == 2


@pytest.mark.parametrize(
    ("resource", "fault", "why"),
    some(
        [
            (
                Resource.SCHEDULES,
                faults.unauthorized,
                "appliance/recovery/backup/schedules: permission denied",
            ),
            (
                Resource.VERSION,
                faults.error,
                "appliance/system/version: the server cannot answer (HTTP 500",
            ),
            (
                Resource.TIME_ZONE,
                faults.not_json,
                "appliance/system/time/timezone: the answer is not",
            ),
            (
                Resource.TIME_ZONE,
                faults.saying(b"{}"),
                "timezone: the answer is an object, not a time zone",
            ),
            (
                Resource.SCHEDULES,
                faults.saying(b'{"a": {}}'),
                "'a' does not say whether it is enabled",
            ),
            (Resource.JOBS, faults.unauthorized, "cannot check that the answer has all jobs"),
        ],
        2,
    ),
)
def test_jobs_are_archived_if_other_requests_are_refused(
    run: Run, resource: Resource, fault: Fault, why: str
) -> None:
    """If other facts are refused the appliance is partial; everything else is archived."""
    run.suffering("vc01", fault, resource)
    run.collect()
    assert run.ended() == {"vc01": "partial"}
    assert why in run.reason("vc01")
    assert len(jobs(run.engine)) == 2
    facts = (tables.schedule, tables.system_version, tables.system_time_zone)
    assert sum(count(run.engine, table) for table in facts) == (3 if "all jobs" in why else 2)


def test_limit_of_concurrent_appliances(engine: Engine, tmp_path: Path) -> None:
    """There are never more open sessions than the configuration allows."""
    with Server(latency=0.02) as slow:
        run = Run(slow, engine, tmp_path)
        run.fleet = replace(run.fleet, concurrency=3)
        signed_in: list[int] = []

        def look(_appliance: Appliance, _asked: Any, proper: Any) -> Any:
            signed_in.append(sum(len(one.sessions) for one in run.appliances.values()))
            return proper()

        for number in range(7):
            run.add(f"vc{number}").suffer(look)
        run.collect()
    assert set(run.ended().values()) == {"complete"}
    assert max(signed_in) == 3


def test_secret_is_read_once_per_collection(run: Run, tmp_path: Path) -> None:
    """A command that many appliances share runs once; another command runs by itself."""
    log = tmp_path / "log"

    def secret(word: str) -> Secret:
        script = f'echo {word} >> "{log}"; printf %s "$0"'
        return Secret(command=("sh", "-c", script, run.appliances["vc0"].password))

    for number in range(6):
        run.add(f"vc{number}")
        word = "one" if number < 5 else "other"
        run.entries[f"vc{number}"] = replace(run.entries[f"vc{number}"], secret=secret(word))
    run.collect()
    assert set(run.ended().values()) == {"complete"}
    assert sorted(log.read_text().split()) == ["one", "other"]
    run.collect()
    assert sorted(log.read_text().split()) == ["one", "one", "other", "other"]


def test_missing_secret_fails_only_its_appliances(run: Run) -> None:
    """Each reason says what is missing, and names no other appliance; no request is sent."""
    for name in ("vc01", "vc02"):
        run.add(name, secret=Secret(environment="ARCHIVE_TEST_NOT_SET"))
    run.add("vc03")
    run.collect()
    assert run.ended() == {"vc01": "failed", "vc02": "failed", "vc03": "complete"}
    for name, other in (("vc01", "vc02"), ("vc02", "vc01")):
        assert "no password from environment ARCHIVE_TEST_NOT_SET" in run.reason(name)
        assert other not in run.reason(name)
        assert not run.appliances[name].connections


def test_removed_appliance_keeps_its_history(run: Run) -> None:
    """An appliance that no longer exists fails, and its imported jobs stay."""
    run.add("vc01")
    run.collect()
    before = lines(run.engine)
    run.server.remove(run.appliances["vc01"])
    assert run.collect().outcome == "failed"
    assert f"cannot connect to {run.appliances['vc01'].address}" in run.reason("vc01")
    assert lines(run.engine) == before


def test_appliance_without_jobs(run: Run) -> None:
    """An empty history is an answer: the appliance and its build are archived."""
    run.add("vc01", {})
    assert run.collect().outcome == "complete"
    assert run.counts == {"vc01": Counts()}
    assert rows(run.engine, sa.select(tables.appliance.c.name)) == [("vc01",)]
    assert count(run.engine, tables.system_version) == 1


def test_appliance_facts_have_a_history(run: Run) -> None:
    """A change of version, time zone or schedule ends one row and begins another."""
    appliance = run.add("vc01")
    run.collect()
    appliance.version = appliance.version | {"version": "9.0.0.0"}
    appliance.time_zone = "Europe/Berlin"
    changed = appliance.schedules["default"] | {"recurrence_info": {"minute": 0, "hour": 5}}
    appliance.schedules = {"default": changed, "weekly": changed | {"enable": False}}
    run.collect()
    run.collect()
    version, zone, schedule = tables.system_version.c, tables.system_time_zone.c, tables.schedule.c
    for columns, expected in (
        ((version.version,), [("8.0.3.00400", False), ("9.0.0.0", True)]),
        ((zone.time_zone,), [("Etc/UTC", False), ("Europe/Berlin", True)]),
        (
            (schedule.key, schedule.hour, schedule.enabled),
            [("default", 2, True, False), ("default", 5, True, True), ("weekly", 5, False, True)],
        ),
    ):
        table = columns[0].table
        query = sa.select(*columns, table.c.ended_at.is_(None)).order_by(
            table.c.first_seen, columns[0]
        )
        assert [(*row[:-1], bool(row[-1])) for row in rows(run.engine, query)] == expected


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            DatabaseError("the disk is full"),
            "the disk is full; nothing of this import has been archived",
        ),
        (ValueError("two"), "internal error in archive: ValueError: two"),
    ],
)
def test_write_error_fails_one_appliance(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    """An error in the middle of writing rolls that answer back, and others continue."""
    run.fleet = replace(run.fleet, concurrency=1)
    for name in ("vc01", "vc02", "vc03"):
        run.add(name)
    failing_load(monkeypatch, 1, error)
    done = run.collect()
    assert (done.outcome, done[4:]) == ("partial", (3, 2, 0, 1))
    assert run.ended() == {"vc01": "complete", "vc02": "failed", "vc03": "complete"}
    assert run.reason("vc02") == why
    assert {name for name, *_ in jobs(run.engine)} == {"vc01", "vc03"}
    assert rows(run.engine, sa.select(tables.appliance.c.name).order_by("name")) == [
        ("vc01",),
        ("vc03",),
    ]


def test_lost_archive_ends_the_collection(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """If even a failure cannot be recorded, no more appliances are asked."""
    run.fleet = replace(run.fleet, concurrency=1)
    for name in ("vc01", "vc02"):
        run.add(name).suffer(faults.error)

    def fail(*_: Any) -> None:
        raise DatabaseError("the server is gone")

    monkeypatch.setattr(collection_log, "record_failure", fail)
    with pytest.raises(DatabaseError, match="the server is gone"):
        run.collect()
    assert not run.appliances["vc02"].connections


def test_interrupt_finishes_the_current_transaction(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the answer that is being written at the interrupt is archived."""
    run.fleet = replace(run.fleet, concurrency=2)
    run.add("vc01")
    run.suffering("vc02", faults.hang)
    run.add("vc03")
    original = loader.Loader.load

    def signalled(*arguments: Any) -> None:
        while not run.appliances["vc02"].requests_for(Resource.DETAILS):
            time.sleep(0.01)
        for _ in range(2):  # the impatient user interrupts twice
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        original(*arguments)

    monkeypatch.setattr(loader.Loader, "load", signalled)
    assert run.collect().outcome == "interrupted"
    assert run.ended() == {"vc01": "complete", "vc02": "interrupted"}
    assert run.reason("vc02") == "interrupted before the appliance answered"
    assert {name for name, *_ in jobs(run.engine)} == {"vc01"}
    assert not run.appliances["vc03"].connections


def test_only_one_collection_runs_at_a_time(run: Run) -> None:
    """A second collection is refused while one is running, and accepted afterwards."""
    run.add("vc01")
    own = db.create_engine(run.engine.url)  # as in another process
    refused: list[str] = []

    def meanwhile(outcome: Outcome) -> None:
        run.on_outcome(outcome)
        with pytest.raises(AlreadyRunningError) as caught:
            collect(own, run.fleet, list(run.entries.values()), run.on_outcome)
        refused.append(str(caught.value))

    collect(run.engine, run.fleet, list(run.entries.values()), meanwhile)
    assert refused == ["another `archive collect` is running on this archive"]
    assert count(run.engine, tables.collection) == 1
    assert run.collect().outcome == "complete"


def test_dead_collection_is_recognised(run: Run) -> None:
    """A collection without an end and without a lock has lost its process."""
    run.add("vc01")
    lost = collection_log.begin(run.engine, 3)
    run.collect()
    with db.reading(run.engine) as connection:
        found = collection_log.find_collection(connection, lost)
    assert found is not None
    assert (found.outcome, found.finished) == ("interrupted", None)


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return each row of each table."""
    return {
        table.name: rows(engine, sa.select(table).order_by(*table.primary_key))
        for table in tables.metadata.sorted_tables
    }


def test_dry_run_matches_a_real_run_and_writes_nothing(run: Run) -> None:
    """Outcomes, reasons and counts equal those of the following collection; the archive is unchanged."""
    for name in ("vc01", "vc02", "vc03", "vc04"):
        run.add(name)
    run.suffering("vc05", faults.saying(b"{}\n{}\n")).become({})
    run.suffering("vc06", faults.unauthorized, Resource.VERSION)
    run.collect()
    run.appliances["vc01"].become(
        JOBS
        | {NEXT: job("SUCCEEDED")}
        | {f"20260303-02150{number}-1": job() for number in range(3)}
        | {"20260304-021500-1": {"no": "status"}, "20260305-021500-1": {"status": 5}}
    )
    run.appliances["vc02"].suffer(faults.error, Resource.LOGIN)
    run.appliances["vc03"].suffer(faults.saying(json.dumps([EXPORTED]).encode()), Resource.DETAILS)
    run.appliances["vc03"].become({})
    before = everything(run.engine)
    run.outcomes.clear()
    rehearse(run.engine, run.fleet, list(run.entries.values()), run.on_outcome)
    assert everything(run.engine) == before
    rehearsed, counted = dict(run.outcomes), run.counts
    run.collect()
    assert run.ended() == {
        "vc01": "partial",
        "vc02": "failed",
        "vc03": "partial",
        "vc04": "complete",
        "vc05": "failed",
        "vc06": "partial",
    }
    for name, outcome in run.outcomes.items():
        assert rehearsed[name].attempt[3:5] == outcome.attempt[3:5]
        done = outcome.counts
        expected = Counts(
            done.seen, done.new + done.changed, 0, done.unchanged, 0, done.quarantined
        )
        assert counted[name] == expected
    assert counted["vc01"] == Counts(seen=7, new=4, unchanged=1, quarantined=2)


def test_dry_run_needs_no_archive(server: Server, tmp_path: Path) -> None:
    nowhere = migrate.connect(str(tmp_path / "none.db"))
    run = Run(server, nowhere, tmp_path)
    run.add("vc01")
    rehearse(None, run.fleet, list(run.entries.values()), run.on_outcome)
    assert run.counts == {"vc01": Counts(seen=2, new=2)}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rest_only", [False, True])
def test_saved_answers_recreate_the_archive(run: Run, tmp_path: Path, *, rest_only: bool) -> None:
    """Each is a complete file for `archive ingest`, readable by its owner only."""
    kept = tmp_path / "kept"
    for name in ("vc01", "vc/02", "..", "vc 03 \u00e4"):
        run.add(name).rest_only = rest_only
    run.collect(kept)
    seen = dict(rows(run.engine, sa.select(tables.appliance.c.name, tables.appliance.c.last_seen)))
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    assert len(files) == 4
    assert {path.parent.parent for path in files} == {kept}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    expected = content(run.engine)
    empty(run.engine)
    for name, seen_at in seen.items():
        stamp = "".join(character for character in seen_at if character not in "-:.")
        (path,) = (one for one in files if one.name == f"{stamp}.json.gz")
        done = archive(
            "ingest", str(path), "--appliance", name, "--seen-at", seen_at, at(run.engine)
        )
        assert (done.code, done.err) == (0, "")
    # Schedules also archive their targets, which are not part of the answer.
    found = content(run.engine)
    assert found | {"locations": None} == expected | {"locations": None}


def test_answers_are_archived_even_if_they_cannot_be_saved(run: Run, tmp_path: Path) -> None:
    """The outcome is partial, and names the path that could not be written."""
    (tmp_path / "vc01").touch()
    run.add("vc01")
    run.add("vc02")
    assert run.collect(tmp_path).outcome == "partial"
    assert run.ended() == {"vc01": "partial", "vc02": "complete"}
    assert run.reason("vc01").startswith(f"answer not saved in {tmp_path / 'vc01'}: ")
    assert len(jobs(run.engine)) == 4
    assert len(list((tmp_path / "vc02").iterdir())) == 1


def test_partly_saved_answer_is_removed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up while an answer is saved leaves no file behind."""

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    run.add("vc01")
    monkeypatch.setattr("shutil.copyfileobj", fail)
    run.collect(tmp_path)
    assert "No space left on device" in run.reason("vc01")
    assert len(jobs(run.engine)) == 2
    assert list((tmp_path / "vc01").iterdir()) == []
