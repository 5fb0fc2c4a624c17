"""Build one file that installs archive without a network: `python -m deploy.release.bundle`, `make bundle`.

It contains the wheel of `dist/`, all wheels in the locks for one version of Python on Linux, pip, and the installer
`deploy/bundle/install`. It depends only on the commit and the locks, like the rest of a release.
"""

from __future__ import annotations

import argparse
import gzip
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

import archive
from deploy.release import dist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_INSTALLER = dist.ROOT / "deploy" / "bundle" / "install"
_LOCKS = dist.ROOT / ".ci"
_ENTRY = re.compile(r"^([\w.-]+)==([^\s;]+)(?: *; *(.*?))?((?: \\\n +--hash=\S+)+)$", re.MULTILINE)
_GLIBC = re.compile(r"manylinux_(\d+)_(\d+)_")
# RHEL 8, Debian 10, Ubuntu 20.04 and later. Wheels for an older glibc are accepted, too.
_NEWEST_GLIBC = 28
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_MEGABYTE = 1 << 20


class Locked(NamedTuple):
    """A package of a lock."""

    name: str
    version: str
    marker: Marker | None
    hashes: str
    """As written in the lock, each on a line of its own."""


class Target(NamedTuple):
    """The Python version and machine type of a bundle."""

    python: str
    machine: str

    @property
    def name(self) -> str:
        """The name of the file without its extension."""
        return f"archive-vcenter-{archive.__version__}-python{self.python}-linux-{self.machine}"

    def environment(self, extra: str = "") -> dict[str, str]:
        """Return the environment that markers are evaluated in."""
        ours = {key: str(value) for key, value in default_environment().items()}
        return ours | {
            "extra": extra,
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def options(self) -> list[str]:
        """Return the options that make pip choose wheels for this target."""
        platforms = [
            name
            for minor in range(_NEWEST_GLIBC, 4, -1)
            for name in (f"manylinux_2_{minor}", _LEGACY.get(minor))
            if name
        ]
        digits = self.python.replace(".", "")
        return [
            f"--python-version={self.python}",
            "--implementation=cp",
            *(f"--abi={abi}" for abi in (f"cp{digits}", "abi3", "none")),
            *(f"--platform={name}_{self.machine}" for name in platforms),
        ]


def locked(name: str, target: Target) -> dict[str, Locked]:
    """Return the packages of a lock that a target needs, by name."""
    found = {}
    for package, version, marker, hashes in _ENTRY.findall((_LOCKS / name).read_text("utf-8")):
        condition = Marker(marker) if marker else None
        if condition is None or condition.evaluate(target.environment()):
            found[package] = Locked(package, version, condition, hashes)
    return found


def requirements(packages: Iterable[Locked]) -> str:
    """Return packages as a requirements file."""
    return "".join(f"{one.name}=={one.version}{one.hashes}\n" for one in packages)


def download(packages: Iterable[Locked], target: Target, folder: Path) -> None:
    """Download the wheels of packages and check their hashes against the lock."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements(packages))
        file.flush()
        command = [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download",
            "--no-deps", "--require-hashes", "--only-binary=:all:", *target.options(),
            f"--dest={folder}", f"--requirement={file.name}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)


def extras(wheels: Path, known: dict[str, Locked], target: Target) -> dict[str, list[Locked]]:
    """Return the packages that each extra of the wheel adds to those of the runtime.

    `known` are all locked packages except those of the runtime.
    """
    by_name = {parse_wheel_filename(path.name)[0]: path for path in wheels.iterdir()}
    found = {}
    for extra in metadata(by_name[canonicalize_name("archive-vcenter")]).get_all("Provides-Extra"):
        names: set[str] = set()
        waiting = {(canonicalize_name("archive-vcenter"), str(extra))}
        while waiting:
            name, of = waiting.pop()
            for needed in needs(by_name[name], of, target):
                if needed in known and needed not in names:
                    names.add(needed)
                    waiting.add((canonicalize_name(needed), ""))
        found[str(extra)] = [known[name] for name in sorted(names)]
    return found


def metadata(wheel: Path) -> Any:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = (one for one in file.namelist() if one.endswith(".dist-info/METADATA"))
        return Parser().parsestr(file.read(name).decode())


def needs(wheel: Path, extra: str, target: Target) -> Iterator[str]:
    """Yield the names of the packages that a wheel requires with an extra."""
    for line in metadata(wheel).get_all("Requires-Dist", []):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(target.environment(extra)):
            yield canonicalize_name(requirement.name)


def glibc(names: Iterable[str]) -> str:
    """Return the oldest version of glibc that all wheels run with."""
    newest = 17
    for name in names:
        # A wheel may have several tags, and runs if one of them fits.
        minors = [int(minor) for _, minor in _GLIBC.findall(name)]
        newest = max(newest, min(minors, default=0))
    return f"2.{newest}"


def megabytes(wheels: Path, packages: Iterable[Locked]) -> int:
    """Return the megabytes that installed packages take; Python's caches add half as much again."""
    names = {canonicalize_name(one.name) for one in packages}
    total = 0
    for path in wheels.iterdir():
        if parse_wheel_filename(path.name)[0] in names:
            with zipfile.ZipFile(path) as file:
                total += sum(one.file_size for one in file.infolist())
    return total * 3 // 2 // _MEGABYTE + 1


def fill(folder: Path, target: Target) -> None:
    """Write all files of a bundle into a folder."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    runtime = locked("requirements.txt", target)
    every = locked("requirements-extras.txt", target)
    pip = locked("requirements-dev.txt", target)["pip"]
    download([*runtime.values(), *every.values(), pip], target, wheels)
    wheel = dist.DIST / f"{dist.NAME}-py3-none-any.whl"
    shutil.copy(wheel, wheels)
    ours = Locked(
        "archive-vcenter", archive.__version__, None, f" \\\n    --hash=sha256:{dist.sha256(wheel)}"
    )
    needed = [ours, *runtime.values()]
    (folder / "requirements.txt").write_text(requirements(needed))
    others = {name: one for name, one in every.items() if name not in runtime}
    optional = extras(wheels, others, target)
    for name, packages in optional.items():
        (folder / f"requirements-{name}.txt").write_text(requirements(packages))
    facts = {
        "VERSION": archive.__version__,
        "PYTHON": target.python,
        "MACHINE": target.machine,
        "GLIBC": glibc(path.name for path in wheels.iterdir()),
        "EXTRAS": f"'{' '.join(optional)}'",
        "MEGABYTES": megabytes(wheels, needed),
        **{f"MEGABYTES_{name}": megabytes(wheels, packages) for name, packages in optional.items()},
    }
    lines = (f"{name}={value}\n" for name, value in facts.items())
    (folder / "platform").write_text("".join(lines))
    shutil.copy(dist.DIST / f"{dist.NAME}.cdx.json", folder)
    shutil.copy(_INSTALLER, folder / "install")
    (folder / "install").chmod(0o755)
    dist.write_sums(folder)


def pack(folder: Path, path: Path, name: str) -> None:
    """Write a folder as .tar.gz without the user and time of packing, so that it is reproducible."""
    time = dist.source_date()

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = time
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    # The wheels are compressed already.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for one in (folder, *sorted(folder.rglob("*"))):
            inside = str(Path(name, one.relative_to(folder)))
            tar.add(one, inside, recursive=False, filter=plain)


def main() -> None:
    """Build the requested bundle into `dist/`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=f"{sys.version_info[0]}.{sys.version_info[1]}")
    parser.add_argument("--machine", default=platform.machine())
    asked = parser.parse_args()
    target = Target(asked.python, asked.machine)
    path = dist.DIST / f"{target.name}.tar.gz"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "bundle")
        fill(folder, target)
        pack(folder, path, target.name)
    dist.write_sums(dist.DIST)
    print(f"{path.relative_to(dist.ROOT)}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
