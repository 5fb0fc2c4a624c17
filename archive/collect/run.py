"""A collection: fetch the answers of all appliances of a fleet, several at a time, and archive them.

Each appliance has its own transaction and outcome. Threads write answers while others are fetched.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from archive import db, timestamps
from archive.collect.concurrency import Passwords, each
from archive.collect.logins import Logins
from archive.collect.save_answers import keep
from archive.collect.store_answer import Outcome, archive_answer, compare_answer
from archive.errors import AlreadyRunningError, ArchiveError, InputError
from archive.masking import mask_text
from archive.store import collection_log, evidence_chain
from archive.store.collection_log import FAILED, INTERRUPTED, Attempt
from archive.store.counts import Counts
from archive.vcenter.query import CollectedAnswer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from archive.config.settings import Entry, Fleet
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
    """Fetch and archive the answers of appliances, and return the collection.

    `on_outcome` is called for each appliance when it is done. Raw answers are saved below `keep_in`.
    SIGINT and SIGTERM end the collection early: writes in progress are finished and sessions are
    closed. Raises AlreadyRunningError, DatabaseError, ConfigurationError.

    The whole collection holds the lock `collect`, so that two of them cannot ask the same
    appliances at once; imports of files may run meanwhile. `entries` have distinct names.
    `on_outcome` runs on the event loop, in the order in which appliances are done.
    """
    evidence_chain.key_of(engine)  # if it cannot be read, no appliance is asked
    writers = 1 if db.sqlite_file(engine.url) else _WRITERS
    with db.alone(engine, "collect") as alone, db.keeping(engine, writers) as keeper:
        if not alone:
            raise AlreadyRunningError("another `archive collect` is running on this archive")
        number = collection_log.begin(keeper, len(entries))

        def write(entry: Entry, asked_at: str, answer: CollectedAnswer) -> Outcome:
            return archive_answer(keeper, number, entry, asked_at, answer)

        def fail(attempt: Attempt) -> None:
            collection_log.record_failure(keeper, number, attempt)

        try:
            _Run(fleet, write, fail, on_outcome, keep_in).all(entries, writers)
        finally:
            # Also after an error: a collection without an end would look as if it were still
            # running.
            done = collection_log.finish(keeper, number)
        return done


def rehearse(
    engine: Engine | None, fleet: Fleet, entries: Sequence[Entry], on_outcome: OnOutcome
) -> None:
    """Fetch the answers of appliances, compare them with the archive if there is one; write nothing.

    `engine` is None if there is no archive yet. Interrupts end it early, as they do a collection.
    """

    def compare(entry: Entry, asked_at: str, answer: CollectedAnswer) -> Outcome:
        return compare_answer(engine, entry, asked_at, answer)

    _Run(fleet, compare, lambda _: None, on_outcome, None).all(entries, 1)


# Transactions at a time on PostgreSQL; SQLite has one writer.
_WRITERS = 4


class _Run:
    """One run over appliances; `write` handles answers, and `fail` attempts without one.

    The network runs on the event loop, everything that blocks (database, files) in writer threads.
    """

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
        self._logins = Logins()

    def all(self, entries: Sequence[Entry], writers: int) -> None:
        """Process all appliances, up to the configured `concurrency` at a time."""
        with ThreadPoolExecutor(writers, "writer") as self._writers:
            each(entries, self._fleet.concurrency, self._one)

    async def _one(self, entry: Entry) -> None:
        self._on_outcome(await self._outcome(entry))

    async def _outcome(self, entry: Entry) -> Outcome:
        """Return how one appliance ended; whatever happens, it is recorded by `write` or `fail`."""
        asked_at = timestamps.now()
        try:
            answer = await ask(entry, await self._passwords.of(entry), self._logins.admit(entry))
        except asyncio.CancelledError:
            return await self._finish(self._give_up, entry, asked_at, None)
        except Exception as error:  # noqa: BLE001 - one appliance must not end the run of the others
            return await self._finish(self._give_up, entry, asked_at, error)
        return await self._finish(self._archive, entry, asked_at, answer)

    async def _finish(self, work: Callable[..., Outcome], *of: object) -> Outcome:
        """Run `work` in a writer thread, and wait for its end even if the run is interrupted.

        A transaction that has begun is always finished: cutting it off would lose an answer that
        was fetched already. Only then does the worker see its cancellation, by the flag in
        `_Round`.
        """
        writing = asyncio.get_running_loop().run_in_executor(self._writers, work, *of)
        while not writing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(writing)
        return writing.result()

    def _archive(self, entry: Entry, asked_at: str, answer: CollectedAnswer) -> Outcome:
        """Archive an answer and close it; runs in a writer thread."""
        with answer.details:
            try:
                return self._write(entry, asked_at, self._kept(entry, answer))
            except Exception as error:  # noqa: BLE001 - it must not end the run of the others
                return self._give_up(entry, asked_at, error)

    def _kept(self, entry: Entry, answer: CollectedAnswer) -> CollectedAnswer:
        """Save the raw answer if wanted; a failure to save makes the outcome partial."""
        if self._keep_in is None:
            return answer
        try:
            keep(self._keep_in, entry.name, answer.seen_at, answer.details)
        except InputError as error:
            return answer._replace(missing=(*answer.missing, str(error)))
        return answer

    def _give_up(self, entry: Entry, asked_at: str, error: Exception | None) -> Outcome:
        """Record an attempt without an answer; `error` is None if the collection was interrupted.

        The reason may quote a server, so passwords in it are masked before it is stored or shown.
        """
        outcome, reason = FAILED, str(error)
        if error is None:
            outcome, reason = INTERRUPTED, "interrupted before the appliance answered"
        elif not isinstance(error, ArchiveError):
            reason = f"internal error in archive: {type(error).__name__}: {error}"
        attempt = Attempt(entry.name, asked_at, None, outcome, mask_text(reason), None)
        self._fail(attempt)
        return Outcome(attempt, Counts())
