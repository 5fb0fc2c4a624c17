"""Run processes: the measured command and its peers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def archive(*arguments: str) -> str:
    """Run the command, and return what it prints. Raises SystemExit if it fails."""
    return run([*PROGRAM, *arguments])


def ingest(path: Path, url: str, *options: str) -> dict[str, int]:
    """Run `archive ingest` over a file, and return its counts."""
    output = archive("ingest", str(path), "--database", url, "--format", "json", *options)
    counts: dict[str, int] = json.loads(output)
    return counts


def python(*arguments: str) -> str:
    """Run this interpreter, and return what it prints. Raises SystemExit if it fails."""
    return run([sys.executable, *arguments])


def run(command: Sequence[str], added: Mapping[str, str] | None = None) -> str:
    """Run a command, and return what it prints. Raises SystemExit if it fails.

    `added` comes on top of the environment.
    """
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=environment() | dict(added or {}),
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def last_json(output: str) -> Any:
    """Return the JSON on the last line of a peer's output."""
    return json.loads(output.splitlines()[-1])
