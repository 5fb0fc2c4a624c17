"""New files are their owner's alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from archive.private_files import create, make_folder, open_beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOMEONE = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], autouse=True)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "folder"
    make_folder(place)
    place.chmod(0o700)
    return place


@pytest.mark.parametrize("wanted", [0o600, 0o640, 0o644])
def test_file_has_exactly_the_wanted_permissions(folder: Path, wanted: int) -> None:
    os.close(create(folder / "file", wanted))
    assert mode(folder / "file") == wanted


def test_existing_file_or_link_is_not_opened(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "elsewhere")
    with pytest.raises(FileExistsError):
        create(folder / "link")
    assert not (folder / "elsewhere").exists()


def test_file_beside_another_has_its_permissions(folder: Path) -> None:
    os.close(create(folder / "archive.db", 0o660))
    for _ in range(2):
        os.close(open_beside(folder / "archive.db-collect.lock", folder / "archive.db"))
    assert mode(folder / "archive.db-collect.lock") == 0o660


@as_root
def test_root_gives_a_file_to_the_owner_of_the_other_file(folder: Path) -> None:
    os.close(create(folder / "archive.db"))
    os.chown(folder / "archive.db", SOMEONE, SOMEONE)
    os.close(open_beside(folder / "lock", folder / "archive.db"))
    assert (folder / "lock").stat().st_uid == SOMEONE


@as_root
def test_root_gives_a_file_to_the_owner_of_the_folder(folder: Path) -> None:
    os.chown(folder, SOMEONE, SOMEONE)
    os.close(create(folder / "file"))
    make_folder(folder / "below")
    assert {(folder / name).stat().st_uid for name in ("file", "below")} == {SOMEONE}
