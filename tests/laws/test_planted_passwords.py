"""Forty passwords, planted wherever a text can come from, are in no output, error, log or public table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from pyarrow import parquet

from archive import db, reports
from archive.db import rights, roles, tables
from archive.document.appliance_facts import Facts, read_schedules, read_version
from archive.errors import DatabaseError, InputError
from archive.ingest.ingest import Source, ingest
from archive.reports import sql_files
from archive.store import collection_log, fact_history
from archive.store.collection_log import Attempt
from tests.support.archives import SEEN, empty, import_documents, lines, stream
from tests.support.command import archive, at, process
from tests.support.configurations import written
from tests.support.samples import BASE, job
from tests.support.served import served
from tests.support.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine

READER = "planted_reader"
MARK = "Zq7x"
URLS = [
    "sftp://svc:{}@nas/backup",
    "ftps://svc@corp.example:{}@nas/backup",
    "ftp://svc:a/{}@nas/backup",
    "//svc:{}@nas/share",
    "\\\\svc:{}@nas\\share",
    "https://nas/x?password={}&x=1",
    "https://nas/x?a=1&sig={}",
    "svc:{}@nas:/backup",
    "ftp://svc:a/vCenter/sn_{}@nas",
]
SAMPLE_DAY = ("--since", "2026-01-01", "--until", "2026-12-31")


class Planted:
    """Makes texts with a password, each another one."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, form: str = "see ftp://svc:{}@nas now") -> str:
        """Return a text in this form, with a new password."""
        self.number += 1
        return form.format(f"{MARK}{self.number:02}")

    def message(self) -> dict[str, Any]:
        """Return a message with a password in each of its texts."""
        nested = {"id": self(), "params": {"token": {"s": self("{}")}, "to": {"s": self(URLS[0])}}}
        params = {"password": {"s": self("{}")}, "url": {"s": self()}, "deep": {"l": nested}}
        return {
            "id": "m",
            "default_message": self(),
            "localized": self("Ziel ftp://svc:{}@nas"),
            "args": [self(URLS[1]), self("sent Authorization: Basic {}==")],
            "params": params,
        }


def plant(engine: Engine) -> int:
    """Fill an archive with everything that can hold a password; return how many there are."""
    planted = Planted()
    documents = {
        f"20260301-0215{place:02}-1": job(location=planted(url)) for place, url in enumerate(URLS)
    }
    documents["20260302-021500-1"] = job(
        "FAILED",
        messages=[planted.message()],
        description=planted.message(),
        user=planted("svc:{}@corp"),
        error={"error_type": "ERROR", "messages": [planted.message()], "data": {"u": planted()}},
    )
    documents["20260303-021500-1"] = job(
        messages=[planted.message()], surprise={"password": planted("{}"), "to": [planted()]}
    )
    documents["20260304-021500-1"] = job(size=planted('{{"a": "ftp://svc:{}@nas"}}'))
    documents["20260305-021500-1"] = BASE | {"type": planted(), "operation": planted(URLS[2])}
    import_documents(engine, documents, "vc01", name=planted("ftp://svc:{}@nas/answer.json"))
    held = {"20260306-021500-1": {"nothing": planted(URLS[0]), "x": {"password": planted("{}")}}}
    import_documents(engine, held, "vc01")
    with pytest.raises(InputError):
        ingest(engine, Source(planted("ftp://svc:{}@nas"), stream(b"["), "vc01", SEEN))
    schedule = {"enable": True, "location": planted(URLS[3]), "mirror": planted(URLS[4])}
    version = {"version": "9", "summary": planted(), "new": planted(URLS[5])}
    facts = Facts(read_version(version), None, read_schedules({"default": schedule}))
    with db.writing(engine) as connection:
        fact_history.record(connection, 1, facts, SEEN)
    return planted.number


def search(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if MARK.lower() in text.lower()]


def outputs(engine: Engine, folder: Path) -> dict[str, str]:
    """Return the output of each verb that shows the content of an archive."""
    runs: list[tuple[str, ...]] = [
        ("job", "list", "--limit", "0"),
        ("quarantine", "list"),
        ("quarantine", "retry"),
        ("log", "imports", "--limit", "0"),
        ("db", "verify"),
        ("metrics",),
        ("import", "list"),
        ("log", "collections"),
        ("log", "appliances"),
        ("log", "maintenance"),
        ("appliance", "list"),
        ("sql", "SELECT url FROM location"),
        ("sql", "SELECT document FROM irregular_document", "--format", "json"),
        ("export", "csv", "--table", "location", "--output", "-"),
        ("db", "rebuild"),
        ("mail", "--output", str(folder / "mail.eml"), "--since", "2026-01-01"),
        ("check",),
        ("export", "csv", str(folder / "csv")),
        *(("job", "show", "vc01", key) for key in keys(engine)),
        *(("job", "show", "vc01", key, "-f", "json") for key in keys(engine)),
        *(("sql", query.name) for query in sql_files.queries()),
        *(("report", name, *SAMPLE_DAY) for name in reports.REPORTS),
        *(("report", name, *SAMPLE_DAY, "--format", "csv") for name in reports.REPORTS),
    ]
    shown = {}
    for run in runs:
        done = archive(*run, at(engine))
        shown[" ".join(run)] = done.out + done.err
    dashboard = folder / "page.html"
    assert archive("dashboard", "--output", str(dashboard), at(engine)).code == 0
    shown["dashboard"] = dashboard.read_text()
    return shown | {str(path): path.read_text() for path in (folder / "csv").iterdir()}


def parquet_outputs(engine: Engine, folder: Path) -> dict[str, str]:
    """Return the content of each Parquet file, decoded, and what the export said."""
    done = archive("export", "parquet", str(folder), at(engine))
    assert done.code == 0, done.err
    files = {
        str(path): repr(parquet.read_table(path).to_pylist()) for path in folder.rglob("*.parquet")
    }
    return files | {"export parquet": done.out + done.err}


def notified(engine: Engine, folder: Path) -> dict[str, str]:
    """Return what recipients get, and what is printed, also where one cannot be reached."""
    with Webhooks() as server, Webhooks() as refusing:
        refusing.status = 500
        url, bad = (f"json://svc:{MARK}@127.0.0.1:{one.port}/{MARK}" for one in (server, refusing))
        text = "".join(
            f'[[notify]]\nname = "{name}"\nurl = {{ file = "{name}-url" }}\n'
            for name in ("ops", "bad", "away")
        )
        for name, value in {
            "ops": url,
            "bad": bad,
            "away": f"json://{MARK}@127.0.0.1:1/{MARK}",
        }.items():
            (folder / f"{name}-url").write_text(value)
            (folder / f"{name}-url").chmod(0o600)
        config = f"--config={written(folder, text)}"
        dry = archive("notify", "--dry-run", config, at(engine))
        done = archive("notify", config, at(engine))
        assert (dry.code, done.code) == (0, 3)
        assert server.came
        return {
            "notify --dry-run": dry.out + dry.err,
            "notify": done.out + done.err,
            "notification": repr(server.came),
        }


def bundled(engine: Engine, folder: Path) -> dict[str, str]:
    """Return each file of a bundle of evidence, and what its verbs say."""
    bundle = folder / "evidence"
    runs = {
        "evidence export": archive("evidence", "export", "-o", str(bundle), at(engine)),
        "evidence verify": archive("evidence", "verify", str(bundle), at(engine)),
        "evidence head": archive("evidence", "head", at(engine)),
    }
    assert all(done.code == 0 for done in runs.values()), runs
    files = {str(path): path.read_text() for path in bundle.rglob("*") if path.is_file()}
    return files | {name: done.out + done.err for name, done in runs.items()}


def served_pages(engine: Engine) -> dict[str, str]:
    """Return every answer of `archive serve`, and its log."""
    with served(at(engine)) as server:
        paths = ["", "metrics", "openapi.json", "nonesuch"]
        for name in reports.REPORTS:
            for form in ("html", "csv", "json"):
                path = f"reports/{name}.{form}"
                # Some are of now, and have no days.
                days = "?since=2026-01-01"
                paths.append(path + days if server.get(path + days).status == 200 else path)
        answers = {f"serve /{path}": server.get(path).text for path in paths}
        return answers | {"log of serve": "".join(map(str, server.end()))}


def copied(engine: Engine, folder: Path) -> dict[str, str]:
    """Return what copies and backups print, and what the copy shows."""
    copy = f"--database={folder / 'copy.db'}"
    runs = {
        "db copy": archive("db", "copy", "--to", str(folder / "copy.db"), at(engine)),
        "db copy again": archive("db", "copy", "--to", str(folder / "copy.db"), at(engine)),
        "db backup": archive("db", "backup", str(folder / "backup.db"), copy),
        "verify": archive("db", "verify", copy),
        "undo": archive("import", "undo", "2", copy),
        "rename": archive("appliance", "rename", "vc01", "vc02", copy),
        "retire": archive("appliance", "retire", "vc02", copy),
        "forget": archive("appliance", "forget", "vc02", "--yes", copy),
        "log": archive("log", "maintenance", copy),
        "imports": archive("log", "imports", copy),
    }
    assert runs["db copy"].code == runs["verify"].code == runs["forget"].code == 0
    return {name: done.out + done.err for name, done in runs.items()}


def keys(engine: Engine) -> list[str]:
    with db.reading(engine) as connection:
        return list(connection.execute(sa.select(tables.job.c.key)).scalars())


def test_planted_passwords_are_shown_nowhere(sqlite_archive: Engine, tmp_path: Path) -> None:
    """What is shown is read from columns that both databases have."""
    empty(sqlite_archive)
    assert plant(sqlite_archive) >= 40
    assert search(outputs(sqlite_archive, tmp_path)) == []
    assert MARK in lines(sqlite_archive)  # nothing is lost: the owner's own export has them


@pytest.mark.parametrize("shown", [parquet_outputs, notified, copied, bundled])
def test_planted_passwords_are_not_passed_on(
    sqlite_archive: Engine, tmp_path: Path, shown: Callable[[Engine, Path], dict[str, str]]
) -> None:
    empty(sqlite_archive)
    plant(sqlite_archive)
    assert search(shown(sqlite_archive, tmp_path)) == []


def test_planted_passwords_are_not_served(sqlite_archive: Engine) -> None:
    empty(sqlite_archive)
    plant(sqlite_archive)
    pages = served_pages(sqlite_archive)
    assert "vc01" in pages["serve /reports/appliances.csv"]
    assert search(pages) == []


def test_planted_passwords_do_not_damage_the_archive(engine: Engine) -> None:
    plant(engine)
    assert archive("db", "verify", at(engine)) == (0, "", "No problems found.\n")


def test_planted_passwords_are_in_no_table_but_whole_documents(engine: Engine) -> None:
    plant(engine)
    found = {}
    with db.reading(engine) as connection:
        for table in tables.metadata.sorted_tables:
            for column in table.columns:
                values = connection.execute(sa.select(column)).scalars().all()
                found[table.name, column.name] = repr(values)
    shown = {place for place in found if MARK in found[place]}
    assert len(shown) == 5
    assert shown <= rights.HIDDEN


def test_reader_role_cannot_see_planted_passwords(postgresql_archive: Engine) -> None:
    engine = postgresql_archive
    plant(engine)
    roles.give(engine, READER)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL ROLE {READER}")
            readable = {
                name: repr(
                    connection.execute(
                        sa.text(f"SELECT {', '.join(columns or '*')} FROM {name}")
                    ).all()
                )
                for name, columns in rights.readable().items()
            }
        assert search(readable) == []
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {READER}; DROP ROLE {READER}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--database", "postgresql://svc:{}@127.0.0.1:9/db", "report", "summary"),
        ("--database", "postgresql://svc@127.0.0.1:9/db?password={}", "report", "summary"),
        ("--database", "mysql://svc:{}@h/db", "report", "summary"),
        ("report", "postgresql://svc:{}@h/db"),
        ("postgresql://svc:{}@h/db",),
        ("db", "upgrade", "postgresql://svc:{}@h/db"),
        ("job", "list", "--since", "ftp://svc:{}@nas"),
        ("--database", "/nonexistent/ftp://svc:{}@nas", "report", "summary"),
        ("ingest", "ftp://svc:{}@nas/a.json"),
        ("--config", "/nonexistent/svc:{}@nas", "fleet", "list"),
    ],
)
def test_errors_show_no_password(arguments: tuple[str, ...]) -> None:
    done = archive(*(part.format(MARK) for part in arguments))
    assert done.code != 0
    assert MARK not in done.out + done.err


def test_traceback_shows_no_password() -> None:
    done = process("report", f"postgresql://svc:{MARK}@h/db", "--database=x", "--debug")
    assert "Traceback" in done.err
    assert MARK not in done.err


def test_reason_of_an_attempt_is_recorded_without_passwords(engine: Engine) -> None:
    number = collection_log.begin(engine, 1)
    reason = f"cannot reach http://svc:{MARK}@proxy:3128"
    collection_log.record_failure(
        engine, number, Attempt("vc01", SEEN, None, "failed", reason, None)
    )
    with db.reading(engine) as connection:
        (stored,) = connection.execute(sa.select(tables.attempt.c.reason)).scalars()
    assert stored == "cannot reach http://svc:***@proxy:3128"


def test_detail_of_a_database_error_is_not_shown(postgresql_archive: Engine) -> None:
    """PostgreSQL's DETAIL quotes the rows, SQLAlchemy's texts the values."""
    row = {"name": "n", "value": MARK}
    with (
        pytest.raises(DatabaseError, match="setting") as refused,
        db.writing(postgresql_archive) as connection,
    ):
        connection.execute(sa.insert(tables.setting), [row, row])
    assert MARK not in str(refused.value)
