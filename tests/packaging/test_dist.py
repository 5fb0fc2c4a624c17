from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from deploy.release import dist

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the sdist of this tree, with the time of a release."""
    return built(SdistBuilder, ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the tree unpacked from the sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / dist.NAME


def built(kind: type[SdistBuilder | WheelBuilder], tree: Path, folder: Path) -> Path:
    """Build a distribution of a tree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(dist.source_date()))
        (path,) = kind(str(tree)).build(directory=str(folder), versions=["standard"])
    return Path(path)


def test_sdist_has_every_file(unpacked: Path) -> None:
    """The sdist has all files of the checkout, so it builds and tests as the checkout does."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is an unpacked sdist itself")
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)  # noqa: S607
    files = {name for name in listed.splitlines() if (ROOT / name).exists()}
    assert not {name for name in files if not (unpacked / name).is_file()}
    for script in (".ci/run", ".ci/monitors"):
        assert (unpacked / script).stat().st_mode & 0o111


@pytest.mark.parametrize("kind", [SdistBuilder, pytest.param(WheelBuilder, marks=pytest.mark.ci)])
def test_build_from_the_sdist_is_equal(
    kind: type[SdistBuilder | WheelBuilder], unpacked: Path, tmp_path: Path
) -> None:
    """The checkout and the unpacked sdist build the same bytes."""
    ours, theirs = (
        built(kind, tree, tmp_path / str(number)) for number, tree in enumerate((ROOT, unpacked))
    )
    assert ours.name == theirs.name
    assert ours.read_bytes() == theirs.read_bytes()


def test_sdist_has_the_time_of_the_commit(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git the time of a release comes from the sdist."""
    ours = dist.source_date()
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(dist, "ROOT", unpacked)
    assert dist.source_date() == ours


def test_tree_without_a_commit_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(dist, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="neither a git checkout nor an unpacked sdist"):
        dist.source_date()


@pytest.mark.ci
def test_bill_of_materials_lists_the_runtime_lock(tmp_path: Path) -> None:
    """Each locked package is a component with its version, its hashes and its package URL."""
    path = tmp_path / "bill.json"
    dist.write_bill(path)
    bill = json.loads(path.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "archive-vcenter"
    lock = (ROOT / ".ci" / "requirements.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    assert {one["name"]: one["version"] for one in bill["components"]} == locked
    for one in bill["components"]:
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert one["externalReferences"][0]["hashes"]


def test_checksums_are_read_by_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "a b").write_text("one")
    (tmp_path / "wheels" / "c").write_text("two")
    dist.write_sums(tmp_path)
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("this machine has no sha256sum")
    command = [program, "--check", "--strict", dist.SUMS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "a b: OK\nwheels/c: OK\n")


def test_wheel_has_the_files_to_install(tmp_path: Path) -> None:
    """Files for /etc, the man page and completion are in the wheel."""
    with zipfile.ZipFile(built(WheelBuilder, ROOT, tmp_path)) as wheel:
        names = {name.partition(".data/data/")[2] for name in wheel.namelist()}
    assert names >= {
        "share/archive/archive.toml",
        "share/archive/command/archive",
        "share/archive/systemd/archive-collect.service",
        "share/archive/systemd/archive-mail.timer",
        "share/archive/systemd/archive-metrics.timer",
        "share/bash-completion/completions/archive",
        "share/fish/vendor_completions.d/archive.fish",
        "share/man/man1/archive.1",
        "share/zsh/site-functions/_archive",
    }
