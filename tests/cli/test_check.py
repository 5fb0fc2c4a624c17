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
from tests.support.archives import empty, import_documents
from tests.support.command import PROGRAM, Done, archive, at, environment, process
from tests.support.configurations import DEFAULTS, written
from tests.support.laws import some
from tests.support.monitored import load

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

# A label with any characters but quotes and equals signs, a value and its thresholds.
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
    """Run the check at the current time of the fleet."""
    return archive("check", place, "--now", NOW, *arguments)


def data(done: Done) -> dict[str, str]:
    """Return the performance data of the output, which must follow the guidelines."""
    first, *more = done.out.splitlines()
    assert not any("|" in line for line in more)
    _, separator, text = first.partition(" | ")
    if not separator:
        return {}
    assert "|" not in text
    found = text.split(" ")
    assert all(_DATUM.fullmatch(one) for one in found), text
    return {label.strip("'"): value for label, _, value in (one.partition("=") for one in found)}


def test_fleet_output_lists_the_worst_appliances_first(place: str) -> None:
    """One line with performance data, then one line for each appliance that is not OK, worst first."""
    done = check(place)
    assert (done.code, done.err) == (2, "")
    assert done.out == (
        'ARCHIVE CRITICAL - 1 CRITICAL, 2 UNKNOWN, 2 OK - vc4 "\\/{ä}=,#: no success yet'
        " | 'archive'=7200s;180000;;0 'appliances'=5;;;0 'critical'=1;;;0"
        " 'warning'=0;;;0 'unknown'=2;;;0 'age'=676770s;;;0 'failures'=1;2;;0 'missed'=3;;;0"
        " 'drop'=0%;50;90;0;100 'duration'=60s;;;0 'import'=241200s;180000;;0 'stuck'=0;0;;0 'other'=0;0;;0\n"
        '[CRITICAL] vc4 "\\/{ä}=,#: no success yet\n'
        "[UNKNOWN] vc2.example.com: no recent data since 2026-03-08 13:00:00Z, last import 2 d 19 h"
        " ago (limit 2 d 02 h)\n"
        "[UNKNOWN] vc5.example.com: never imported\n"
    )
    assert len(data(done)) == 13


def test_output_for_a_single_appliance(place: str) -> None:
    """For one appliance the first line has everything, with its own figures."""
    done = check(place, SCHEDULED)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "ARCHIVE OK - vc1.example.com: last success 7 h 00 m ago | 'archive'=7200s;180000;;0"
        " 'appliances'=1;;;0 'critical'=0;;;0 'warning'=0;;;0 'unknown'=0;;;0"
        " 'age'=25170s;90000;180000;0 'failures'=0;2;;0 'missed'=3;;;0 'drop'=0%;50;90;0;100"
        " 'duration'=60s;;;0 'import'=7200s;180000;;0 'stuck'=0;0;;0 'other'=0;0;;0\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    some([
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
        # The last import is just after its last success, and more than two nights ago.
        ((CADENCED,), 3, "no recent data since 2026-03-08 13:00:00Z, last import 2 d 19 h ago"),
        ((CADENCED, "-w", "9d", "-c", "9d"), 3, "last import 2 d 19 h ago (limit 2 d 02 h) |"),
        ((CADENCED, "--rpo", "9d"), 3, "no recent data since 2026-03-08 13:00:00Z, last import"),
        ((CADENCED, "--warning-import", "1d"), 1, "last import 2 d 19 h ago (limit 1 d 00 h), no"),
        ((CADENCED, "--warning-import", "9d"), 3, "no recent data since 2026-03-08 13:00:00Z |"),
        (("vc5*",), 3, "vc5.example.com: never imported |"),
        (("vc5*", "--warning-import", "1d"), 3, "vc5.example.com: never imported |"),
        ((SCHEDULED, "--stale", "1h"), 3, "stale: last import 2 h 00 m ago |"),
        ((SCHEDULED, "--stale", "2h"), 0, "last success"),
        ((CADENCED, "vc1*"), 3, "1 UNKNOWN, 1 OK - vc2.example.com: no recent data since"),
    ], 10),
)  # fmt: skip
def test_thresholds(place: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    """Thresholds on the command line override the defaults; missing data gives UNKNOWN."""
    done = check(place, *arguments)
    assert (done.code, done.err) == (code, "")
    assert done.out.startswith(f"ARCHIVE {Level(code).name} - ")
    assert said in done.out.splitlines()[0]
    assert data(done)


def test_cadences_and_tags_of_the_configuration_apply(place: str, tmp_path: Path) -> None:
    """Cadences and tags of the configuration apply as they do in reports."""
    tagged = f'[[appliance]]\nname = "{CADENCED}"\ncadence = "7d"\ntags = {{ site = "B" }}\n'
    other = f'[[appliance]]\nname = "{UNTOLD}"\n'
    config = str(written(tmp_path, f"{DEFAULTS}{tagged}{other}"))
    done = check(place, "--config", config, "--tag", "site=B")
    assert done.code == 0
    assert done.out.startswith("ARCHIVE OK - vc2.example.com: last success 2 d 20 h ago |")
    assert data(done)["age"] == "244770s;655200;1310400;0"


def test_stuck_jobs_and_unknown_statuses_warn(sqlite_archive: Engine) -> None:
    """As in `summary`: neither is a success or a failure, so nobody would notice them otherwise."""
    empty(sqlite_archive)
    jobs = [night("2026-03-10T01:00"), night("2026-03-09T01:00", "SKIPPED")]
    place = at(sqlite_archive)
    import_documents(sqlite_archive, dict(jobs), "vc-skipped", NOW)
    import_documents(
        sqlite_archive, dict([*jobs[:1], night("2026-03-08T01:00", "RUNNING")]), "vc-stuck", NOW
    )
    done = check(place)
    assert done.code == 1
    assert done.out.splitlines()[1:] == [
        "[WARNING] vc-skipped: 1 job in an unknown status",
        "[WARNING] vc-stuck: 1 stuck job",
    ]
    assert (data(done)["stuck"], data(done)["other"]) == ("1;0;;0", "1;0;;0")
    raised = ("--warning-stuck", "1", "--warning-other", "1", "--critical-other", "0")
    assert check(place, *raised).out.splitlines()[1:] == [
        "[CRITICAL] vc-skipped: 1 job in an unknown status (limit 0)"
    ]
    printed = archive("metrics", place, "--now", NOW).out
    assert 'archive_backup_stuck_jobs{appliance="vc-stuck"} 1.0\n' in printed
    assert 'archive_backup_other_recent{appliance="vc-skipped"} 1.0\n' in printed


def test_size_drops_warn_or_are_critical(engine: Engine) -> None:
    """A last success of a quarter of the usual size warns; a nearly empty one is critical."""
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


def test_consecutive_failures_and_appliances_not_reporting(engine: Engine) -> None:
    """Three consecutive failures warn; of an appliance that is not reporting nothing is known."""
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
        "[WARNING] struck: 3 consecutive failures (limit 2)",
        "[UNKNOWN] quiet: no recent data since 2026-03-07 06:00:00Z, last import 4 d 02 h ago (limit 1 d 12 h)",
    ]
    assert data(done)["import"] == "352800s;129600;;0"


def test_retired_appliances_are_counted_separately(engine: Engine) -> None:
    """Nothing is expected of them, so they are not OK either."""
    for name in ("gone", "struck"):
        import_documents(engine, dict([night("2026-03-10T01:00")]), name, NOW)
    assert archive("appliance", "retire", "gone", "--from", "2026-03-10", at(engine)).code == 0
    done = check(at(engine))
    assert done.code == 0
    assert done.out.startswith("ARCHIVE OK - 1 OK, 1 retired | ")


def test_stale_archive_is_unknown(place: str) -> None:
    """After two nights without an import only figures of appliances are shown."""
    done = archive("check", place, "--now", "2026-03-13T08:00:01Z")
    assert done.code == 3
    assert done.out.startswith("ARCHIVE UNKNOWN - the archive is stale: last import 2 d 02 h ago |")
    assert done.out.count("\n") == 1
    assert archive("check", place, "--now", "2026-03-13T08:00:00Z").code == 2


def test_empty_archive_is_unknown(engine: Engine) -> None:
    """An archive without imports is UNKNOWN."""
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
def test_usage_errors_are_unknown(place: str, arguments: tuple[str, ...], said: str) -> None:
    """Codes 1 and 2 would be verdicts, so usage errors are UNKNOWN, on one line of standard output."""
    done = archive("check", place, *arguments)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith(f"ARCHIVE UNKNOWN - {said}")
    assert done.out.count("\n") == 1
    assert "|" not in done.out


def test_unreadable_archive_is_unknown(tmp_path: Path) -> None:
    """A missing archive, or another file in its place, is UNKNOWN; as a process, too."""
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
def test_timeout_must_be_a_number_of_seconds(place: str, seconds: str) -> None:
    done = check(place, "--timeout", seconds)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith("ARCHIVE UNKNOWN - Invalid value for '--timeout' / '-t': ")


def test_archive_that_does_not_answer_is_unknown(postgresql_archive: Engine) -> None:
    """The plugin reports UNKNOWN before the monitoring system kills it for its timeout."""
    with postgresql_archive.begin() as other:
        other.exec_driver_sql("LOCK TABLE appliance")
        done = process("check", at(postgresql_archive), "-t", "2")
    said = "ARCHIVE UNKNOWN - the archive did not answer within 2 s (--timeout)\n"
    assert done == (3, said, "")


def test_internal_error_is_unknown(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error is UNKNOWN, without a traceback; with --debug there is one."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("out | of\norder")

    monkeypatch.setattr("archive.monitoring.assessment.states", fail)
    done = check(place)
    assert (done.code, done.err) == (3, "")
    assert done.out.startswith(
        "ARCHIVE UNKNOWN - internal error: RuntimeError: out / of\\norder\\nRun"
    )
    assert done.out.count("\n") == 1
    with pytest.raises(RuntimeError):
        check(place, "--debug")


def test_closed_pipe_keeps_the_exit_code(place: str) -> None:
    """A reader that stops early does not change the verdict."""
    command = shlex.join([*PROGRAM, "check", place, "--now", NOW])
    done = subprocess.run(
        ["/bin/bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, b"")


def test_performance_data_follow_the_guidelines() -> None:
    """'label'=value[UOM];[warn];[crit];[min];[max]; an unknown value is U."""
    assert str(Datum("n", 5)) == "'n'=5;;;0"
    assert str(Datum("n", None, "s")) == "'n'=U;;;0"
    assert str(Datum("n", 5, "%", Range(0, 10), Range(20, 30, inside=True), 100)) == (
        "'n'=5%;10;@20:30;0;100"
    )


def test_texts_are_escaped_and_shortened() -> None:
    """No text begins performance data or a line, or moves a cursor; none is too long."""
    assert harmless("a; b") == "a, b"
    assert harmless("a|b\nc\r\x1b[1md\u2028") == "a/b\\nc\\r\\x1b[1md\\u2028"
    assert harmless("x" * 301) == "x" * 297 + "..."
    lines = [f"line {number}\n" for number in range(22)]
    printed = output(Level.WARNING, "said", [Datum("n", 1)], lines).splitlines()
    assert printed[0] == "ARCHIVE WARNING - said | 'n'=1;;;0"
    assert printed[-2:] == ["line 19\\n", "... and 2 more"]
    assert len(printed) == 22


def test_problem_outranks_unknown() -> None:
    """WARNING and CRITICAL outrank UNKNOWN."""
    assert worst(Level) is Level.CRITICAL
    assert worst([Level.OK, Level.UNKNOWN, Level.WARNING]) is Level.WARNING
    assert worst([Level.OK, Level.UNKNOWN]) is Level.UNKNOWN
    assert worst([]) is Level.OK
