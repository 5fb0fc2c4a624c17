"""The Python environment of the peers, separate from archive's own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench import commands
from bench.measure import progress

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_ENVIRONMENT = _HERE.parent / ".venv-bench"
_INSTALL_LOCK = _HERE.parent / ".ci" / "install-lock"


def peer(script: str, *arguments: str) -> str:
    """Run a script of `bench/peers` in the environment of the peers, which `prepare` has made.

    Returns what it prints. Raises SystemExit if it fails.
    """
    return commands.run(command(script, *arguments))


def command(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a script of `bench/peers` in the environment of the peers."""
    return [str(_interpreter()), str(_HERE / "peers" / script), *arguments]


def prepare() -> None:
    """Create the environment, unless it exists with the required packages.

    Raises SystemExit if the packages cannot be installed.
    """
    stamp = _ENVIRONMENT / "requirements.txt"
    wanted = _REQUIREMENTS.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    progress(
        f"Installing what archive is measured against into {_ENVIRONMENT.name}: once, from the"
        " package index that pip is set up to use. This takes a minute."
    )
    commands.run([sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)])
    commands.run([str(_INSTALL_LOCK), str(_interpreter()), str(_REQUIREMENTS)])
    shutil.copyfile(_REQUIREMENTS, stamp)  # last: an install that was cut short is made again


def _interpreter() -> Path:
    return _ENVIRONMENT / "bin" / "python"
