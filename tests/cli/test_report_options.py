from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from archive.cli import parse, report_options
from archive.errors import UsageError
from archive.reports import REPORTS
from archive.reports.core import plots
from archive.reports.core.scope import GROUPS
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, NAS, on
from tests.support.archives import import_documents
from tests.support.command import archive, at
from tests.support.configurations import DEFAULTS, written
from tests.support.laws import some

if TYPE_CHECKING:
    from pathlib import Path

    import typer
    from sqlalchemy.engine import Engine

NOW = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def place(shared_engine: Engine) -> str:
    """Give the option that names an archive of the fleet, on each database in turn."""
    fleet.load(shared_engine)
    return at(shared_engine)


def csv(place: str, *arguments: str) -> list[str]:
    done = archive("report", *arguments, "--format", "csv", place)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def jobs(place: str, *arguments: str) -> int:
    """Return the number of jobs that a report counts."""
    rows = csv(place, "success", "--period", "year", *arguments)[1:]
    return sum(int(row.split(",")[1]) for row in rows)


@pytest.mark.parametrize(
    ("options", "number"),
    some(
        [
            (["--since", "2026-Q1"], 9),
            (["--since", "2026-Q2"], 1),
            (["--until", "2026-01"], 4),
            (["--since", "2026-02", "--until", "2026-02"], 2),
            (["--since", "last month", "--until", "last-month", "--now", NOW], 2),
            (["--since", "2026-03-01T11:00:00+00:00", "--now", NOW], 3),
            (["--since", "29d", "--until", "today", "--now", NOW], 4),
            (["--since", "28d", "--until", "today", "--now", NOW], 3),
            (["--status", "failed", "-s", "RUNNING"], 3),
            (["--location", "SFTP://nas*"], 7),
            (["--location", NAS, "--location", "ftp:*"], 7),
            (["--build", "8.0.*"], 4),
            (["--build", "21784236", "--status", "SUCCEEDED"], 2),
        ],
        6,
    ),
)
def test_jobs_are_filtered(place: str, options: list[str], number: int) -> None:
    """Date ranges, statuses, targets and builds filter the jobs."""
    assert jobs(place, *options) == number


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    """Give the option that names a configuration with tags."""
    appliances = "".join(
        f'[[appliance]]\nname = "{name}"\ntags = {{ site = "{site}" }}\nenabled = false\n'
        for name, site in ((LONDON, "London"), (BERLIN, "Berlin"))
    )
    return f"--config={written(tmp_path, DEFAULTS + appliances)}"


def test_tags_select_appliances(place: str, configuration: str) -> None:
    """Tags come from the configuration; combined with names, both must match."""
    assert jobs(place, configuration, "--tag", "site=London") == 5
    assert jobs(place, configuration, "--tag", "site=London", "--tag", "site=Berlin") == 9
    assert jobs(place, configuration, "--tag", "site=Berlin", "--appliance", "*.ber.*") == 4
    done = archive("report", "trends", configuration, "--tag", "site=Rome", place)
    assert (done.code, done.out) == (2, "")
    assert "no appliance has the tag site=Rome; its values are: Berlin, London" in done.err
    done = archive("report", "trends", configuration, "--tag", "site=London", "-fjson", place)
    assert json.loads(done.out)["scope"] == {"period": "month", "tags": ["site=London"]}


def test_tags_need_a_configuration(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration a tag is an error that lists the paths that were tried."""
    monkeypatch.delenv("ARCHIVE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = archive("report", "trends", "--tag", "site=London", place)
    assert (done.code, done.out) == (2, "")
    assert "--tag site=London: no configuration with tags at" in done.err


def test_cadences_come_from_the_configuration(tmp_path: Path) -> None:
    """Only appliances with a configured cadence have one."""
    appliances = '[[appliance]]\nname = "a"\ncadence = "12h"\n[[appliance]]\nname = "b"\n'
    assert parse.cadences(str(written(tmp_path, DEFAULTS + appliances))) == (("a", 43200),)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("17b", 17),
        ("2TB", 2 * 10**12),
        ("500GiB", 500 * 2**30),
        ("1.5 kib", 1536),
        ("0.1kB", 100),
        ("1.0009kB", 1000),
        ("9EB", 9 * 10**18),
    ],
)
def test_sizes(text: str, number: int) -> None:
    """Units are decimal, or binary with an i; fractions of a byte are cut."""
    assert parse.size(text) == number


@pytest.mark.parametrize(
    "text", ["", "TB", "2T", "2iB", "-1GB", "0", "0.5B", "10EB", "1,5TB", "2 ZB"]
)
def test_invalid_sizes_are_refused(text: str) -> None:
    """Texts that are no size, and sizes beyond 64 bits, are refused."""
    with pytest.raises(UsageError, match=r"invalid size .*: write 2TB"):
        parse.size(text)


def test_durations_and_instants() -> None:
    """Durations have a unit, instants an offset; fractions of a microsecond are cut."""
    assert [parse.seconds(text) for text in (None, "25h", "1d")] == [None, 90000, 86400]
    assert parse.instant("2026-03-01T13:00:00.0000001+01:00") == "2026-03-01T12:00:00.000000Z"
    assert parse.instant(None) > "2026"


def test_rows_are_sorted_and_limited(place: str) -> None:
    """`--sort` orders by a column, `--top` takes the first rows; both in any format."""
    by = ("success", "--by", "appliance")
    found = csv(place, *by, "--sort", "-jobs", "--top", "2")
    assert [row.split(",")[:3] for row in found[1:]] == [
        ["2026-01", LONDON, "3"],
        ["2026-01", BERLIN, "1"],
    ]
    assert csv(place, *by, "--top", "1") == csv(place, *by)[:2]
    done = archive("report", *by, "--sort", "success_rate", "--top", "1", "-fjson", place)
    assert [row["period"] for row in json.loads(done.out)["rows"]] == ["2026-03"]


def test_json_has_metadata(place: str) -> None:
    """In JSON the rows are in an object with the options and the collection history."""
    done = archive(
        "report", "sizes", "--since", "last year", "--by", "type", "--now", NOW, "-fjson", place
    )
    found = json.loads(done.out)
    assert list(found) == ["report", "question", "scope", "collection", "notes", "rows"]
    assert found["report"] == "sizes"
    assert found["question"] == REPORTS["sizes"].question
    assert found["scope"] == {
        "period": "month",
        "since": "2025-01-01",
        "by": "type",
        "now": "2026-03-01T12:00:00.000000Z",
    }
    assert found["collection"]["last"] == "2026-04-03T00:00:00.000000Z"
    assert len(found["rows"]) == 6


def test_json_of_an_empty_archive(engine: Engine) -> None:
    """Before the first import there are no covered days and no rows."""
    found = json.loads(archive("report", "trends", "-fjson", at(engine)).out)
    assert (found["collection"], found["rows"]) == (None, [])


def test_list_of_reports() -> None:
    """`--list` needs no archive: each report with its question, what it can be made by, whether it has a plot."""
    done = archive("report", "--list", "--format", "json", "--database", "/nowhere/archive.db")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == [
        {
            "name": name,
            "question": report.question,
            "by": ", ".join(report.groups),
            "plot": bool(plots.ways(report)),
        }
        for name, report in REPORTS.items()
    ]
    assert all(name in archive("report", "--list").out for name in REPORTS)


def context(**params: Any) -> typer.Context:
    return cast("typer.Context", SimpleNamespace(params=params))


def test_groups_and_columns_are_completed() -> None:
    """Completion offers the groups and columns of the named report."""
    assert report_options.complete_group(context(name="trends"), "") == list(GROUPS)
    assert report_options.complete_group(context(), "b") == ["build"]
    complete = report_options.complete_column
    assert complete(context(name="success", by="type"), "f") == ["finished", "failed"]
    assert complete(context(name="success", by="type"), "-t") == ["-type"]
    assert complete(context(name="success", compare=True), "failed_") == [
        "failed_before",
        "failed_change",
    ]
    assert complete(context(), "f") == []


def test_job_list_takes_the_same_date_ranges(engine: Engine) -> None:
    """`archive job list` accepts the same words for days."""
    import_documents(engine, {"a": on("2026-01-05"), "b": on("2026-02-05")})
    done = archive("job", "list", "--since", "2026-02", "--until", "2026-Q1", "-fcsv", at(engine))
    assert done.out.count("\n") == 2
