"""Small wheels, and an index of them in a folder, for tests of the installation of packages."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pip
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
INSTALL_LOCK = ROOT / ".ci" / "install-lock"
LOCKS = sorted([*(ROOT / ".ci").glob("requirements*.txt"), ROOT / "bench" / "requirements.txt"])


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
) -> Path:
    """Write a wheel of an empty package, and return its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = "".join(
        f"{line}\n"
        for line in [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Provides-Extra: {extra}" for extra in extras),
            *(f"Requires-Dist: {requirement}" for requirement in requires),
        ]
    )
    wheel = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{stem}.dist-info/METADATA": metadata, f"{stem}.dist-info/WHEEL": wheel}
    record = f"{stem}.dist-info/RECORD"
    rows = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items()]
    files[record] = "".join([*rows, f"{record},,\n"])
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


def pinned(*wheels: Path) -> str:
    """Return the lines of a lock that pins these wheels by their hashes."""
    lines = []
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}\n")
    return "".join(lines)


def make_environment(folder: Path) -> Path:
    """Create an environment that borrows the pip of these tests, and return its interpreter.

    Installing its own pip takes several seconds of processor time.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
    return folder / "bin" / "python"


def offline(wheels: Path) -> dict[str, str]:
    """Return the environment variables that limit pip to the wheels of this folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_CACHE_DIR": "1",
    }


def install_lock(python: Path, lock: Path, wheels: Path) -> subprocess.CompletedProcess[str]:
    """Install a lock as `make` does, from this folder only."""
    return subprocess.run(
        [INSTALL_LOCK, python, lock],
        env=offline(wheels),
        check=False,
        capture_output=True,
        text=True,
    )


def pins(lock: Path) -> dict[str, str]:
    """Return the versions that a lock has for this interpreter, by name."""
    lines = [line for line in lock.read_text().splitlines() if "==" in line and line[0] != "#"]
    pins = [Requirement(line.split(" \\")[0]) for line in lines if not line.startswith(" ")]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
