"""A file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from archive.atomic_write import atomic_write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("durable", [False, True])
def test_replaces_the_target_when_the_block_ends(tmp_path: Path, *, durable: bool) -> None:
    target = tmp_path / "report.csv"
    target.write_text("old")
    with atomic_write(target, durable=durable) as written:
        written.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_keeps_the_target_and_removes_the_new_file_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(target) as written:
        written.with_name("missing").rename(written)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_creates_the_file_with_the_given_permissions(tmp_path: Path) -> None:
    target = tmp_path / "answer.json.gz"
    with atomic_write(target, 0o600) as written:
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_temporary_file_of_another_process_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    with atomic_write(target) as written:
        with pytest.raises(FileExistsError), atomic_write(target):
            pass
        assert written.exists()
