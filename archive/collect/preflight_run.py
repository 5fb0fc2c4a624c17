"""Every appliance of a fleet examined, several at a time; nothing is written anywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from archive.collect.concurrency import Passwords, each
from archive.collect.preflight import Examination

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.config.entries import Entry, Fleet


def check(
    fleet: Fleet, entries: Sequence[Entry], on_checked: Callable[[Entry, Examination], None]
) -> None:
    """Examine appliances; `on_checked` is told of each as it ends.

    SIGINT and SIGTERM end the run early: sessions are closed, what was not found out has failed, and
    appliances that were not begun are not told of.
    """
    passwords = Passwords(fleet)

    async def one(entry: Entry) -> None:
        examination = Examination(entry)
        try:
            await examination.run(passwords.of(entry))
        except asyncio.CancelledError:
            examination.end("the run was ended before it was found out")
        except Exception as error:  # noqa: BLE001 - one appliance must not end the run of the others
            examination.end(f"this is a fault in archive itself: {type(error).__name__}: {error}")
        on_checked(entry, examination)

    each(entries, fleet.concurrency, one)
