from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import typer.main

from archive.cli.app import app
from archive.reports import REPORTS
from docs import man


@pytest.fixture(scope="module")
def page() -> str:
    """Give the text of the page, without troff's escapes."""
    text = man.PAGE.read_text(encoding="utf-8")
    return re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\(aq", "'")


def test_the_manual_page_is_up_to_date() -> None:
    """`make man` would change nothing."""
    assert man.PAGE.read_text(encoding="utf-8") == man.page()


def test_every_verb_is_in_the_manual_page(page: str) -> None:
    """Each verb has a section with its options and its examples."""
    root = typer.main.get_command(app)
    for command, context in man._commands(root, typer.Context(root, info_name="archive")):
        _, _, section = page.partition(f".SS {context.command_path} ")
        section = section.partition("\n.S")[0]
        for param in command.params:
            if param.param_type_name == "option" and param.name not in {"database", "config"}:
                assert param.hidden or all(option in section for option in param.opts)
        for line in command.epilog.splitlines():
            assert line.strip() in section


def test_the_manual_page_has_the_usual_sections(page: str) -> None:
    sections = re.findall(r"^\.SH (.*)$", page, re.MULTILINE)
    assert sections == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "VERBS", "REPORTS", "EXIT STATUS",
        "ENVIRONMENT", "FILES", "SEE ALSO",
    ]  # fmt: skip
    for name in REPORTS:
        assert f".TP\n{name}\n" in page


def test_the_manual_page_is_formatted_without_a_warning() -> None:
    """The formatter finds no error in the page."""
    program = shutil.which("groff")
    if program is None:
        pytest.skip("this machine has no groff, which formats the page")
    command = [program, "-ww", "-man", "-Tutf8", "-P-cbou", str(man.PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nNAME\n" in done.stdout


@pytest.mark.ci
def test_the_manual_page_follows_the_rules_of_mandoc() -> None:
    """The linter finds nothing but that the page has no date."""
    program = shutil.which("mandoc")
    if program is None:
        pytest.skip("this machine has no mandoc, which checks the page")
    command = [program, "-T", "lint", "-W", "warning", str(man.PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert found == []
