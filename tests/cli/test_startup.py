from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import typer

import archive as package
from archive.cli.app import app
from archive.cli.options import Format
from archive.config import file
from tests.support.command import PROGRAM, archive, environment, process
from tests.support.configurations import DEFAULTS, written
from tests.support.laws import some
from tests.support.samples import DATA, SAMPLES, api, job
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERBS = {
    ("collect",),
    ("ingest",),
    ("import", "list"),
    ("import", "undo"),
    ("report",),
    ("dashboard",),
    ("mail",),
    ("notify",),
    ("serve",),
    ("sql",),
    ("metrics",),
    ("check",),
    ("demo",),
    ("evidence", "export"),
    ("evidence", "head"),
    ("evidence", "verify"),
    ("job", "list"),
    ("job", "show"),
    ("export", "csv"),
    ("export", "jsonl"),
    ("export", "parquet"),
    ("quarantine", "list"),
    ("quarantine", "show"),
    ("quarantine", "retry"),
    ("log", "collections"),
    ("log", "show"),
    ("log", "appliances"),
    ("log", "imports"),
    ("log", "maintenance"),
    ("appliance", "list"),
    ("appliance", "rename"),
    ("appliance", "merge"),
    ("appliance", "retire"),
    ("appliance", "forget"),
    ("appliance", "hold"),
    ("appliance", "release"),
    ("db", "upgrade"),
    ("db", "current"),
    ("db", "verify"),
    ("db", "rebuild"),
    ("db", "prune"),
    ("db", "vacuum"),
    ("db", "calendar"),
    ("db", "role"),
    ("db", "copy"),
    ("db", "distribute"),
    ("db", "undistribute"),
    ("db", "backup"),
    ("fleet", "list"),
    ("fleet", "test"),
    ("fleet", "add"),
}
# Modules that are slow to import, or that only other verbs need.
HEAVY = (
    "alembic",
    "archive.db.comments",
    "archive.db.migrate",
    "aiohttp",
    "apprise",
    "archive.config",
    "archive.ingest.ingest",
    "archive.ingest.run",
    "archive.db.tables",
    "archive.document.schema",
    "asyncio",
    "babel",
    "cryptography",
    "hypothesis",
    "keyring",
    "mako",
    "platformdirs",
    "plotext",
    "prometheus_client",
    "psycopg",
    "pyarrow",
    "pydantic",
    "rich.progress",
    "smtplib",
    "sqlalchemy",
    "sqlite3",
    "tomlkit",
    "tomllib",
)
# Modules that no verb on a SQLite archive needs. (pydantic comes with each of them: typer reads
# arguments with it. `archive.document.schema` is what brings it in for documents.)
NEEDLESS = (
    "alembic",
    "archive.db.comments",
    "aiohttp",
    "apprise",
    "archive.config",
    "archive.ingest.ingest",
    "archive.ingest.run",
    "archive.document.schema",
    "babel",
    "cryptography",
    "hypothesis",
    "mako",
    "platformdirs",
    "plotext",
    "prometheus_client",
    "psycopg",
    "rich.console",
    "rich.progress",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "tomlkit",
    "tomllib",
    "typer.rich_utils",
    "vl_convert",
)
READING = (
    *(f"report success --format {name}" for name in Format),
    "report trends",
    "job list",
    "sql last_success",
    "log collections",
    "log appliances",
    "log imports",
)
LISTER = (
    "import sys\n"
    "from archive import cli\n"
    "sys.argv[0] = 'archive'\n"
    "try:\n"
    "    cli.main()\n"
    "finally:\n"
    "    print(*sys.modules, file=sys.stderr)\n"
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of an archive with the samples in it."""
    path = str(tmp_path_factory.mktemp("filled") / "archive.db")
    assert archive("ingest", str(DATA / "details_api.json"), "-a", "vc01", "-d", path).code == 0
    return path


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every group and every verb of the command, with the words that lead to it."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


COMMANDS = dict(commands(typer.main.get_command(app)))


def imported(*arguments: str) -> set[str]:
    """Return the modules that a run of the command imports."""
    done = subprocess.run(
        [sys.executable, "-c", LISTER, *arguments], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, check=True, env=environment(),
    )  # fmt: skip
    return set(done.stderr.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    """Help is instant: it imports neither database libraries nor those of other verbs."""
    found = imported("--help")
    assert "archive.cli.app" in found
    # typer has use for pydantic itself, but not for a help text.
    assert found.isdisjoint(HEAVY)


@pytest.mark.parametrize("verb", some(READING, 3))
def test_reading_verbs_import_only_what_they_need(filled: str, verb: str) -> None:
    """Reading a SQLite archive imports no migrations, no documents and no other database."""
    found = imported(*verb.split(), "--database", filled)
    assert {"sqlalchemy", "sqlalchemy.dialects.sqlite", "archive.db.migrate"} <= found
    assert found.isdisjoint(NEEDLESS)


def test_configuration_is_read_only_as_far_as_needed(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration its reader is not imported; a report reads only its database."""
    for variable in ("ARCHIVE_DATABASE_URL", "ARCHIVE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if not file.SYSTEM.exists():
        found = imported("db", "current")
        assert found.isdisjoint({"archive.config.privacy", "archive.config.sections", "tomllib"})
    path = written(tmp_path, f'database = "{filled}"\n{DEFAULTS}[[appliance]]\nname = "vc01"\n')
    found = imported("report", "success", "--config", str(path))
    assert "tomllib" in found
    assert found.isdisjoint(
        {"archive.config.sections", "archive.document.schema", "keyring", "tomlkit"}
    )
    found = imported("fleet", "list", "--config", str(path))
    assert found.isdisjoint({"archive.document.schema", "keyring", "psycopg", "tomlkit"})


def test_locales_are_imported_on_demand(filled: str) -> None:
    """A job without a locale option imports no locales."""
    show = ("job", "show", "vc01", min(SAMPLES), "--database", filled)
    assert "babel" not in imported(*show)
    assert "babel" in imported(*show, "--locale", "de_DE")


def test_ingest_imports_one_database_driver(tmp_path: Path) -> None:
    """Writing to a SQLite archive imports no other database, either."""
    path = tmp_path / "a.db"
    arguments = ("ingest", str(DATA / "details_api.json"), "-a", "vc01", "-d", str(path))
    imported(*arguments)  # which creates the archive with alembic
    found = imported(*arguments)
    assert "archive.document.schema" in found
    assert found.isdisjoint({"alembic", "psycopg", "sqlalchemy.dialects.postgresql"})
    assert list(tmp_path.iterdir()) == [path]  # the database was closed, so its WAL is gone


def test_garbage_collection_is_postponed() -> None:
    """A process collects no garbage while it imports modules, or at its end."""
    found = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0, file=sys.stderr))\n"
        "from archive import cli\n"
        "sys.argv = ['archive', '--version']\n"
        "try:\n"
        "    cli.main()\n"
        "finally:\n"
        "    print(gc.get_threshold()[0] > 10_000, gc.isenabled(), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", found], capture_output=True, text=True, check=True,
        env=environment(),
    )  # fmt: skip
    assert done.stderr.split() == ["True", "True", "True"]


def test_list_of_verbs() -> None:
    """The command has these verbs and no others."""
    verbs = {path for path, command in COMMANDS.items() if not hasattr(command, "commands")}
    assert verbs == VERBS


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verb has a sentence and examples; -h is the same as --help."""
    monkeypatch.setenv("COLUMNS", "200")
    done = archive(*path, "--help")
    assert (done.code, done.err) == (0, "")
    assert archive(*path, "-h") == done
    words = done.out.split()
    assert words[: 2 + len(path)] == ["Usage:", "archive", *path]
    assert " ".join(COMMANDS[path].help.split("\n\n")[0].split()) in " ".join(words)
    if path in VERBS:
        assert "Examples:" in done.out
        assert f"archive {' '.join(path)}" in done.out.split("Examples:")[1]


@pytest.mark.parametrize("path", sorted(VERBS), ids=" ".join)
def test_paragraphs_of_help_fill_their_lines(path: tuple[str, ...]) -> None:
    """A line ends where the next word does not fit, wherever the line of the docstring ended."""
    width = 79
    paragraphs = archive(*path, "--help").out.split("╭", 1)[0].split("Usage:", 1)[1]
    lines = [line.strip() for line in paragraphs.splitlines()][1:]
    for line, following in pairwise(lines):
        if line and following:
            assert len(f"{line} {following.split()[0]}") >= width - 1, (line, following)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_config_option_stands_beside_database_option(path: tuple[str, ...]) -> None:
    """Every verb with a database option has a configuration option; the demo has its own place."""
    options = {option for param in COMMANDS[path].params for option in param.opts}
    if "--database" in options and path != ("demo",):
        assert "--config" in options


def examples() -> list[str]:
    """Return every call of the command in the examples of the help texts."""
    return [
        call.strip()
        for path in sorted(VERBS)
        for line in COMMANDS[path].epilog.splitlines()[1:]
        for call in line.replace("&&", "|").split("|")
        if call.strip().startswith("archive ")
    ]


@pytest.mark.parametrize("example", examples())
def test_every_example_can_be_parsed(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples of the help texts fit on a line, and use only existing options and arguments."""
    assert len(example) <= 78
    (tmp_path / "evidence-2026").mkdir()  # to verify
    monkeypatch.chdir(tmp_path)
    command, words, context = COMMANDS[()], shlex.split(example.partition(">")[0])[1:], None
    while True:
        context = command.make_context(command.name, list(words), parent=context)
        if not hasattr(command, "commands"):
            break
        command, words = command.commands[words[0]], words[1:]


@pytest.mark.parametrize(
    "arguments", [[], ["job"], ["export"], ["quarantine"], ["fleet"], ["log"], ["db"]]
)
def test_group_without_a_verb_shows_its_help(arguments: list[str]) -> None:
    """Without a verb a group shows its verbs: code 2."""
    done = archive(*arguments)
    assert (done.code, done.err) == (2, "")
    assert done.out.rstrip() == archive(*arguments, "--help").out.rstrip()


@pytest.mark.parametrize(
    "arguments", [["jbo"], ["job", "lst"], ["ingest"], ["report", "trends", "--perod", "day"]]
)
def test_mistyped_verbs_and_options(arguments: list[str]) -> None:
    """Unknown verbs and options, and missing arguments, give code 2 and point to the help."""
    done = archive(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in done.err or "-h" in done.err


def test_the_version() -> None:
    """`--version` prints it; `python -m archive` is the command."""
    version = (0, f"archive {package.__version__}\n", "")
    assert process("--version") == version == archive("--version")


def test_closed_pipe_ends_the_command_quietly(filled: str) -> None:
    """When the reader of a pipe goes away the command ends without a message."""
    command = shlex.join([*PROGRAM, "export", "jsonl", "-d", filled])
    looped = f"set -o pipefail; {command} | head -n 1"
    done = subprocess.run(
        ["/bin/bash", "-c", looped], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["job"] == min(SAMPLES)


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_closed_streams(filled: str, closed: str) -> None:
    """A closed standard input or output is one error where it is needed: no traceback."""
    for verb in (["ingest", "-", "-a", "a"], ["report", "trends"], ["db", "current"]):
        command = shlex.join([*PROGRAM, *verb, "-d", filled])
        done = subprocess.run(
            ["/bin/bash", "-c", f"{command} {closed}"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, env=environment(),
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert "fault" not in done.stderr
        if verb[0] == ("ingest" if closed[0] == "<" else "report"):
            stream = "input" if closed[0] == "<" else "output"
            assert (done.returncode, done.stderr) == (1, f"archive: standard {stream} is closed\n")


def test_progress_is_shown_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal a bar shows how much of a file is read; elsewhere there is none."""
    path = tmp_path / "many[red].json"  # file names are not markup of the bar
    path.write_bytes(api(**{f"k{number}": job() for number in range(500)}))
    arguments = ("ingest", str(path), "-a", "a", "-d", str(tmp_path / "a.db"))
    shown = on_terminal(*arguments)
    assert "many[red].json" in shown
    assert "━" in shown
    assert shown.endswith(
        "500 seen, 500 new, 0 changed, 0 unchanged, 0 findings, 0 quarantined\r\n"
    )
    assert process(*arguments) == (0, "", "")


def test_colours_can_be_turned_off(filled: str) -> None:
    """A terminal gets bold headers, unless NO_COLOR is set."""
    bold = "\x1b[1m"
    assert bold in on_terminal("report", "trends", "-d", filled)
    assert bold not in on_terminal("report", "trends", "-d", filled, NO_COLOR="1")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let a child be interrupted, though a shell may have started us in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupt_of_an_input_that_stalls_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl+C while the input of a pipe is read: no import has begun, and nobody had to wait."""
    path = tmp_path / "a.db"
    many = api(**{f"k{number}": job() for number in range(500)})
    with subprocess.Popen(
        [*PROGRAM, "ingest", "-", "-a", "a", "-d", str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as running:  # fmt: skip
        assert running.stdin
        running.stdin.write(many[:-9])
        running.stdin.flush()  # more than a pipe holds: some has been read
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert not path.exists()
