from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.document import canonical
from archive.reports import Scope
from archive.reports.core import message_search
from archive.reports.jobs import JobFilter, run
from tests.support.archives import import_documents
from tests.support.command import archive, at, process
from tests.support.laws import some
from tests.support.samples import BASE, SAMPLES, job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

HEADER = "appliance,key,status,type,start_time,duration_seconds,size_bytes,message"


def says(*texts: str) -> list[dict[str, Any]]:
    """Return messages with these texts."""
    return [
        {"id": f"id.{place}", "default_message": text, "args": []}
        for place, text in enumerate(texts)
    ]


def on(day: int, status: str, *texts: str, kind: str = "SCHEDULED") -> dict[str, Any]:
    """Return a job of a day in March with only these texts."""
    start = f"2026-03-0{day}T01:00:00.000Z"
    return job(status, type=kind, start_time=start, progress=None, messages=says(*texts))


NESTED = {"part": {"l": {"id": "Part.seat", "params": {"name": {"s": "INNERMOST"}}}}}
# By appliance and key; the keys are in the order of the days.
JOBS = {
    "vc01.lon": {
        "5": on(5, "PENDING", kind="MANUAL"),
        "4": on(4, "FAILED", "100% full", "=a"),
        "1": on(1, "SUCCEEDED", "snap_shot taken")
        | {"description": says("Backup")[0] | {"localized": "Uebersetzt"}},
    },
    "vc02.ber": {
        "3": on(3, "FAILED", "1000 full") | {"description": says("Backup")[0] | {"params": NESTED}},
        "2": on(2, "SUCCEEDED", "SNAPxSHOT Taken")
        | {"description": says("Backup")[0] | {"args": ["1", "Alles Über"]}},
    },
}

TABLE = """\
appliance  key  status   type       start time            duration     size  message
──────────────────────────────────────────────────────────────────────────────────────
vc01.lon   5    PENDING  MANUAL     2026-03-05 01:00:00Z         -        -  -
vc01.lon   4    FAILED   SCHEDULED  2026-03-04 01:00:00Z  1 m 00 s  1.0 KiB  100% full
"""

MORE = "Newest 2 jobs shown. List all with --limit 0.\n"

SHOWN = """\
appliance      vc01
key            20260723-021500-25148086
status         SUCCEEDED
type           SCHEDULED
day            2026-07-23
start time     2026-07-23 02:15:00Z
end time       2026-07-23 02:31:07Z
duration       16 m 07 s
size           6.0 GiB (6,442,450,944 bytes)
progress       100 of 100
location       sftp://10.10.10.10/backups/vCenter/sn_vcsa902.corp.example/S_9.0.2.0_20260723-021500_
location user  vcbackup
build          9.0.2 GA: 9.0.2.0 (25148086)
fast backup    yes
cancelable     no
user           root
operation      com.vmware.appliance.recovery.backup.job.create
first seen     2026-07-24 12:00:00Z
last seen      2026-07-24 12:00:00Z
import         1
digest         SHA-256 {digest}
statuses
  SUCCEEDED  since 2026-07-24 12:00:00Z
messages
  description  Backup job
    id  com.vmware.applmgmt.backup.description
  progress     100%
    id  com.vmware.applmgmt.backup.progress
  message      Die Sicherung dauerte 16,12 Minuten
    id               com.vmware.applmgmt.backup.slow
    default message  Backup took 16.12 minutes, started 2026-07-23 02:15
    params
      count    3
      minutes  16.12
      part     com.vmware.applmgmt.part.seat
        name  seat
      start    2026-07-23 02:15
"""

# Everything that the sample lacks: a password, an error, findings, an unknown field.
STRANGE = BASE | {
    "location": "sftp://backup:hunter2@nas/srv",
    "status": "RUNNING",
    "target": {"type": "Appliance", "id": "vc"},
    "parent": "20260722-021500-1",
    "cancelable": True,
    "fast_backup": False,
    "messages": [{"id": "m", "default_message": "\x1b[31mred", "args": ["one", "", "three"]}],
    "error": {
        "error_type": "ERROR",
        "messages": [{"id": "e", "default_message": "It broke", "args": []}],
        "data": {"a": 1},
    },
    "surprise": 5,
}


@pytest.fixture(scope="module")
def place(shared_engine: Engine) -> str:
    """Give the option that names an archive of a few jobs, on each database in turn."""
    for appliance, jobs in JOBS.items():
        import_documents(shared_engine, jobs, appliance)
    return at(shared_engine)


@pytest.mark.parametrize(
    ("options", "keys"),
    some(
        [
            ([], "54321"),
            (["--status", "FAILED"], "43"),
            (["--status", "failed", "-s", "pending"], "543"),
            (["--status", "SUCCESS"], ""),
            (["--since", "2026-03-03"], "543"),
            (["--until", "2026-03-02"], "21"),
            (["--since", "2026-03-02", "--until", "2026-03-03"], "32"),
            (["--appliance", "vc01*"], "541"),
            (["--appliance", "*.ber", "-a", "vc01.lon"], "54321"),
            (["--type", "manual"], "5"),
            (["--type", "MANUAL", "--type", "SCHEDULED"], "54321"),
            (["--message", "full"], "43"),
            # Wildcards in the search text match only themselves.
            (["--message", "100%"], "4"),
            (["--message", "100% f"], "4"),
            (["--message", "snap_shot"], "1"),
            (["--message", "%"], "4"),
            (["--message", "\\"], ""),
            (["--message", "taken"], "21"),
            # Message ids, arguments, texts among the params, and the ids of what is nested in them.
            (["--message", "id.1"], "4"),
            (["--message", "über"], ""),
            (["--message", "Über"], "2"),
            (["--message", "ALLES Über"], "2"),
            (["--message", "part.seat"], "3"),
            (["--message", "inner"], "3"),
            (["--message", "uebersetzt"], "1"),
            (["--limit", "2"], "54"),
            (["--limit", "0"], "54321"),
            (["--status", "FAILED", "--message", "full", "--limit", "1"], "4"),
        ],
        14,
    ),
)
def test_jobs_are_filtered(place: str, options: list[str], keys: str) -> None:
    """Each filter removes the jobs that do not match, and the newest jobs come first."""
    done = archive("job", "list", *options, "--format", "csv", place)
    header, *found = done.out.splitlines()
    assert (done.code, header) == (0, HEADER)
    assert [line.split(",")[1] for line in found] == list(keys)


@pytest.mark.parametrize("text", some(["taken", "full", "backup", "nobody says this"], 2))
@pytest.mark.usefixtures("place")
def test_text_search_gives_the_same_list_either_way(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Scanning some or all jobs, or one query for all, gives the same list."""
    scopes = (Scope(), Scope(appliances=("vc02*",)), Scope(until="2026-03-04"))
    with db.reading(shared_engine) as connection:
        for scope, status, limit in product(scopes, ((), ("FAILED",)), (None, 1, 2, 5)):
            wanted = JobFilter(status, text, limit)
            found = []
            for newest in (10**6, 1, 2, 3, 100):
                monkeypatch.setattr(message_search, "NEWEST", newest)
                found.append(list(run(connection, scope, wanted)))
            assert found == [found[0]] * len(found)


def test_list_shows_the_first_message(engine: Engine) -> None:
    """The list has the first message's text in the available language, or its id."""
    without_text = {"id": "the.id", "default_message": "", "args": []}
    for key, message in {"1": without_text, "2": without_text | {"localized": "Fertig"}}.items():
        import_documents(
            engine, {key: job(messages=[message])}, "vc01", f"2026-07-24T1{key}:00:00.000000Z"
        )
    found = archive("job", "list", "--format", "csv", at(engine)).out.splitlines()[1:]
    assert [line.rsplit(",", 1)[1] for line in found] == ["Fertig", "the.id"]


def test_table_reports_jobs_beyond_the_limit(place: str) -> None:
    """The number of jobs beyond the limit is on standard error, unless there are none."""
    done = archive("job", "list", "--limit", "2", place)
    assert done == (0, TABLE, MORE)
    assert archive("job", "list", "--limit", "5", place).err == ""
    assert archive("job", "list", "--limit", "0", place).err == ""


def test_csv_and_json(place: str, tmp_path: Path) -> None:
    """CSV and JSON have exact values, can go to a file, and neutralise only formulas."""
    options = ("job", "list", "--message", "=a", place)
    line = "vc01.lon,4,FAILED,SCHEDULED,2026-03-04T01:00:00.000000Z,60,1024,100% full"
    assert archive(*options, "--format", "csv").out == f"{HEADER}\r\n{line}\r\n"
    path = tmp_path / "jobs.json"
    assert archive(*options, "--format", "json", "-o", str(path)) == (0, "", "")
    assert json.loads(path.read_text()) == [
        {
            "appliance": "vc01.lon",
            "key": "4",
            "status": "FAILED",
            "type": "SCHEDULED",
            "start_time": "2026-03-04T01:00:00.000000Z",
            "duration_seconds": 60,
            "size_bytes": 1024,
            "message": "100% full",
        }
    ]


def test_empty_list(engine: Engine) -> None:
    """An empty list is no error, and a note says so."""
    done = archive("job", "list", at(engine))
    assert (done.code, done.out.count("\n"), done.err) == (0, 2, "No jobs.\n")
    assert archive("job", "list", "--format", "json", at(engine)).out == "[]\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "2026-02-30"], 'archive: invalid date range "2026-02-30"'),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "2026-03-02 is after the last day"),
        (["--appliance", "vc9"], 'archive: no appliance matches "vc9"'),
        (["--limit", "-1"], "--limit"),
        (["--limit", "99999999999999999999"], "--limit"),
        (["--format", "xml"], "--format"),
        (["--message", "a\udcff"], r"archive: argument 'a\udcff' is not valid UTF-8"),
        (["--type", "a\udcff"], r"archive: argument 'a\udcff' is not valid UTF-8"),
    ],
)
def test_invalid_options_are_usage_errors(place: str, options: list[str], said: str) -> None:
    """An invalid option gives code 2, a message, and nothing on standard output."""
    done = archive("job", "list", *options, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_job_show_prints_everything(engine: Engine) -> None:
    """A job is shown with everything known about it, nested params indented below their parent."""
    key = "20260723-021500-25148086"
    import_documents(engine, {key: BASE}, "vc01")
    digest = canonical.read(BASE).digest.hex()
    done = archive("job", "show", "vc01", key, at(engine))
    assert done == (0, SHOWN.format(digest=digest), "")


def test_job_in_a_locale(engine: Engine) -> None:
    """Params are written in the style of a locale and in the archive's zone; JSON stays the document."""
    key = "20260723-021500-25148086"
    import_documents(engine, {key: BASE}, "vc01")
    assert archive("db", "calendar", "--time-zone", "Asia/Kathmandu", at(engine)).code == 0
    show = ("job", "show", "vc01", key, at(engine))
    assert "      start    2026-07-23 08:00\n" in archive(*show).out
    shown = archive(*show, "--locale", "de_DE").out
    assert "      minutes  16,12\n" in shown
    assert "      start    23.07.26, 08:00\n" in shown
    json_options = ("--locale", "de_DE", "--format", "json")
    assert json.loads(archive(*show, *json_options).out) == BASE
    said = 'archive: unknown locale "de_DEE" (did you mean "de_DE", "de_BE" or "de_LU"?)\n'
    assert archive(*show, "--locale", "de_DEE") == (2, "", said)


def test_hostile_job_is_shown_safely(engine: Engine) -> None:
    """Passwords are hidden, control characters are escaped, errors and findings are shown."""
    for hour, status in (("10", "PENDING"), ("11", "BLOCKED"), ("12", "RUNNING")):
        seen = f"2026-07-24T{hour}:00:00.000000Z"
        import_documents(engine, {"k": STRANGE | {"status": status}}, "vc01", seen)
    shown = archive("job", "show", "vc01", "k", at(engine)).out
    assert "hunter2" not in shown
    assert "\x1b" not in shown
    for part in (
        "location       sftp://backup:***@nas/srv\n",
        "fast backup    no\n",
        "cancelable     yes\n",
        "parent         20260722-021500-1\n",
        "target         Appliance vc\n",
        "stored whole   yes, the tables cannot hold or must not show all of it\n",
        "statuses\n  PENDING  since 2026-07-24 10:00:00Z\n  BLOCKED  since 2026-07-24 11:00:00Z\n",
        "  RUNNING  since 2026-07-24 12:00:00Z\n",
        "  message      \\x1b[31mred\n    id          m\n    argument 1  one\n    argument 2\n",
        "    argument 2\n    argument 3  three\n",
        "  error        It broke\n    id  e\n",
        'error\n  type  ERROR\n  data  {"a":1}\n',
        "findings\n",
        "unknown_field (surprise)",
    ):
        assert part in shown


def test_job_with_only_a_status(engine: Engine) -> None:
    """No value is invented for a job that has only a status."""
    import_documents(engine, {"k": {"status": "PENDING"}}, "vc01")
    shown = archive("job", "show", "vc01", "k", at(engine)).out.splitlines()
    labels = [line.split("  ")[0] for line in shown if not line.startswith(" ")]
    assert labels[:4] == ["appliance", "key", "status", "day"]
    assert set(labels[4:]) <= {
        "first seen", "last seen", "import", "digest", "statuses", "findings", "stored whole",
    }  # fmt: skip


@pytest.mark.parametrize("key", SAMPLES)
def test_json_is_the_canonical_document(engine: Engine, tmp_path: Path, key: str) -> None:
    """As JSON a job is its document in canonical form, on standard output or in a file."""
    import_documents(engine, {key: SAMPLES[key]}, "vc01")
    options = ("job", "show", "vc01", key, "--format", "json", at(engine))
    done = archive(*options)
    assert (done.code, done.err) == (0, "")
    assert done.out == canonical.read(SAMPLES[key]).text + "\n"
    assert json.loads(done.out) == SAMPLES[key]
    path = tmp_path / "job.json"
    assert archive(*options, "-o", str(path)) == (0, "", "")
    assert path.read_bytes().decode() == done.out


def test_json_hides_passwords_alone(engine: Engine) -> None:
    """The document is as it was imported, including unknown fields."""
    import_documents(engine, {"k": STRANGE}, "vc01")
    shown = json.loads(archive("job", "show", "vc01", "k", "-f", "json", at(engine)).out)
    assert shown == STRANGE | {"location": "sftp://backup:***@nas/srv"}


@pytest.mark.parametrize(("appliance", "key"), [("vc01.lon", "3"), ("vc99", "1"), ("vc0*", "1")])
def test_unknown_job(place: str, appliance: str, key: str) -> None:
    """An unknown job gives code 2, and the error names the command that lists jobs."""
    done = archive("job", "show", appliance, key, place)
    said = f'archive: no job "{key}" of appliance "{appliance}": see `archive job list`\n'
    assert done == (2, "", said)


def test_name_that_is_not_valid_text(tmp_path: Path) -> None:
    """Bytes that no database stores as text are a usage error, in a process as well."""
    path = str(tmp_path / "a.db")
    assert archive("db", "upgrade", "-d", path).code == 0
    done = process("job", "show", b"vc\xff", "k", "-d", path)
    assert done == (2, "", "archive: argument 'vc\\udcff' is not valid UTF-8\n")
