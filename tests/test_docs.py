"""Run every command in the documentation, in the order of its page.

The text below a command must begin like its output. The test server plays the appliances.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from sqlalchemy import make_url, text

from archive import db
from archive.cli.app import app
from archive.db import migrate
from docs import schema
from tests.support import postgres
from tests.support.command import archive
from tests.support.configurations import written
from tests.support.samples import DATA
from tests.vcenter_server.entries import configured
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)
_CONFIGURATION = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SQL = re.compile(r"^```sql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Characters with a meaning in a shell, and those without.
_FOR_A_SHELL = re.compile(r"[|<>&;$`*?~\\#]")
_QUOTED = re.compile(r"'[^']*'")
# A machine may lack the shell of SQLite; Python has the library.
_SQLITE_SHELL = f"""#!{sys.executable}
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.stdin.read()):
    print(*row, sep="|")
"""


def commands(page: Path) -> list[tuple[str, str]]:
    """Return the commands of a page's console blocks, each with the first line shown of its output."""
    found: list[tuple[str, str]] = []
    for block in _BLOCK.findall(page.read_text()):
        for part in f"\n{block}".split("\n$ ")[1:]:
            command, *output = part.splitlines()
            found.append((command, output[0] if output else ""))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give the URL of a separate server: the pages create roles and a database on it."""
    with postgres.server() as url:
        with postgres.engine(url).connect() as connection:
            connection.execute(text("CREATE ROLE archive LOGIN SUPERUSER"))
        yield url


@pytest.fixture(scope="module")
def vcenter() -> Iterator[Server]:
    """Give a server that plays the appliances of the pages."""
    with Server() as running:
        yield running


@pytest.fixture
def workplace(page: Path, tmp_path: Path, server: str, vcenter: Server) -> dict[str, str]:
    """Give the environment of a reader who follows a page from its top."""
    tools = tmp_path / "bin"
    tools.mkdir()
    if shutil.which("sqlite3") is None:
        (tools / "sqlite3").write_text(_SQLITE_SHELL)
        (tools / "sqlite3").chmod(0o755)
    shutil.copy(DATA / "details_api.json", tmp_path / "details.json")
    if shown := _CONFIGURATION.search(page.read_text()):
        folder = tmp_path / ".config" / "archive"
        folder.mkdir(parents=True)
        if any(command.startswith("archive collect") for command, _ in commands(page)):
            configured(vcenter, shown[1], folder)
        else:
            written(folder, shown[1])
    path = [tools, Path(sys.executable).parent, postgres.binaries(), *os.environ["PATH"].split(":")]
    environment = {
        "PATH": ":".join(map(str, path)),
        "HOME": str(tmp_path),
        "ARCHIVE_DATABASE_URL": str(tmp_path / "archive.db"),
        "PGPORT": str(make_url(server).port),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),  # this checkout, wherever the command is installed from
    }
    _run("archive ingest details.json --appliance vc01.example.com", tmp_path, environment)
    if not any(word in page.read_text() for word in ("postgres", "psql", "pg_", "db.example.com")):
        return environment
    with postgres.engine(server).connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS archive WITH (FORCE)"))
        if "createdb" not in page.read_text():
            connection.execute(text("CREATE DATABASE archive TEMPLATE template0"))
            url = make_url(server).set(username="archive", database="archive")
            migrate.upgrade(migrate.connect(url.render_as_string()))
    return environment


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command, which must succeed, and return its output."""
    if command.startswith("archive ") and not _FOR_A_SHELL.search(_QUOTED.sub("", command)):
        # Starting a process for each takes longer than most commands.
        with (
            patch.dict(os.environ, environment, clear=True),
            chdir(folder),
        ):
            code, out, err = archive(*shlex.split(command)[1:])
        assert code == 0, f"{command}\n{out}{err}"
        return out + err
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],  # noqa: S607 - the shell of the documentation
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_work(
    page: Path, tmp_path: Path, server: str, workplace: dict[str, str]
) -> None:
    """Following a page from its top, every command succeeds, and prints the text in the page."""
    url = make_url(server)
    for command, shown in commands(page):
        printed = _run(
            command.replace("@db.example.com/", f"@{url.host}:{url.port}/").replace(
                "db.example.com", str(url.host)
            ),
            tmp_path,
            workplace,
        )
        # Columns are as wide as their content.
        assert " ".join(shown.split()) in " ".join(printed.split()), command


def test_every_verb_is_documented() -> None:
    """Each verb of the command is in the documentation."""
    pages = "\n".join(page.read_text() for page in PAGES)
    for name in _verbs():
        assert f"archive {name}" in pages


def _verbs() -> Iterator[str]:
    for command in app.registered_commands:
        yield str(command.name)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            yield f"{group.name} {command.name}"


def test_links_lead_to_files() -> None:
    """Each relative link of the documentation leads to a file."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sql_of_a_page_runs(page: Path, engines: list[Engine]) -> None:
    """The SQL in a page runs on both databases."""
    for statement in _SQL.findall(page.read_text()):
        for engine in engines:
            with db.reading(engine) as connection:
                connection.execute(text(statement))


def test_schema_page_is_up_to_date() -> None:
    """`make docs` would change nothing."""
    assert schema.PAGE.read_text(encoding="utf-8") == schema.page()
