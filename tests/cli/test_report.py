from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, get_args

import pytest

from archive import timestamps
from archive.calendar import PERIODS
from archive.cli import report_options
from archive.reports import REPORTS
from archive.reports.core.scope import ALL_GROUPS
from tests.reports import fleet
from tests.support import samples
from tests.support.archives import import_documents
from tests.support.command import archive

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

TABLE = """\
                                                   success   size    size  duration   duration
period   finished  succeeded  failed  open  other     rate  total  median    median        p95
──────────────────────────────────────────────────────────────────────────────────────────────
2026-01         4          3       1     0      0   75.0 %  600 B   200 B  2 m 00 s  10 m 00 s
2026-02         0          0       0     2      0        -      -       -         -          -
2026-03         1          0       1     0      1    0.0 %      -       -         -          -
"""


def at(engine: Engine) -> str:
    return f"--database={engine.url.render_as_string(hide_password=False)}"


@pytest.fixture(scope="module")
def place(shared_engine: Engine) -> str:
    """Give the option that names an archive of the fleet, on each database in turn."""
    fleet.load(shared_engine)
    return at(shared_engine)


def test_choices_match_the_reports() -> None:
    """The options offer exactly the values that the reports accept."""
    assert get_args(report_options.Period) == PERIODS
    assert get_args(report_options.Group) == ALL_GROUPS


def test_table_shows_its_period_and_calendar(place: str) -> None:
    """Beside a table stand its period, the calendar, the kind of percentiles, and the collection."""
    done = archive("report", "trends", "--until", "2026-03-31", place)
    assert done.code == 0
    assert done.out == TABLE
    assert done.err == (
        "Each row is a month; days start at 00:00 UTC; percentiles are exact (nearest rank).\n"
        "Imports from 2026-04-02 00:00:00Z to 2026-04-03 00:00:00Z.\n"
    )


def test_csv_and_json_are_data_alone(place: str) -> None:
    """Formats for programs have every column, exact values, and nothing on standard error."""
    options = ("--by", "type", "--period", "quarter", "--until", "2026-01-31", place)
    assert archive("report", "trends", "--format", "csv", *options) == (
        0,
        (
            "period,type,finished,succeeded,failed,open,other,success_rate,size_total_bytes,"
            "size_median_bytes,duration_median_seconds,duration_p95_seconds\r\n"
            "2026-Q1,MANUAL,1,1,0,0,0,1.0,200,200,600,600\r\n"
            "2026-Q1,SCHEDULED,3,2,1,0,0,0.6666666666666666,400,100,60,120\r\n"
        ),
        "",
    )
    assert archive("report", "success", "--format", "json", *options[2:]) == (
        0,
        (
            '{"report": "success", "question": "How many of the finished backups succeeded, and how'
            ' many are in progress?", "scope": {"period": "quarter", "until": "2026-01-31"}, "collection":'
            ' {"first": "2026-04-02T00:00:00.000000Z", "last": "2026-04-03T00:00:00.000000Z"},'
            ' "notes": ["Each row is a quarter; days start at 00:00 UTC."],'
            ' "rows": [\n  {"period": "2026-Q1", "jobs": 4, "finished": 4,'
            ' "succeeded": 3, "failed": 1, "open": 0, "other": 0, "success_rate": 0.75,'
            ' "appliances": 2}\n]}\n'
        ),
        "",
    )


def test_report_without_jobs(place: str) -> None:
    """An empty report has a header, and a note says what is missing."""
    limits = ("--since", "2030-01-01", "--until", "2030-12-31", "--type", "A", "-a", "vc*", place)
    done = archive("report", "success", *limits)
    assert done.code == 0
    assert done.out.splitlines()[1].split()[0] == "period"
    assert done.err.startswith("No rows since 2030-01-01 until 2030-12-31 of type A of vc*.\n")
    done = archive("report", "success", *limits, "--format", "csv")
    assert (done.code, done.out.count("\n"), done.err) == (0, 1, "")
    assert json.loads(archive("report", "success", *limits, "--format", "json").out)["rows"] == []


def test_empty_archive_names_the_next_command(engine: Engine) -> None:
    """Before the first import a report says how to make one."""
    done = archive("report", "trends", at(engine))
    assert done.code == 0
    assert done.err == (
        "No rows.\n"
        "Each row is a month; days start at 00:00 UTC; percentiles are exact (nearest rank).\n"
        "No imports yet: see `archive collect --help` and `archive ingest --help`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trnds",), 'unknown report "trnds" (did you mean "trends"?)'),
        ((), "no report named: `archive report --list` lists"),
        (("trends", "--since", "tomorrow"), 'invalid date range "tomorrow": write'),
        (("trends", "--now", "yesterday"), 'invalid time "yesterday": write it as 2026-'),
        (("rpo", "--now", "9999-12-31T23:59:59Z"), "its year must be from 2 to 9998"),
        (("failures", "--now", "0001-01-01T00:00:00Z"), "its year must be from 2 to 9998"),
        (("trends", "--rpo", "25h"), 'report "trends" does not support --rpo'),
        (("trends", "--rpo", "25"), 'invalid duration "25": write a number and its unit'),
        (("trends", "--capacity", "2TB"), 'report "trends" does not support --capacity'),
        (("trends", "--capacity", "2T"), 'invalid size "2T": write 2TB, 1.5PB, 500GiB'),
        (("trends", "--keep", "7"), 'report "trends" does not support --keep'),
        (("trends", "--keep", "0"), "--keep"),
        (("trends", "--top", "0"), "--top"),
        (("trends", "--sort", "jobs"), 'unknown column "jobs" (known: period, finished'),
        (("trends", "--sort", "-finish"), 'did you mean "finished"?'),
        (("trends", "--appliance", "vc9*"), 'no appliance matches "vc9*"'),
        (("trends", "--by", "colour"), "'colour' is not one of"),
        (("trends", "--period", "decade"), "'decade' is not one of"),
    ],
)
def test_invalid_options_are_usage_errors(
    place: str, arguments: tuple[str, ...], said: str
) -> None:
    """An invalid option gives code 2, one message, and nothing on standard output."""
    done = archive("report", *arguments, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_output_file(place: str, tmp_path: Path) -> None:
    """`-o` writes the same bytes to a file as to standard output."""
    path = tmp_path / "report.csv"
    done = archive("report", "sizes", "--format", "csv", "-o", str(path), place)
    assert done == (0, "", "")
    printed = archive("report", "sizes", "--format", "csv", place).out
    assert path.read_bytes().decode() == printed


def test_failed_report_does_not_touch_the_file(place: str, tmp_path: Path) -> None:
    """A refused report leaves the output file as it was."""
    path = tmp_path / "report.csv"
    path.write_text("old")
    assert archive("report", "sizes", "-a", "zzz", "-o", str(path), place).code == 2
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "old")]


def test_help_lists_all_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The help text lists every report with the question it answers."""
    monkeypatch.setenv("COLUMNS", "200")
    done = archive("report", "--help")
    assert done.code == 0
    for found in REPORTS.values():
        assert f"{found.name}: {found.question}" in done.out


def test_report_names_are_completed() -> None:
    """Completion offers the reports that start with the text, with their questions."""
    assert report_options.complete_name("tr") == [
        (name, REPORTS[name].question) for name in ("trends",)
    ]


def test_both_databases_give_the_same_bytes(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the same imports every report is byte-equal on SQLite and PostgreSQL."""
    monkeypatch.setattr(timestamps, "now", lambda: "2026-07-24T12:00:00.000000Z")
    for engine in engines:
        fleet.load(engine)
        import_documents(engine, samples.SAMPLES, "Zürich", "2026-07-24T12:00:00.000000Z")
        import_documents(engine, {"k": fleet.on("0001-01-01", size=2**63 - 1, type="a")}, "éa")
    options = [
        *((name, "--by", group, "-fcsv") for name in REPORTS for group in REPORTS[name].groups),
        *(("trends", "--period", period, "-fcsv") for period in PERIODS),
        *product(REPORTS, ["-fcsv", "-ftable", "-fjson"]),
        *((name, "--compare", "-fcsv") for name in REPORTS if "compare" in REPORTS[name].takes),
    ]
    for asked in options:
        arguments = ("report", *asked, "--now", "2026-08-01T00:00:00Z")
        on_sqlite, on_postgresql = (archive(*arguments, at(engine)) for engine in engines)
        assert on_sqlite == on_postgresql
        assert on_sqlite.code == 0
        assert on_sqlite.out.count("\n") > 2
