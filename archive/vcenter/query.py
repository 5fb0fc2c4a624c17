"""All requests to one appliance: its jobs, schedules, version and time zone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from archive.errors import ApplianceError
from archive.vcenter import job_details
from archive.vcenter.client import Connection
from archive.vcenter.session import signed_in

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from archive.config.settings import Entry

# Paths in the vSphere Automation API, the same below `/api` and `/rest`.
VERSION = "appliance/system/version"
# What these say is archived beside the jobs, which are archived without it, too.
SCHEDULES = "appliance/recovery/backup/schedules"
TIME_ZONE = "appliance/system/time/timezone"


class CollectedAnswer(NamedTuple):
    """The answers of an appliance, and when they were requested.

    `seen_at` is a fixed-width UTC instant of this machine's clock, after the login and before the
    request for the jobs. `details` is the answer with its jobs, which the caller must close;
    `facts` are its other answers, decoded, by path. `missing` says what could not be fetched, and
    why; such a path is absent from `facts`.
    """

    seen_at: str
    details: IO[bytes]
    facts: dict[str, Any]
    missing: tuple[str, ...]


async def ask(
    entry: Entry, password: str, admitted: AbstractAsyncContextManager[None] | None = None
) -> CollectedAnswer:
    """Fetch the jobs, schedules, version and time zone of an appliance; log in within `admitted`.

    Raises ApplianceError, with a reason and advice, if the jobs cannot be fetched.

    Only the jobs are essential; a failed request for another fact makes the answer incomplete.
    `password` is never part of an error, nor is a token: they are replaced in all texts.
    """
    with ExitStack() as on_failure:
        async with (
            Connection.open(entry) as connection,
            signed_in(connection, entry.user, password, admitted) as session,
        ):
            seen_at = timestamps.now()
            jobs = await job_details.fetch(session)
            # From here on it holds a file or memory.
            on_failure.enter_context(jobs.body)
            missing = [] if jobs.missing is None else [jobs.missing]
            facts: dict[str, Any] = {}
            for path in (VERSION, SCHEDULES, TIME_ZONE):
                try:
                    facts[path] = await session.get_json(path)
                except ApplianceError as error:
                    missing.append(f"{path}: {error}")
        # Until here any failure, also one of signing out, closes the answer.
        on_failure.pop_all()
    return CollectedAnswer(seen_at, jobs.body, facts, tuple(map(session.without_secrets, missing)))
