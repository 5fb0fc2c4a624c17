"""The locks of this project, installed by old and new pips when the index has moved on.

It fetches a few hundred megabytes of packages, so only CI runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.packaging.wheels import (
    LOCKS,
    ROOT,
    install_lock,
    make_wheel,
    offline,
    pins,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.ci

# What `python3 -m venv` installs with the first release of each Python.
OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
PIPS = [f"pip=={OLDEST_PIP[sys.version_info[:2]]}", "pip"]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give every locked wheel, and for each package a newer release with the same extras."""
    folder = tmp_path_factory.mktemp("wheels")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    for lock in LOCKS:
        exact = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
        subprocess.run([*download, *exact], check=True)
    for pip in PIPS:
        subprocess.run([*download, "--no-deps", pip], check=True)
    for name in {parse_wheel_filename(wheel.name)[0] for wheel in folder.glob("*.whl")} - {"pip"}:
        make_wheel(folder, name, "99999!1.0", [], ["binary", "toml", "postgres", "sqlalchemy"])
    return folder


@pytest.fixture(params=PIPS, ids=["oldest pip", "newest pip"])
def python(request: pytest.FixtureRequest, tmp_path: Path, wheels: Path) -> Path:
    """Give the interpreter of a new environment with this pip."""
    return _environment(tmp_path / "environment", request.param, wheels)


def _environment(folder: Path, pip: str, wheels: Path) -> Path:
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--upgrade", pip]
    subprocess.run(command, env=offline(wheels), check=True)
    return python


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name} {lock.stem}")
def test_a_lock_is_installed_as_it_is(python: Path, lock: Path, wheels: Path) -> None:
    """All that the lock has is installed in its version, and nothing else."""
    done = install_lock(python, lock, wheels)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    command = [str(python), "-m", "pip", "list", "--format", "json"]
    listed = subprocess.run(command, env=offline(wheels), check=True, capture_output=True)
    installed = {
        canonicalize_name(package["name"]): package["version"]
        for package in json.loads(listed.stdout)
    }
    assert pins(lock).items() <= installed.items()
    assert installed.keys() - pins(lock).keys() <= {"pip", "setuptools"}


def test_resolving_the_lock_again_fails(wheels: Path, tmp_path: Path) -> None:
    """The index above is one with which a lock that is resolved again cannot be installed."""
    python = _environment(tmp_path / "environment", PIPS[0], wheels)
    lock = ROOT / ".ci" / "requirements-dev.txt"
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, env=offline(wheels), check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "all requirements must have their versions pinned" in done.stderr
