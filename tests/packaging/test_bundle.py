from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from deploy.release import bundle, dist

TARGET = bundle.Target("3.13", "x86_64")
INSTALLER = Path(__file__).parents[2] / "deploy" / "bundle" / "install"


def made(folder: Path, name: str, *lines: str, size: int = 0) -> Path:
    """Write a wheel that has metadata."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            f"{name}-1.0.dist-info/METADATA", "\n".join(["Metadata-Version: 2.4", *lines])
        )
        file.writestr("content", bytes(size))
    return path


def package(name: str) -> bundle.Locked:
    return bundle.Locked(name, "1.0", None, " \\\n    --hash=sha256:00")


def test_lock_is_read_for_the_machine_of_the_bundle() -> None:
    """Packages for other systems and other versions of Python are left out."""
    newer = bundle.locked("requirements-extras.txt", TARGET)
    older = bundle.locked("requirements-extras.txt", bundle.Target("3.11", "x86_64"))
    assert {"pyarrow", "jeepney", "typer"} <= newer.keys()
    assert "pywin32-ctypes" not in older
    assert "importlib-metadata" in older
    assert "importlib-metadata" not in newer
    assert newer["typer"].hashes.count("--hash=sha256:") == 2


def test_pip_is_locked() -> None:
    assert bundle.locked("requirements-dev.txt", TARGET)["pip"].hashes


def test_requirements_are_written_with_their_hashes() -> None:
    assert bundle.requirements([package("a"), package("b")]) == (
        "a==1.0 \\\n    --hash=sha256:00\nb==1.0 \\\n    --hash=sha256:00\n"
    )


def test_extra_has_all_its_dependencies(tmp_path: Path) -> None:
    """The dependencies of an extra are followed through the wheels, by the markers of the machine."""
    made(
        tmp_path, "archive_vcenter", "Provides-Extra: big", "Provides-Extra: small",
        "Requires-Dist: base", "Requires-Dist: One; extra == 'big'",
        "Requires-Dist: three; extra == 'small'",
    )  # fmt: skip
    made(
        tmp_path, "one", "Requires-Dist: two>=1", "Requires-Dist: old; python_version < '3.12'",
        "Requires-Dist: base",
    )  # fmt: skip
    for name in ("base", "two", "three"):
        made(tmp_path, name)
    known = {name: package(name) for name in ("one", "two", "three", "old")}
    found = bundle.extras(tmp_path, known, TARGET)
    names = {extra: [one.name for one in packages] for extra, packages in found.items()}
    assert names == {"big": ["one", "two"], "small": ["three"]}


@pytest.mark.parametrize(
    ("tags", "oldest"),
    [
        (["py3-none-any"], "2.17"),
        (["cp311-abi3-manylinux_2_28_x86_64"], "2.28"),
        (["cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"], "2.17"),
        (["cp311-cp311-manylinux_2_24_x86_64", "cp311-cp311-manylinux_2_5_x86_64"], "2.24"),
    ],
)
def test_oldest_glibc_that_runs_all_wheels(tags: list[str], oldest: str) -> None:
    assert bundle.glibc(f"a-1.0-{tag}.whl" for tag in tags) == oldest


def test_required_space_is_reported(tmp_path: Path) -> None:
    made(tmp_path, "one", size=10 << 20)
    made(tmp_path, "other", size=50 << 20)
    assert 15 <= bundle.megabytes(tmp_path, [package("one")]) <= 17


def test_packing_is_reproducible(tmp_path: Path) -> None:
    """The archive records neither user nor time; programs stay executable."""
    folder = tmp_path / "folder"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "a").write_text("a")
    program = folder / "install"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    digests = []
    for number in range(2):
        (folder / "wheels" / "a").touch()
        path = tmp_path / f"{number}.tar.gz"
        bundle.pack(folder, path, "name")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["name", "name/install", "name/wheels", "name/wheels/a"]
        entry = tar.getmember("name/install")
        assert (entry.mode, entry.uid, entry.uname, entry.mtime) == (
            0o755, 0, "root", dist.source_date(),
        )  # fmt: skip


def test_installer_prints_its_usage() -> None:
    done = subprocess.run([INSTALLER, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ./install [--extra NAME]...")
    for arguments, said in (
        (["--prefx", "/x"], "unknown argument: --prefx"),
        (["--extra"], "--extra needs a value"),
    ):
        done = subprocess.run([INSTALLER, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"install: {said}")


@pytest.mark.ci
def test_shell_scripts_are_sound() -> None:
    """ShellCheck finds nothing in the scripts that run as root."""
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("this machine has no shellcheck")
    scripts = [INSTALLER, INSTALLER.parent.parent / "command" / "archive"]
    command = [program, "--severity=warning", "--shell=sh", *map(str, scripts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
