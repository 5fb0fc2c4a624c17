"""Work on several appliances at a time: each secret is read once, and signals end the run."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from archive.config.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from archive.config.settings import Entry, Fleet

# Ctrl-C, and what systemd and `timeout` send.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Passwords:
    """The passwords of a fleet's appliances.

    `of` must be called on the event loop's thread. Passwords stay in memory as long as the object.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._path = fleet.path
        self._found: dict[object, asyncio.Task[str]] = {}

    async def of(self, entry: Entry) -> str:
        """Return an appliance's password; each secret is read once. Raises ConfigurationError.

        Reading runs in a thread, since a command may take 30 seconds. A keyring's entry depends on
        the user, every other source does not. The task is shielded: one cancelled appliance must
        not take the password from the others.
        """
        key = (entry.secret, entry.user if entry.secret.keyring else None)
        if key not in self._found:
            revealing = asyncio.to_thread(reveal, entry, self._path)
            self._found[key] = asyncio.create_task(revealing)
        return await asyncio.shield(self._found[key])


def each(entries: Iterable[Entry], at_once: int, one: Callable[[Entry], Awaitable[None]]) -> None:
    """Await `one` for every entry, `at_once` at a time, until all are done.

    SIGINT and SIGTERM cancel the calls in progress, and no other one starts. A cancelled `one` must
    clean up and return.

    It must be called in the main thread, which alone can receive signals, and without a running
    event loop. An exception of `one` cancels the other calls and is raised when they have ended.
    """
    asyncio.run(_Round(one).all(iter(entries), at_once))


class _Round:
    """One pass over the entries: workers that share one iterator, and the flag that stops them."""

    def __init__(self, one: Callable[[Entry], Awaitable[None]]) -> None:
        self._one = one
        self._stopped = False

    async def all(self, entries: Iterator[Entry], at_once: int) -> None:
        """Run the workers until the entries are used up, with the signals handled meanwhile."""
        loop = asyncio.get_running_loop()
        workers = [asyncio.create_task(self._work(entries)) for _ in range(at_once)]
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop, workers)
        try:
            await asyncio.gather(*workers)
        except BaseException:
            self._stop(workers)
            await asyncio.gather(*workers, return_exceptions=True)
            raise
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _stop(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Cancel the calls in progress; the flag keeps a worker whose call ended normally from another."""
        self._stopped = True
        for worker in workers:
            worker.cancel()

    async def _work(self, entries: Iterator[Entry]) -> None:
        for entry in entries:  # one iterator for all: memory does not grow with the fleet
            await self._one(entry)
            if self._stopped:
                return
