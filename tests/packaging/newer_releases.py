"""An index with every locked wheel and a newer release of each package, to simulate next year's index.

`python -m tests.packaging.newer_releases FOLDER` makes it. It fetches a few hundred megabytes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packaging.utils import parse_wheel_filename

from tests.packaging.wheels import LOCKS, make_wheel

# The pip that `python3 -m venv` installs with the first release of each Python.
_OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
PIPS = [f"pip=={_OLDEST_PIP[sys.version_info[:2]]}", "pip"]
_EXTRAS = ["binary", "toml", "postgres", "sqlalchemy"]


def fill(folder: Path) -> None:
    """Fetch the locked wheels, and the oldest and newest pip, and make newer releases of all but pip."""
    folder.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    exact = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    for lock in LOCKS:
        subprocess.run([*download, *exact, "-r", str(lock)], check=True)
    locked = {parse_wheel_filename(wheel.name)[0] for wheel in folder.glob("*.whl")}
    for name in locked - {"pip"}:
        make_wheel(folder, name, "99999!1.0", extras=_EXTRAS)
    for pip in PIPS:
        subprocess.run([*download, "--no-deps", pip], check=True)


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
