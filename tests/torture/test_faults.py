"""The short form of `make torture`: some faults, a few times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.forking import Forking
from tests.torture import kills, place, sessions, storage, together
from tests.torture.judge import Budget, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.torture.faults import Inflict

# Statements between two kills of the short form.
_STEP = 23


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    """Give a process that runs the command."""
    with Forking() as running:
        yield running


def try_fault(inflict: Inflict, tries: int, engine: Engine, folder: Path, forking: Forking) -> None:
    tally = Tally()
    inflict(place.on(engine, folder, forking, step=_STEP), Budget(300, tries), tally)
    assert tally.notes == []
    assert tally.is_clean, tally
    assert tally.tried == tries


@pytest.mark.parametrize(
    ("inflict", "tries"),
    [
        (kills.statements_of_imports, 1),
        (kills.statements_of_first_imports, 1),
        (kills.statements_of_collections, 1),
        (storage.read_only, 1),
        (sessions.lock_timeouts, 1),
        (together.open_readers, 1),
        (together.clocks_set_back, 1),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_is_lost_doubled_or_wrong_after_a_fault(
    engine: Engine, tmp_path: Path, forking: Forking, inflict: Inflict, tries: int
) -> None:
    """After each fault the archive is sound, and the next run completes it."""
    try_fault(inflict, tries, engine, tmp_path, forking)


def test_import_without_room_for_another_page_changes_nothing(
    sqlite_archive: Engine, tmp_path: Path, forking: Forking
) -> None:
    """A full disk ends an import of SQLite; with room again, the next one completes it."""
    try_fault(storage.full_file, 1, sqlite_archive, tmp_path, forking)


@pytest.mark.parametrize("inflict", [sessions.cut_connections, sessions.deadlocks])
def test_import_whose_session_is_ended_changes_nothing(
    postgresql_archive: Engine, tmp_path: Path, forking: Forking, inflict: Inflict
) -> None:
    """The server ends the session of an import; the next one completes it."""
    try_fault(inflict, 1, postgresql_archive, tmp_path, forking)
