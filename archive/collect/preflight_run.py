"""Test every appliance of a fleet, several at a time; write nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from archive.collect.concurrency import Passwords, each
from archive.collect.logins import Logins
from archive.collect.preflight import Examination

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.config.settings import Entry, Fleet


def check(
    fleet: Fleet, entries: Sequence[Entry], on_checked: Callable[[Entry, Examination], None]
) -> None:
    """Test appliances; call `on_checked` for each one when it is done.

    SIGINT and SIGTERM end the run early: sessions are closed, unfinished checks count as failed, and
    appliances that were not started are not reported.

    `on_checked` runs on the event loop, in the order in which appliances are done.
    """
    passwords, logins = Passwords(fleet), Logins()

    async def one(entry: Entry) -> None:
        examination = Examination(entry)
        try:
            await examination.run(passwords.of(entry), logins.admit(entry))
        except asyncio.CancelledError:
            examination.end("interrupted before this check was done")
        except Exception as error:  # noqa: BLE001 - one appliance must not end the run of the others
            examination.end(f"internal error in archive: {type(error).__name__}: {error}")
        on_checked(entry, examination)

    each(entries, fleet.concurrency, one)
