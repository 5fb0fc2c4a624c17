"""One run over a fleet: every appliance asked, several at a time, and what it tells archived.

Each appliance is a transaction and an outcome of its own. While some are asked, what others told is
written by threads.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from archive import db, timestamps
from archive.collect.concurrency import Passwords, each
from archive.collect.save_answers import keep
from archive.collect.store_answer import Outcome, archive_told, compare_told
from archive.errors import AlreadyRunningError, ArchiveError, InputError
from archive.store import collection_log
from archive.store.collection_log import FAILED, INTERRUPTED, Attempt
from archive.store.counts import Counts
from archive.vcenter.query import CollectedAnswer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from archive.config.entries import Entry, Fleet
    from archive.store.collection_log import Collection

    # How one appliance ended, archived or not.
    OnOutcome = Callable[[Outcome], None]


def collect(
    engine: Engine,
    fleet: Fleet,
    entries: Sequence[Entry],
    on_outcome: OnOutcome,
    keep_in: Path | None = None,
) -> Collection:
    """Ask appliances, archive what they tell, and return what came of it.

    `on_outcome` is told of each as it ends. Raw answers are kept below `keep_in`. SIGINT and SIGTERM
    end the run early: what is being written is finished, sessions are closed. Raises
    AlreadyRunningError, DatabaseError.
    """
    writers = 1 if db.sqlite_file(engine.url) else _WRITERS
    with db.alone(engine, "collect") as alone, db.keeping(engine, writers) as keeper:
        if not alone:
            raise AlreadyRunningError("another `archive collect` is at work on this archive")
        number = collection_log.begin(keeper, len(entries))

        def write(entry: Entry, asked_at: str, told: CollectedAnswer) -> Outcome:
            return archive_told(keeper, number, entry, asked_at, told)

        def fail(attempt: Attempt) -> None:
            collection_log.record_failure(keeper, number, attempt)

        try:
            _Run(fleet, write, fail, on_outcome, keep_in).all(entries, writers)
        finally:
            done = collection_log.finish(keeper, number)
        return done


def rehearse(
    engine: Engine | None, fleet: Fleet, entries: Sequence[Entry], on_outcome: OnOutcome
) -> None:
    """Ask appliances and compare what they tell with the archive, if there is one; write nothing."""

    def compare(entry: Entry, asked_at: str, told: CollectedAnswer) -> Outcome:
        return compare_told(engine, entry, asked_at, told)

    _Run(fleet, compare, lambda _: None, on_outcome, None).all(entries, 1)


# Transactions at a time on PostgreSQL; SQLite has one writer.
_WRITERS = 4


class _Run:
    """Appliances that are asked at the same time; `write` and `fail` say what becomes of them."""

    def __init__(
        self,
        fleet: Fleet,
        write: Callable[[Entry, str, CollectedAnswer], Outcome],
        fail: Callable[[Attempt], None],
        on_outcome: OnOutcome,
        keep_in: Path | None,
    ) -> None:
        self._fleet = fleet
        self._write = write
        self._fail = fail
        self._on_outcome = on_outcome
        self._keep_in = keep_in
        self._passwords = Passwords(fleet)

    def all(self, entries: Sequence[Entry], writers: int) -> None:
        """Ask all, so many at a time as the fleet's configuration says."""
        with ThreadPoolExecutor(writers, "writer") as self._writers:
            each(entries, self._fleet.concurrency, self._one)

    async def _one(self, entry: Entry) -> None:
        self._on_outcome(await self._outcome(entry))

    async def _outcome(self, entry: Entry) -> Outcome:
        asked_at = timestamps.now()
        try:
            told = await ask(entry, await self._passwords.of(entry))
        except asyncio.CancelledError:
            return await self._finish(self._give_up, entry, asked_at, None)
        except Exception as error:  # noqa: BLE001 - one appliance must not end the run of the others
            return await self._finish(self._give_up, entry, asked_at, error)
        return await self._finish(self._archive, entry, asked_at, told)

    async def _finish(self, work: Callable[..., Outcome], *of: object) -> Outcome:
        """Have a thread do what writes, to its end even if the run is ended meanwhile."""
        writing = asyncio.get_running_loop().run_in_executor(self._writers, work, *of)
        while not writing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(writing)
        return writing.result()

    def _archive(self, entry: Entry, asked_at: str, told: CollectedAnswer) -> Outcome:
        with told.details:
            try:
                return self._write(entry, asked_at, self._kept(entry, told))
            except Exception as error:  # noqa: BLE001 - it must not end the run of the others
                return self._give_up(entry, asked_at, error)

    def _kept(self, entry: Entry, told: CollectedAnswer) -> CollectedAnswer:
        """Keep the answer, if answers are to be kept; what cannot be is missing."""
        if self._keep_in is None:
            return told
        try:
            keep(self._keep_in, entry.name, told.seen_at, told.details)
        except InputError as error:
            return told._replace(missing=(*told.missing, str(error)))
        return told

    def _give_up(self, entry: Entry, asked_at: str, error: Exception | None) -> Outcome:
        outcome, reason = FAILED, str(error)
        if error is None:
            outcome, reason = INTERRUPTED, "the run was ended before it answered"
        elif not isinstance(error, ArchiveError):
            reason = f"this is a fault in archive itself: {type(error).__name__}: {error}"
        attempt = Attempt(entry.name, asked_at, None, outcome, reason, None)
        self._fail(attempt)
        return Outcome(attempt, Counts())
