"""`archive collect` as users and schedulers run it."""

from __future__ import annotations

import csv
import json
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar
from archive.db import migrate, tables
from archive.maintenance.change_calendar import change_calendar
from archive.store import settings
from tests.support import fleets
from tests.support.archives import count, created, rows
from tests.support.command import PROGRAM, Done, archive, environment
from tests.support.samples import job
from tests.vcenter_server import faults
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

HISTORY = {"20260301-021500-1": job(), "20260302-021500-1": job("FAILED")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def _nobody_s_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ARCHIVE_CONFIG", "ARCHIVE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))


class Fleet:
    """Appliances, the configuration that names them and perhaps an archive beside it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._sections: list[dict[str, Any]] = []
        self.top: dict[str, Any] = {"database": "archive.db"}
        self.defaults: dict[str, Any] = {}
        self.appliances: dict[str, Appliance] = {}

    def add(self, name: str, **said: Any) -> Appliance:
        """Serve an appliance, and write it into the configuration."""
        appliance = self._server.add(Appliance(HISTORY))
        self.appliances[name] = appliance
        self._sections.append(fleets.section(name, appliance, **said))
        return appliance

    def command(self, *arguments: str) -> list[str]:
        """Return the arguments of a collection."""
        self.config = fleets.written(
            self._folder, self._server, self._sections, self.top, **self.defaults
        )
        return ["collect", "--config", str(self.config), *arguments]

    def collect(self, *arguments: str) -> Done:
        """Run the command in this process."""
        return archive(*self.command(*arguments))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the command as a process."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        chosen = {"env": environment(), **pipes, **options}
        return subprocess.Popen([*PROGRAM, *self.command(*arguments)], **chosen)

    def asked(self) -> list[str]:
        """Return the appliances that were asked since the last call."""
        found = [name for name, one in self.appliances.items() if one.connections]
        for appliance in self.appliances.values():
            appliance.connections = 0
        return found

    @property
    def file(self) -> Path:
        """The archive."""
        return self._folder / "archive.db"

    @property
    def engine(self) -> Engine:
        """The archive, opened."""
        return migrate.connect(str(self.file))


@pytest.fixture
def new(server: Server, tmp_path: Path) -> Fleet:
    """Give a fleet without an archive."""
    return Fleet(server, tmp_path)


@pytest.fixture
def fleet(new: Fleet) -> Fleet:
    """Give a fleet with an empty archive."""
    created(new.file)
    return new


@pytest.fixture
def two(fleet: Fleet) -> Fleet:
    """Serve two appliances, the second of which always fails."""
    fleet.add("vc01")
    fleet.add("vc02").suffer(faults.unauthorized, Resource.LOGIN)
    return fleet


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_success_prints_nothing_without_a_terminal(new: Fleet) -> None:
    """Without a terminal a successful collection prints nothing, the first time and later."""
    new.add("vc01")
    assert new.collect() == (0, "", "")
    assert new.collect() == (0, "", "")
    assert count(new.engine, tables.job) == 2
    assert count(new.engine, tables.collection) == 2


def test_failures_are_listed_on_stderr(two: Fleet) -> None:
    """Each failed appliance is a line with its reason; exit code 3 if others answered."""
    done = two.collect()
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("vc02: permission denied for the user")
    assert done.err.count("\n") == 1


def test_partial_answer_is_listed_as_a_problem(fleet: Fleet) -> None:
    fleet.add("vc01").suffer(faults.unauthorized, Resource.VERSION)
    done = fleet.collect()
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("vc01: appliance/system/version: permission denied for the user")


def test_exit_code_1_if_no_appliance_answers(fleet: Fleet) -> None:
    fleet.add("vc01").suffer(faults.unauthorized, Resource.LOGIN)
    assert fleet.collect().code == 1


COUNTS = ["seen", "new", "changed", "unchanged", "findings", "quarantined", "pruned"]
COLUMNS = ["appliance", "asked", "answered", "outcome", *COUNTS, "reason"]


def test_summary_as_csv(two: Fleet) -> None:
    done = two.collect("--format", "csv")
    header, first, second = csv.reader(done.out.splitlines())
    assert header == COLUMNS
    assert first[0:1] + first[3:6] + first[-1:] == ["vc01", "complete", "2", "2", ""]
    assert first[1] < first[2]
    assert second[2:11] == ["", "failed", *[""] * 7]
    assert f"vc02: {second[-1]}\n" == done.err


def test_summary_as_json(two: Fleet) -> None:
    """JSON has the totals, too."""
    summary = json.loads(two.collect("--format", "json").out)
    first, second = summary.pop("appliances")
    assert summary == {
        "collection": 1, "asked": 2,
        "complete": 1, "partial": 0, "failed": 1, "interrupted": 0,
        "seen": 2, "new": 2, "changed": 0, "unchanged": 0, "findings": summary["findings"],
        "quarantined": 0, "pruned": 0,
    }  # fmt: skip
    assert list(first) == COLUMNS
    assert (first["appliance"], first["new"], first["reason"]) == ("vc01", 2, None)
    assert (second["appliance"], second["new"], second["answered"]) == ("vc02", None, None)


def test_summary_as_a_table(two: Fleet, tmp_path: Path) -> None:
    """The default format of a file is a table; standard output is then empty."""
    out = two.collect("--format", "table").out
    assert "complete" in out
    assert "permission denied for the user" in out
    path = tmp_path / "summary"
    assert two.collect("--output", str(path)).out == ""
    assert "complete" in path.read_text()


def test_dry_run_creates_no_archive(new: Fleet, tmp_path: Path) -> None:
    """It prints what a collection would print, and creates no file."""
    new.add("vc01")
    new.add("vc02").suffer(faults.unauthorized, Resource.LOGIN)
    done = new.collect("--dry-run", "--format", "json")
    summary = json.loads(done.out)
    assert (done.code, summary["collection"], summary["new"]) == (3, None, 2)
    assert done.err.startswith("vc02: permission denied for the user")
    assert [path.name for path in tmp_path.iterdir()] == ["archive.toml"]


def test_dry_run_writes_nothing(fleet: Fleet) -> None:
    """Known jobs are counted as known; the archive stays as it is."""
    appliance = fleet.add("vc01")
    fleet.collect()
    before = fleet.file.read_bytes()
    appliance.become(HISTORY | {"20260303-021500-1": job()})
    summary = json.loads(fleet.collect("--dry-run", "--format", "json").out)
    assert (summary["seen"], summary["new"], summary["unchanged"]) == (3, 1, 2)
    assert fleet.file.read_bytes() == before
    assert count(fleet.engine, tables.job) == 2


def test_dry_run_saves_no_answers(fleet: Fleet) -> None:
    fleet.add("vc01")
    done = fleet.collect("--dry-run", "--save", "x")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == "archive: --dry-run and --save exclude each other: a dry run writes nothing\n"
    )
    assert fleet.asked() == []


def test_answers_are_saved(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("vc01")
    assert fleet.collect("--save", str(tmp_path / "kept" / "here")) == (0, "", "")
    ((folder,),) = ([*(tmp_path / "kept" / "here").iterdir()],)
    assert folder.name == "vc01"
    assert [path.suffixes for path in folder.iterdir()] == [[".json", ".gz"]]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), ["vc01", "vc02"]),
        (("VC01",), ["vc01"]),
        (("vc0*",), ["vc01", "vc02"]),
        (("*3", "vc01"), None),
        (("vc03",), ["vc03"]),
        (("--tag", "site=Berlin"), ["vc01"]),
        (("--tag", "site=Berlin", "--tag", "site=Bonn"), ["vc01", "vc02"]),
        (("vc02", "--tag", "site=Berlin"), None),
        (("nobody",), None),
    ],
)
def test_appliances_can_be_selected(
    fleet: Fleet, arguments: tuple[str, ...], asked: list[str] | None
) -> None:
    """By name, glob or tag; a disabled one only by its name. An empty selection is an error."""
    for name, site, enabled in (
        ("vc01", "Berlin", True),
        ("vc02", "Bonn", True),
        ("vc03", "Berlin", False),
    ):
        fleet.add(name, tags={"site": site}, enabled=enabled)
    done = fleet.collect(*arguments)
    assert fleet.asked() == (asked or [])
    assert done.code == (2 if asked is None else 0)
    assert done.err.startswith("archive: ") == (asked is None)


def test_fleet_without_enabled_appliances(new: Fleet) -> None:
    new.add("vc01", enabled=False)
    done = new.collect()
    said = f"archive: {new.config}: no enabled appliance\n"
    assert done == (1, "", said)
    assert new.asked() == []
    assert not new.file.exists()


def test_missing_configuration_is_an_error() -> None:
    done = archive("collect")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("archive: no configuration at ")
    assert "--config" in done.err


def test_unverified_certificates_warn_in_each_collection(fleet: Fleet) -> None:
    fleet.add("vc01", verify=False)
    fleet.add("vc02")
    for _ in range(2):
        done = fleet.collect()
        assert (done.code, done.out) == (0, "")
        assert done.err == (
            "Warning: certificates are not verified, so passwords may reach an attacker: vc01.\n"
        )


def test_new_archive_takes_the_calendar_of_the_configuration(new: Fleet) -> None:
    """An existing archive keeps its calendar, and the difference is reported."""
    new.top["calendar"] = {"time_zone": "Europe/Berlin", "day_start": "16:00"}
    new.add("vc01")
    assert new.collect() == (0, "", "")
    with db.reading(new.engine) as connection:
        assert settings.calendar(connection) == Calendar("Europe/Berlin", "16:00")
    change_calendar(new.engine, Calendar("Asia/Tokyo", "00:00"))
    done = new.collect()
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(
        "Warning: the archive's calendar (Asia/Tokyo, days start at 00:00) differs"
    )
    assert done.err.count("\n") == 1


def test_second_collection_ends_while_the_first_runs(fleet: Fleet) -> None:
    """While another collection runs no appliance is asked, which is no failure."""
    fleet.add("vc01")
    fleet.collect()
    fleet.asked()
    with db.alone(fleet.engine, "collect") as alone:
        assert alone
        done = fleet.collect()
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "archive: another `archive collect` is running on this archive; nothing was collected\n"
    )
    assert fleet.asked() == []


def read(terminal: int) -> str:
    """Return all output to a terminal until every process has closed it."""
    data = b""
    with suppress(OSError):  # Linux reports the end this way
        while more := os.read(terminal, 1 << 16):
            data += more
    os.close(terminal)
    return data.decode()


def test_terminal_shows_progress_and_one_result_line(two: Fleet) -> None:
    """A terminal shows progress, and then the result."""
    two.appliances["vc01"].suffer(faults.drip, Resource.VERSION)
    ours, theirs = pty.openpty()
    command = two.start(
        stdout=theirs,
        stderr=theirs,
        env=environment() | {"TERM": "xterm", "COLUMNS": "150", "NO_COLOR": "1"},
    )
    os.close(theirs)
    said = read(ours)
    assert command.wait() == 3
    assert "Collecting" in said
    assert "vc02: permission denied for the user" in said
    last = said.splitlines()[-1]
    assert last == "1 of 2 appliances complete, 1 failed; jobs: 2 seen, 2 new"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_collection_archives_what_it_has(fleet: Fleet, number: signal.Signals) -> None:
    """Answers are archived, the other appliances are interrupted, and sessions are closed."""
    fleet.top["concurrency"] = 2
    fleet.add("vc01")
    not_reporting = [fleet.add(name) for name in ("vc02", "vc03")]
    for appliance in not_reporting:
        appliance.suffer(faults.hang, Resource.DETAILS)
    fleet.add("vc04")
    command = fleet.start("--format", "json")
    until(lambda: all(one.requests_for(Resource.DETAILS) for one in not_reporting))
    command.send_signal(number)
    out, err = command.communicate(timeout=30)
    assert command.returncode == 3
    ended = {one["appliance"]: one["outcome"] for one in json.loads(out)["appliances"]}
    assert ended == {"vc01": "complete", "vc02": "interrupted", "vc03": "interrupted"}
    assert err.decode().splitlines() == [
        "vc02: interrupted before the appliance answered",
        "vc03: interrupted before the appliance answered",
    ]
    assert not any(one.sessions for one in fleet.appliances.values())
    attempt, collection = tables.attempt.c, tables.collection.c
    found = dict(rows(fleet.engine, sa.select(attempt.appliance_name, attempt.outcome)))
    assert found == ended
    assert rows(fleet.engine, sa.select(collection.outcome, collection.asked)) == [
        ("interrupted", 4)
    ]


def test_collection_interrupted_at_its_start(fleet: Fleet) -> None:
    appliance = fleet.add("vc01")
    appliance.suffer(faults.hang, Resource.DETAILS)
    command = fleet.start()
    until(lambda: appliance.requests_for(Resource.DETAILS))
    command.send_signal(signal.SIGTERM)
    out, err = command.communicate(timeout=30)
    assert (command.returncode, out) == (1, b"")
    assert err == b"vc01: interrupted before the appliance answered\n"
    assert not appliance.sessions


@pytest.mark.parametrize(
    ("format_", "redirection", "code", "said"),
    [
        ("", ">&-", 0, ""),
        ("-f csv", ">&-", 3, "archive: standard output is closed; the collection is complete\n"),
        ("-f csv", "> /dev/full", 3, "archive: standard output: cannot write: No space"),
        ("-f json", "| true", 0, ""),
    ],
)
def test_summary_that_cannot_be_written_loses_no_answer(
    fleet: Fleet, format_: str, redirection: str, code: int, said: str
) -> None:
    """Everything is archived whatever happens to the summary, and there is no traceback."""
    fleet.add("vc01")
    script = f'set -o pipefail; "$@" {format_} {redirection}'
    command = subprocess.run(
        ["/usr/bin/env", "bash", "-c", script, "-", *PROGRAM, *fleet.command()],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert command.returncode == code
    assert command.stderr.decode().startswith(said)
    assert "Traceback" not in command.stderr.decode()
    assert count(fleet.engine, tables.job) == 2


def test_ca_and_proxy_of_the_environment_are_used(fleet: Fleet, server: Server) -> None:
    """The CA of `SSL_CERT_FILE` is trusted where the configuration names none."""
    fleet.defaults["ca_file"] = None
    fleet.add("vc01")
    trusted = environment() | {"SSL_CERT_FILE": str(server.ca_file)}
    command = fleet.start(env=trusted)
    assert (*command.communicate(), command.returncode) == (b"", b"", 0)
    nobody = server.add(Appliance())
    server.remove(nobody)
    fleet.defaults["deadline"] = "1s"
    command = fleet.start(env=trusted | {"https_proxy": f"http://x:hidden@{nobody.address}"})
    _, err = command.communicate()
    assert command.returncode == 1
    assert b"cannot reach the proxy" in err
    assert b"hidden" not in err
