"""The locks of this project, installed by old and new pips from an index with newer releases.

It fetches a few hundred megabytes of packages, so only CI runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.packaging.newer_releases import PIPS, fill
from tests.packaging.wheels import (
    LOCKS,
    ROOT,
    install_lock,
    offline,
    pins,
)

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an index with newer releases; $ARCHIVE_TEST_INDEX may name an existing one."""
    if made := os.environ.get("ARCHIVE_TEST_INDEX"):
        return Path(made)
    folder = tmp_path_factory.mktemp("index")
    fill(folder)
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
def test_lock_is_installed_exactly(python: Path, lock: Path, wheels: Path) -> None:
    """All locked packages are installed in their versions, and nothing else."""
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
    """With the index above, a lock that is resolved again cannot be installed."""
    python = _environment(tmp_path / "environment", PIPS[0], wheels)
    lock = ROOT / ".ci" / "requirements-dev.txt"
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, env=offline(wheels), check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "all requirements must have their versions pinned" in done.stderr
