from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from archive.monitoring.plugin import Datum, Level, harmless, output, worst
from archive.monitoring.ranges import Range
from tests.reports.nights import CADENCED, NOW, SCHEDULED, UNTOLD, night
from tests.reports.nights import at as instant
from tests.support.archives import import_documents
from tests.support.command import PROGRAM, Done, archive, at, environment, process
from tests.support.configurations import DEFAULTS, written
from tests.support.monitored import load

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

# A label that may have anything but quotes and equals signs in it, a value and its thresholds.
_NUMBER = r"-?\d+(?:\.\d+)?"
_THRESHOLD = rf"(?:@?(?:~:|{_NUMBER}:)?(?:{_NUMBER})?)?"
_DATUM = re.compile(
    rf"'[^'=|]+'=(?:U|{_NUMBER}(?:s|%)?)(?:;{_THRESHOLD}(?:;{_THRESHOLD}(?:;(?:{_NUMBER})?(?:;{_NUMBER})?)?)?)?"
)


@pytest.fixture(scope="module")
def place(shared_engine: Engine) -> str:
    """Give the option that names the archive of the fleet."""
    load(shared_engine)
    return at(shared_engine)


def check(place: str, *arguments: str) -> Done:
    """Ask as of the fleet's now."""
    return archive("check", place, "--now", NOW, *arguments)


def data(done: Done) -> dict[str, str]:
    """The performance data of what was printed, which must be as the guidelines have it."""
    first, *more = done.out.splitlines()
    assert not any("|" in line for line in more)
    _, separator, told = first.partition(" | ")
    if not separator:
        return {}
    assert "|" not in told
    found = told.split(" ")
    assert all(_DATUM.fullmatch(one) for one in found), told
    return {label.strip("'"): value for label, _, value in (one.partition("=") for one in found)}


def test_the_fleet(place: str) -> None:
    """One line with performance data, then a line for each that is not OK, the worst first."""
    done = check(place)
    assert (done.code, done.err) == (2, "")
    assert done.out == (
        "ARCHIVE CRITICAL - 2 CRITICAL, 1 WARNING, 1 UNKNOWN, 1 OK - vc3.example.com: last success 7 d"
        " 20 h ago (limit 2 d 02 h) | 'archive'=7200s;180000;;0 'appliances'=5;;;0 'critical'=2;;;0"
        " 'warning'=1;;;0 'unknown'=1;;;0 'age'=676770s;90000;180000;0 'failures'=1;2;;0 'missed'=3;;;0"
        " 'drop'=0%;50;90;0;100 'duration'=60s;;;0 'import'=241200s;;;0\n"
        "[CRITICAL] vc3.example.com: last success 7 d 20 h ago (limit 2 d 02 h)\n"
        '[CRITICAL] vc4 "\\/{ä}=,#: no success yet\n'
        "[WARNING] vc5.example.com: never imported\n"
        "[UNKNOWN] vc2.example.com: no recent data since 2026-03-08 13:00:00Z\n"
    )
    assert len(data(done)) == 11


def test_one_appliance(place: str) -> None:
    """Of one the first line says it all, and the figures are its own."""
    done = check(place, SCHEDULED)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "ARCHIVE OK - vc1.example.com: last success 7 h 00 m ago | 'archive'=7200s;180000;;0"
        " 'appliances'=1;;;0 'critical'=0;;;0 'warning'=0;;;0 'unknown'=0;;;0"
        " 'age'=25170s;90000;180000;0 'failures'=0;2;;0 'missed'=3;;;0 'drop'=0%;50;90;0;100"
        " 'duration'=60s;;;0 'import'=7200s;;;0\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((SCHEDULED, "-w", "6h"), 1, "last success 7 h 00 m ago (limit 6 h 00 m)"),
        ((SCHEDULED, "-w", "6h", "-c", "25169"), 2, "last success 7 h 00 m ago (limit 6 h 59"),
        ((SCHEDULED, "-w", "25170"), 0, "last success 7 h 00 m ago |"),
        ((SCHEDULED, "-c", "@6h:8h"), 2, "last success 7 h 00 m ago (threshold @21600:28800)"),
        ((SCHEDULED, "-c", "8h:"), 2, "last success 7 h 00 m ago (threshold 28800:)"),
        ((SCHEDULED, "--rpo", "3h"), 1, "(limit 3 h 00 m)"),
        ((SCHEDULED, "--warning-missed", "2"), 1, "3 missed backups (limit 2)"),
        ((SCHEDULED, "--critical-missed", "2"), 2, "3 missed backups (limit 2)"),
        ((SCHEDULED, "--warning-duration", "59s"), 1, "last success took 1 m 00 s (limit 59 s)"),
        ((SCHEDULED, "--critical-duration", "2min:"), 2, "last success took 1 m 00 s (threshold 120:)"),
        ((SCHEDULED, "--warning-import", "1h"), 1, "last import 2 h 00 m ago (limit 1 h 00"),
        ((SCHEDULED, "--critical-import", "1h"), 2, "last import 2 h 00 m ago"),
        (("vc4*", "--warning-failures", "0"), 2, "no success yet, 1 consecutive failure (limit 0)"),
        ((UNTOLD, "-w", "8d", "-c", "9d"), 0, "vc3.example.com: last success 7 d 20 h ago |"),
        ((UNTOLD, "-w", "7d", "-c", "9d"), 1, "last success 7 d 20 h ago (limit 7 d 00 h)"),
        # It was heard of until just after its last success.
        ((CADENCED,), 3, "no recent data since 2026-03-08 13:00:00Z"),
        ((CADENCED, "-w", "9d", "-c", "9d"), 0, "last success 2 d 20 h ago |"),
        (("vc5*",), 1, "vc5.example.com: never imported |"),
        (("vc5*", "--warning-import", "1d"), 1, "vc5.example.com: never imported |"),
        ((SCHEDULED, "--stale", "1h"), 3, "stale: last import 2 h 00 m ago |"),
        ((SCHEDULED, "--stale", "2h"), 0, "last success"),
        ((CADENCED, "vc1*"), 3, "1 UNKNOWN, 1 OK - vc2.example.com: no recent data"),
    ],
)  # fmt: skip
def test_thresholds(place: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    """What was asked for comes before what is usual; what cannot be told is UNKNOWN."""
    done = check(place, *arguments)
    assert (done.code, done.err) == (code, "")
    assert done.out.startswith(f"ARCHIVE {Level(code).name} - ")
    assert said in done.out.splitlines()[0]
    assert data(done)


def test_cadences_and_tags_are_heeded(place: str, tmp_path: Path) -> None:
    """What the configuration says of an appliance counts as it does for the reports."""
    tagged = f'[[appliance]]\nname = "{CADENCED}"\ncadence = "7d"\ntags = {{ site = "B" }}\n'
    other = f'[[appliance]]\nname = "{UNTOLD}"\n'
    config = str(written(tmp_path, f"{DEFAULTS}{tagged}{other}"))
    done = check(place, "--config", config, "--tag", "site=B")
    assert done.code == 0
    assert done.out.startswith("ARCHIVE OK - vc2.example.com: last success 2 d 20 h ago |")
    assert data(done)["age"] == "244770s;608400;1216800;0"


def test_drops(engine: Engine) -> None:
    """A last success of a quarter of what is usual warns; one that is nearly empty is critical."""
    jobs = [night(f"2026-03-{day:02}T01:00", size=4 * 2**30) for day in range(1, 11)]
    import_documents(engine, dict([*jobs, night("2026-03-11T01:00", size=2**30)]), "small", NOW)
    import_documents(engine, dict([*jobs, night("2026-03-11T01:00", size=1)]), "tiny", NOW)
    import_documents(engine, dict([*jobs, night("2026-03-11T01:00", size=2**34)]), "great", NOW)
    done = check(at(engine))
    assert done.code == 2
    assert done.out.splitlines()[1:] == [
        "[CRITICAL] tiny: last success 99 % smaller than expected (limit 90 %)",
        "[WARNING] small: last success 75 % smaller than expected (limit 50 %)",
    ]
    assert data(done)["drop"] == "99%;50;90;0;100"
    assert check(at(engine), "small", "--warning-drop", "80%").code == 0
    assert check(at(engine), "small", "--critical-drop", "70").code == 2


def test_consecutive_failures_and_silence(engine: Engine) -> None:
    """Three failures in a row warn, and so does an appliance that is heard of later than usual."""
    failed = [night(f"2026-03-{day:02}T01:00", "FAILED") for day in (8, 9, 10)]
    good = night("2026-03-07T01:00")
    for day in range(1, 8):
        import_documents(
            engine,
            dict([night(f"2026-03-{day:02}T01:00")]),
            "quiet",
            instant(f"2026-03-{day:02}T06:00"),
        )
    import_documents(engine, dict([good, *failed]), "struck", NOW)
    done = check(at(engine), "--rpo", "30d")
    assert done.code == 1
    assert done.out.splitlines()[1:] == [
        "[WARNING] quiet: last import 4 d 02 h ago (limit 1 d 12 h), no recent data since 2026-03-07 06:00:00Z",
        "[WARNING] struck: 3 consecutive failures (limit 2)",
    ]
    assert data(done)["import"] == "352800s;129600;;0"


def test_an_archive_that_is_out_of_date(place: str) -> None:
    """After two nights without an import nothing is told of the appliances but figures."""
    done = archive("check", place, "--now", "2026-03-13T08:00:01Z")
    assert done.code == 3
    assert done.out.startswith("ARCHIVE UNKNOWN - the archive is stale: last import 2 d 02 h ago |")
    assert done.out.count("\n") == 1
    assert archive("check", place, "--now", "2026-03-13T08:00:00Z").code == 2


def test_an_archive_that_is_empty(engine: Engine) -> None:
    """Of an archive without imports nothing is known."""
    assert check(at(engine)) == (3, "ARCHIVE UNKNOWN - nothing has been imported yet\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bogus",), "No such option: --bogus"),
        (("-w",), "Option '-w' requires an argument."),
        (("-w", "9:1"), 'invalid range "9:1": the end is before the start'),
        (("--critical-drop", "5h"), 'invalid range "5h": unknown unit "h" (valid: %)'),
        (("--stale", "1"), 'invalid duration "1": '),
        (("--now", "today"), 'invalid time "today": '),
        (("nobody|\n",), 'no appliance matches "nobody/" (known: '),
        (("--tag", "a=b", "--config", "/none/a.toml"), "/none/a.toml: "),
    ],
)
def test_what_is_not_understood(place: str, arguments: tuple[str, ...], said: str) -> None:
    """Codes 1 and 2 would be verdicts: it is UNKNOWN, on one line of standard output."""
    done = archive("check", place, *arguments)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith(f"ARCHIVE UNKNOWN - {said}")
    assert done.out.count("\n") == 1
    assert "|" not in done.out


def test_an_archive_that_cannot_be_read(tmp_path: Path) -> None:
    """No archive, or something else in its place, is UNKNOWN; as a process, too."""
    path = tmp_path / "none.db"
    done = process("check", "-d", str(path))
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith(f"ARCHIVE UNKNOWN - no archive at {path}: ")
    assert done.out.count("\n") == 1
    path.write_text("no database at all, but long enough to be looked at as one" * 99)
    done = archive("check", "-d", str(path))
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith("ARCHIVE UNKNOWN - ")


@pytest.mark.parametrize("seconds", ["0", "soon", "99999999999"])
def test_a_timeout_is_a_number_of_seconds(place: str, seconds: str) -> None:
    done = check(place, "--timeout", seconds)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith("ARCHIVE UNKNOWN - Invalid value for '--timeout' / '-t': ")


def test_an_archive_that_does_not_answer(postgresql_archive: Engine) -> None:
    """It is UNKNOWN, and said so, before whoever runs the plugin ends it without a word."""
    with postgresql_archive.begin() as other:
        other.exec_driver_sql("LOCK TABLE appliance")
        done = process("check", at(postgresql_archive), "-t", "2")
    said = "ARCHIVE UNKNOWN - the archive did not answer within 2 s (--timeout)\n"
    assert done == (3, said, "")


def test_a_fault(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the command itself is UNKNOWN, without a traceback; with --debug there is one."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("out | of\norder")

    monkeypatch.setattr("archive.monitoring.verdict.states", fail)
    done = check(place)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith(
        "ARCHIVE UNKNOWN - internal error: RuntimeError: out / of\\norder\\nRun"
    )
    assert done.out.count("\n") == 1
    with pytest.raises(RuntimeError):
        check(place, "--debug")


def test_a_reader_that_goes_away(place: str) -> None:
    """What is not read to its end is no other verdict."""
    command = shlex.join([*PROGRAM, "check", place, "--now", NOW])
    done = subprocess.run(
        ["/bin/bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, b"")


def test_data_are_written_as_the_guidelines_say() -> None:
    """'label'=value[UOM];[warn];[crit];[min];[max]; what is not known is U."""
    assert str(Datum("n", 5)) == "'n'=5;;;0"
    assert str(Datum("n", None, "s")) == "'n'=U;;;0"
    assert str(Datum("n", 5, "%", Range(0, 10), Range(20, 30, inside=True), 100)) == (
        "'n'=5%;10;@20:30;0;100"
    )


def test_texts_are_harmless() -> None:
    """Nothing in a text begins performance data or a line, or moves a cursor; none is too long."""
    assert harmless("a; b") == "a, b"
    assert harmless("a|b\nc\r\x1b[1md\u2028") == "a/b\\nc\\r\\x1b[1md\\u2028"
    assert harmless("x" * 301) == "x" * 297 + "..."
    lines = [f"line {number}\n" for number in range(22)]
    told = output(Level.WARNING, "said", [Datum("n", 1)], lines).splitlines()
    assert told[0] == "ARCHIVE WARNING - said | 'n'=1;;;0"
    assert told[-2:] == ["line 19\\n", "... and 2 more"]
    assert len(told) == 22


def test_what_is_worst() -> None:
    """That something is wrong says more than that something is not known."""
    assert worst(Level) is Level.CRITICAL
    assert worst([Level.OK, Level.UNKNOWN, Level.WARNING]) is Level.WARNING
    assert worst([Level.OK, Level.UNKNOWN]) is Level.UNKNOWN
    assert worst([]) is Level.OK
