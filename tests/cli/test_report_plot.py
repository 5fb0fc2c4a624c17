from __future__ import annotations

import io
import locale
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archive.cli import output
from archive.reports import REPORTS
from archive.reports.core import plots
from tests.dashboard import made
from tests.reports import fleet
from tests.support import samples
from tests.support.archives import import_documents
from tests.support.command import PROGRAM, archive, at, environment
from tests.support.samples import DATA
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = "--now=2026-04-10T00:00:00Z"
PLOT = """\
success rate
100 %┤                                                                         ●
     │                                                                       ⡠⠊
     │                                                                     ⢀⠜
 80 %┤                                                                   ⢀⠔⠁
     │●                                                                 ⡠⠊
     │                                                                ⢠⠊
 60 %┤                                                              ⢀⠔⠁
     │                                                             ⡰⠁
     │                                                           ⡠⠊
 40 %┤                                                         ⢀⠔⠁
     │                                                        ⡔⠁
     │                                                      ⡠⠊
 20 %┤                                                    ⢀⠎
     │                                                  ⢀⠔⠁
     │                                                 ⡠⠃
  0 %┤                                                ●
     └┬────────────────────────┬──────────────────────┬────────────────────────┬
      2026-01               2026-02                2026-03               2026-04
"""
HOSTILE = {"id": "a\x1b[31mb\r\n", "default_message": "\x1b[2J", "args": []}
NOTES = (
    "Each row is a month; days start at 00:00 UTC.\n"
    "Imports from 2026-04-02 00:00:00Z to 2026-04-03 00:00:00Z.\n"
)


@pytest.fixture(autouse=True)
def _unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a UTF-8 locale."""
    monkeypatch.setattr(locale, "getencoding", lambda: "UTF-8")


@pytest.fixture
def place(engine: Engine) -> str:
    """Give the option that names an archive of the fleet, on each database in turn."""
    fleet.load(engine)
    return at(engine)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of an archive with the samples in it."""
    path = str(tmp_path_factory.mktemp("filled") / "archive.db")
    assert archive("ingest", str(DATA / "details_api.json"), "-a", "vc01", "-d", path).code == 0
    return path


def test_plot_replaces_the_table(place: str) -> None:
    """A plot is shown instead of the table, with the same notes."""
    done = archive("report", "success", "--plot", NOW, place)
    assert (done.code, done.out, done.err) == (0, PLOT, NOTES)
    assert archive("report", "success", NOW, place).err == NOTES


def test_sort_and_top_apply_to_plots(place: str) -> None:
    """`--sort` and `--top` select what is drawn."""
    arguments = ("report", "streaks", "--plot", NOW, place)
    names = [line.split()[0] for line in archive(*arguments).out.splitlines()[1:3]]
    assert names == [fleet.LONDON, fleet.BERLIN]
    shown = archive(*arguments, "--sort", "consecutive_failures", "--top", "1").out
    assert fleet.BERLIN in shown
    assert fleet.LONDON not in shown


def test_groups_not_drawn_are_named(engine: Engine) -> None:
    """Only some of many groups are drawn, and a note names the others."""
    for number in range(8):
        import_documents(engine, {"k": fleet.on("2026-01-05", size=number)}, f"vc{number}")
    done = archive("report", "sizes", "--by", "appliance", "--plot", NOW, at(engine))
    assert done.out.splitlines()[-1] == "● vc0  ▲ vc1  ■ vc2  ◆ vc3  ○ vc4  △ vc5"
    assert done.err.startswith(
        "The chart shows the first 6 of 8 lines, without vc6, vc7. Use filters"
    )


def test_control_characters_are_escaped_in_notes(engine: Engine) -> None:
    """A note about a target shows its control characters."""
    for number in range(7):
        job = fleet.on("2026-01-05", size=number, location=f"sftp://nas{number}/\x1b[31m")
        import_documents(engine, {"k": job}, f"vc{number}")
    done = archive("report", "sizes", "--by", "location", "--plot", at(engine))
    assert "\x1b" not in done.out + done.err
    assert "without sftp://nas6/\\x1b[31m." in done.err


def test_plot_without_rows(engine: Engine) -> None:
    """Without rows standard output is empty, and the notes of the table are shown."""
    done = archive("report", "success", "--plot", at(engine))
    assert (done.code, done.out) == (0, "")
    assert done.err == archive("report", "success", at(engine)).err
    assert done.err.startswith("No rows.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stuck",), 'report "stuck" does not support --plot (supported by: trends, success,'),
        (("missed",), 'report "missed" supports --plot only with --by appliance'),
        (("trends", "--format", "csv"), "--plot and --format csv exclude each other"),
        (("trends", "--format", "json"), "--plot and --format json exclude each other"),
        (("trends", "--compare"), "--plot does not support --compare: leave out one of them"),
        (("trends", "--sort", "jobs"), 'unknown column "jobs"'),
    ],
)
def test_invalid_options_are_usage_errors(
    place: str, arguments: tuple[str, ...], said: str
) -> None:
    """A report or option without a plot gives code 2, one message, and nothing on standard output."""
    done = archive("report", *arguments, "--plot", place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_both_databases_give_the_same_plots(engines: list[Engine]) -> None:
    """Every report that has a plot draws the same on SQLite and PostgreSQL, with hostile names too."""
    for engine in engines:
        fleet.load(engine)
        import_documents(engine, samples.SAMPLES, "Zürich", "2026-07-24T12:00:00.000000Z")
        import_documents(
            engine, {"k": fleet.on("0001-01-01", size=2**63 - 1, messages=[HOSTILE])}, "éa"
        )
        import_documents(engine, {"f": fleet.on("2026-07-01", "FAILED", messages=[HOSTILE])}, "éa")
        import_documents(engine, {"k": fleet.on("9999-12-31", size=0)}, "z")
    for name, report in REPORTS.items():
        for by in plots.ways(report):
            options = () if by is None else ("--by", by)
            asked = ("report", name, *options, "--plot", "--now=2026-08-01T00:00:00Z")
            on_sqlite, on_postgresql = (archive(*asked, at(engine)) for engine in engines)
            assert on_sqlite == on_postgresql
            assert on_sqlite.code == 0
            assert on_sqlite.out.count("\n") > 2
            assert not {"\x1b", "\r"} & set(on_sqlite.out)
            assert (name != "failures") or ("a\\x1b[31mb\\r\\n" in on_sqlite.out)


def test_output_file_is_plain_utf_8(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-o` writes UTF-8 without colours, whatever the locale is."""
    monkeypatch.setattr(locale, "getencoding", lambda: "ANSI_X3.4-1968")
    path = tmp_path / "plot.txt"
    assert archive("report", "success", "--plot", "-o", str(path), NOW, place).out == ""
    assert path.read_text() == PLOT
    assert archive("report", "success", "--plot", NOW, place).out.isascii()


def test_encoding_of_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """ASCII is used for outputs and locales without UTF-8; a closed output is handled elsewhere."""
    assert not output.is_ascii()
    monkeypatch.setattr(sys, "stdout", None)
    assert not output.is_ascii()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "latin-1"))
    assert output.is_ascii()


def test_terminal_width_and_colours(filled: str) -> None:
    """A plot has the width and colours of the terminal, unless NO_COLOR is set; NULL is no point."""
    arguments = ("report", "trends", "--plot", "-d", filled)
    shown = on_terminal(*arguments, COLUMNS="50", COLORTERM="truecolor")
    assert "\x1b[38;2;230;159;0m●" in shown
    assert "\x1b" not in on_terminal(*arguments, NO_COLOR="1")
    narrow = on_terminal(*arguments, NO_COLOR="1", COLUMNS="32").split("Each row")[0].splitlines()
    assert max(map(len, narrow)) == 32


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_plain_locale_gets_ascii(filled: str, variables: dict[str, str]) -> None:
    """A locale or an output without UTF-8 gets only ASCII."""
    done = subprocess.run(
        [*PROGRAM, "report", "trends", "--plot", "-d", filled], capture_output=True, check=True,
        env=environment() | {"LANG": "C.UTF-8"} | variables,
    )  # fmt: skip
    assert done.stdout.isascii()
    assert done.stdout.startswith(b"success rate\n")


def test_plot_library_is_imported_only_for_plots(filled: str) -> None:
    """Only a plot imports the library; without a terminal it needs no console."""
    code = (
        "import sys; from archive import cli\n"
        "try: cli.main()\n"
        "finally: print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "success", "--plot", "-d", filled],
        capture_output=True, text=True, check=True, env=environment(),
    )  # fmt: skip
    modules = done.stderr.splitlines()[-1].split()
    assert "plotext" in modules
    assert "rich.console" not in modules


def test_notes_on_plots_are_folded_on_a_terminal(engine: Engine) -> None:
    """Like those on tables."""
    for name in (made.GOOD, made.FLAKY):
        import_documents(engine, dict(map(made.night, range(70))), name, made.NOW)
    shown = on_terminal("report", "growth", "--plot", f"--now={made.NOW}", at(engine))
    lines = shown.splitlines()
    assert any(line.endswith("Use --top to show the first ones") for line in lines)
    assert max(map(len, lines[-8:])) <= 80
