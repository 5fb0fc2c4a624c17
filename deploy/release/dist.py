"""Build the files of a release into `dist/`: `python -m deploy.release.dist`, `make dist`.

The files are the sdist, the wheel built from it, and a bill of materials of the runtime lock in CycloneDX JSON. They
depend only on the commit: two builds are equal byte for byte, including a build from the unpacked sdist.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import archive

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
NAME = f"archive_vcenter-{archive.__version__}"
SUMS = "SHA256SUMS"
_LOCK = ROOT / ".ci" / "requirements.txt"


def source_date() -> int:
    """Return the modification time of all files of a release, in seconds since 1970.

    It is the time of the last commit. In an unpacked sdist each file already has that time.

    Raises SystemExit in a tree that is neither a git checkout nor an unpacked sdist.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    if (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        return int(subprocess.check_output(command))  # noqa: S603 - of our own
    information = ROOT / "PKG-INFO"
    if not information.exists():
        raise SystemExit(f"{ROOT}: neither a git checkout nor an unpacked sdist")
    return int(information.stat().st_mtime)


def build(folder: Path) -> None:
    """Build sdist, wheel and bill of materials into a folder."""
    # --no-isolation: use the locked build tools of this environment.
    _run("build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    write_bill(folder / f"{NAME}.cdx.json")


def write_bill(path: Path) -> None:
    """Write the bill of materials of the runtime dependencies."""
    _run(
        "cyclonedx_py", "requirements", "--pyproject", str(ROOT / "pyproject.toml"),
        "--output-reproducible", "--output-format", "JSON", "-o", str(path), str(_LOCK),
    )  # fmt: skip


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of each file below a folder, as `sha256sum --check` reads it."""
    names = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != SUMS
    )
    lines = (f"{sha256(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Put the files into `dist/`, replacing its content."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(folder)
        write_sums(folder)
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(folder, DIST)
        DIST.chmod(0o755)  # a temporary folder is private to its owner
    for path in sorted(DIST.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")


def _run(*arguments: str) -> None:
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(source_date())}
    # Ignore the warning that the root has no dependencies of its own: the lock is flat.
    command = [sys.executable, "-W", "ignore::UserWarning:cyclonedx.model.bom", "-m", *arguments]
    done = subprocess.run(  # noqa: S603 - of our own
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
