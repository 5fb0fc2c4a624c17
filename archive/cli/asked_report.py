"""The scope that the options of `archive report` describe; `archive serve` takes the same options.

So an address of the server and a command with the same options give the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Report, Scope


def scope(
    connection: Connection,
    config: str | None,
    chosen: Report,
    *,
    period: str = "month",
    by: str | None = None,
    compare: bool = False,
    since: str | None = None,
    until: str | None = None,
    appliance: Sequence[str] | None = None,
    tag: Sequence[str] | None = None,
    job_type: Sequence[str] | None = None,
    location: Sequence[str] | None = None,
    build: Sequence[str] | None = None,
    status: Sequence[str] | None = None,
    rpo: str | None = None,
    capacity: str | None = None,
    keep: int | None = None,
    now: str | None = None,
) -> Scope:
    """Return the scope of a report; options have the names and defaults of the command. Raises UsageError."""
    from archive.cli import parse

    return parse.scope(
        config,
        connection,
        since=since,
        until=until,
        appliance=appliance,
        job_type=job_type,
        tag=tag,
        rpo=rpo,
        now=now,
        with_cadences="cadences" in chosen.takes,
        period=period,
        by=by,
        locations=tuple(location or ()),
        builds=tuple(build or ()),
        statuses=tuple(text.upper() for text in status or ()),
        capacity_bytes=parse.size(capacity),
        keep=keep,
        compare=compare,
    )


def further(chosen: Scope, tag: Sequence[str] | None, now: str | None) -> dict[str, Any]:
    """Return the options that JSON shows although they are not in `Scope.asked`."""
    found: dict[str, Any] = {"tags": list(tag)} if tag else {}
    return found | ({} if now is None else {"now": chosen.now})
