"""Logins with the same user and password: after a refusal the others wait, so that no account is locked.

Linked vCenters share a Single Sign-On, which locks an account after a few refused logins, by default
five in three minutes. A stale password would be tried at every appliance within a second.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

from archive.errors import ApplianceError
from archive.vcenter.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from archive.config.settings import Entry

# Seconds to wait for the result of another first login; its appliance may be down.
_PATIENCE = 5.0
# Without `sso` in the configuration the appliances may be independent, and one of them be wrong.
_REFUSALS_ALLOWED = 2


@dataclass
class _Group:
    """Appliances that share an account; `trying` is the login that may show whether the password is right.

    The others wait for its result until `until`, of the clock `monotonic`; then the next one tries.
    `allowed` is the number of refusals after which no further login is tried; `refused_by` has the
    names of the appliances that refused, for the error.
    """

    allowed: int
    accepted: bool = False
    trying: object = None
    until: float = 0.0
    refused_by: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Logins:
    """The logins of a run over a fleet.

    All methods run on one event loop, so nothing needs a lock: between two awaits no other task
    runs.
    """

    def __init__(self) -> None:
        self._groups: dict[object, _Group] = {}

    @asynccontextmanager
    async def admit(self, entry: Entry) -> AsyncIterator[None]:
        """Let an appliance log in within the block, one of a group at a time until one is accepted.

        Raises ApplianceError if others of its group have been refused.

        A login that fails for another reason, such as a timeout, neither accepts nor refuses: the
        next in line then tries.
        """
        group = self._of(entry)
        while not group.accepted and group.trying and (left := group.until - monotonic()) > 0:
            # Events are set for good; cleared here, it waits for the next change.
            group.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(group.changed.wait(), left)
        if not group.accepted and len(group.refused_by) >= group.allowed:
            raise ApplianceError(
                f"not tried, since {', '.join(group.refused_by)} refused the same user and password,"
                " and more attempts could lock the account",
                "correct the password, or set `sso` to tell independent appliances apart",
            )
        # Set without an await in between, so that those whose wait ends now wait for this login.
        mine = group.trying = object()
        group.until = monotonic() + _PATIENCE
        try:
            yield
            group.accepted = True
        except RefusedError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                group.refused_by.append(entry.name)
            raise
        finally:
            if group.trying is mine:
                group.trying = None
            group.changed.set()

    def _of(self, entry: Entry) -> _Group:
        """Return the group of an appliance: by `sso`, otherwise by user and source of the password."""
        key = entry.sso or (entry.user, entry.secret)
        return self._groups.setdefault(key, _Group(1 if entry.sso else _REFUSALS_ALLOWED))
