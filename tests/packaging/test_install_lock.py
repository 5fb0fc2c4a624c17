"""A lock is installed exactly, whatever newer releases the index has."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from tests.packaging.wheels import (
    LOCKS,
    install_lock,
    make_environment,
    make_wheel,
    offline,
    pinned,
    pins,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the interpreter of a new environment."""
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Give an index where a locked package with an extra has a newer release."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "stub-app", "1.0", ["stub-driver[binary]>=1.0"])
    for version in ("1.0", "2.0"):
        needs = [f"stub-binary=={version}; extra == 'binary'"]
        make_wheel(folder, "stub-driver", version, needs, ["binary"])
        make_wheel(folder, "stub-binary", version)
    return folder


def _lock(wheels: Path, *names: str) -> Path:
    path = wheels.parent / "lock.txt"
    path.write_text(pinned(*(wheels / f"{name}-1.0-py3-none-any.whl" for name in names)))
    return path


def _installed(python: Path, wheels: Path) -> dict[str, str]:
    command = [str(python), "-m", "pip", "list", "--format", "json"]
    done = subprocess.run(command, env=offline(wheels), check=True, capture_output=True, text=True)
    found = {package["name"]: package["version"] for package in json.loads(done.stdout)}
    return {name: version for name, version in found.items() if name.startswith("stub")}


def test_newer_releases_of_packages_with_extras_are_ignored(python: Path, wheels: Path) -> None:
    """Locked versions are installed even if the index has newer ones that would fit."""
    lock = _lock(wheels, "stub_app", "stub_driver", "stub_binary")

    done = install_lock(python, lock, wheels)

    assert (done.returncode, done.stderr) == (0, "")
    expected = {"stub-app": "1.0", "stub-driver": "1.0", "stub-binary": "1.0"}
    assert _installed(python, wheels) == expected


def test_incomplete_lock_fails(wheels: Path, tmp_path: Path) -> None:
    """A dependency that is missing from the lock is named."""
    python = make_environment(tmp_path / "environment")
    lock = _lock(wheels, "stub_app")

    done = install_lock(python, lock, wheels)

    assert done.returncode != 0
    assert "stub-app 1.0 requires stub-driver, which is not installed" in done.stderr


def test_another_file_of_the_same_version_is_refused(python: Path, wheels: Path) -> None:
    """A wheel whose hash is not in the lock is not installed."""
    make_wheel(wheels, "stub-forged", "1.0")
    lock = _lock(wheels, "stub_forged")
    make_wheel(wheels, "stub-forged", "1.0", ["stub-app"])

    done = install_lock(python, lock, wheels)

    assert done.returncode != 0
    assert "HASHES" in done.stderr


def test_source_distributions_are_refused(python: Path, wheels: Path) -> None:
    """Build dependencies are not locked, so no source distribution is built."""
    source = wheels / "stub_source-1.0.tar.gz"
    source.write_bytes(b"not looked at")
    lock = wheels.parent / "lock.txt"
    lock.write_text(f"stub-source==1.0 --hash=sha256:{'0' * 64}\n")

    done = install_lock(python, lock, wheels)

    assert done.returncode != 0
    assert "stub-source" in done.stderr


def test_locks_agree() -> None:
    """A package has one version in all locks of the project: users get the tested versions."""
    own = [pins(lock) for lock in LOCKS if lock.parent.name == ".ci"]
    assert len(own) == 4
    for one, other in combinations(own, 2):
        shared = one.keys() & other.keys()
        assert {name: one[name] for name in shared} == {name: other[name] for name in shared}
