"""Completion in the shells that have completion files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE = Path(__file__).parents[2] / "deploy" / "share"
BASH = SHARE / "bash-completion" / "completions" / "archive"
ZSH = SHARE / "zsh" / "site-functions" / "_archive"
FISH = SHARE / "fish" / "vendor_completions.d" / "archive.fish"
# Presses Tab in a zsh on a terminal, at the first use of the function.
_ZSH = """\
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='ready>' fpath=({folder} \\$fpath); autoload -Uz compinit; compinit -D -u"
zpty -w shell "bindkey '^I' complete-word; print begin"
zpty -w -n shell 'archive report rp\t #end\r'
zpty -r -m shell seen '*#end*'
print -r -- "$seen"
zpty -d shell
"""
# Interrupts the process just before a module is imported.
_INTERRUPTED = """\
import os, signal, sys

module = sys.argv.pop(1)

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupt())
from archive.cli import main
sys.argv[0] = "archive"
main()
print("was not interrupted at", module)
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a shell that finds the command."""
    tools = tmp_path / "bin"
    tools.mkdir()
    # The name of the command is part of the variable that requests completions.
    program = tools / "archive"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom archive.cli import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    return {
        **environment(),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "dumb",
    }


def offered(program: str, script: str, variables: dict[str, str]) -> list[str]:
    """Return the lines that a shell prints for a script."""
    shell = shutil.which(program)
    if shell is None:
        pytest.skip(f"this machine has no {program}")
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[program]
    done = subprocess.run(
        [shell, *flags, "-c", script],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rep", ["report"]),
        ("report rp", ["rpo"]),
        ("job --h", ["--help"]),
        ("sql last", ["last_success"]),
    ],
)
def test_bash_completes(words: str, expected: list[str], variables: dict[str, str]) -> None:
    script = (
        f"source {BASH}; COMP_WORDS=(archive {words}); COMP_CWORD={len(words.split())};"
        ' _archive_completion archive; printf "%s\\n" "${COMPREPLY[@]}"; complete -p archive'
    )
    *found, registered = offered("bash", script, variables)
    assert found == expected
    assert registered == "complete -o default -F _archive_completion archive"


@pytest.mark.ci
def test_fish_completes(variables: dict[str, str]) -> None:
    """Verbs with their help; files where there is nothing else to offer."""
    found = offered("fish", f"source {FISH}; complete -C 'archive report rp'", variables)
    assert [line.partition("\t")[0] for line in found] == ["rpo"]
    folder = Path(variables["HOME"])
    (folder / "details.json").touch()
    script = f"source {FISH}; cd {folder}; complete -C 'archive ingest det'"
    assert offered("fish", script, variables) == ["details.json"]


@pytest.mark.ci
def test_zsh_completes(variables: dict[str, str]) -> None:
    """The first Tab completes already, when zsh has just loaded the function."""
    found = "\n".join(offered("zsh", _ZSH.format(folder=ZSH.parent), variables))
    assert "archive report rpo" in found


@pytest.mark.parametrize("module", ["archive.cli.app", "typer", "archive.reports"])
def test_interrupted_completion_prints_nothing(module: str) -> None:
    """Ctrl-C ends a completion without a traceback, whatever is being imported."""
    variables = environment() | {
        "_ARCHIVE_COMPLETE": "complete_bash", "COMP_WORDS": "archive report t", "COMP_CWORD": "2",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, module],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_interrupt_during_startup_prints_no_traceback() -> None:
    """Ctrl-C before a verb runs leaves no traceback, either."""
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, "archive.cli.report", "report", "--list"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let a child be interrupted, though a shell may have started us in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("pause", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_completion_interrupted_at_any_moment_prints_nothing(
    pause: float, variables: dict[str, str]
) -> None:
    """The shell shows nothing, even if the interpreter is interrupted while it starts."""
    script = f"source {BASH}; COMP_WORDS=(archive rep); COMP_CWORD=1; _archive_completion archive"
    with subprocess.Popen(
        ["/bin/bash", "--norc", "-c", script],
        env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as running:  # fmt: skip
        time.sleep(pause)
        os.killpg(running.pid, signal.SIGINT)
        assert running.communicate() == (b"", b"")
