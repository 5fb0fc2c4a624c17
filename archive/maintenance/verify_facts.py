"""Check the facts of appliances, such as schedules, against the links of the chain that recorded them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.store import fact_history
from archive.store.appliance_settings import Change
from archive.store.evidence_chain import FACTS, SETTINGS, Link, facts_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.maintenance.explained_absence import Absences

_RESTORE = "restore it from a backup, or compare it with a bundle made before"
_LINK = tables.evidence_link
_AT_A_TIME = 5000
_LATEST = "9999-12-31T23:59:59.999999Z"


def problems(connection: Connection, absences: Absences) -> Iterator[str]:
    """Yield a line for facts of a link that were changed, and for each history that differs from it.

    A history is not compared where maintenance or a corrected clock has changed it.
    """
    appliance = tables.appliance
    query = sa.select(*(appliance.c[name] for name in Change._fields))
    appliances = {row.name: Change._make(row) for row in connection.execute(query)}
    settings: dict[str, Link] = {}
    columns = (_LINK.c[name] for name in Link._fields)
    ours = sa.or_(_LINK.c.what.in_((FACTS, SETTINGS)), _LINK.c.facts.is_not(None))
    facts = sa.select(*columns).where(ours).order_by(_LINK.c.id)
    found = list(map(Link._make, connection.execute(facts)))
    earliest = _earliest_since(connection, {link.id for link in found})
    for link in found:
        name = absences.name_now(link.id, link.appliance_name)
        if link.facts is None:
            if name is not None:
                yield f"evidence_link (id {link.id}): facts are missing: {_RESTORE}"
            continue
        if hashlib.sha256(facts_line(link.id, link.facts).encode()).digest() != link.digest:
            yield f"evidence_link (id {link.id}): wrong facts: {_RESTORE}"
            continue
        if name is None or name not in appliances:
            continue
        if link.what == SETTINGS:
            settings[name] = link
        # If a later link is from before, the clock was ahead: the rows were taken back since.
        elif (
            link.seen_at is not None
            and link.seen_at <= earliest[link.id]
            and not absences.is_rewritten(link.id, link.appliance_name)
        ):
            yield from _history(connection, appliances[name], link, link.seen_at)
    for name, link in settings.items():
        if link.facts != appliances[name].facts() and not absences.is_rewritten(
            link.id, link.appliance_name
        ):
            yield (
                f"appliance (id {appliances[name].id}): cadence_seconds, rpo_seconds or retired_at is"
                f" not as link {link.id} has it: {_RESTORE}"
            )


def _history(connection: Connection, appliance: Change, link: Link, seen_at: str) -> Iterator[str]:
    """Compare what an appliance reported with a link, with the rows of that time."""
    if fact_history.in_force(connection, appliance.id, seen_at) != link.facts:
        yield (
            f"{appliance.name}: schedule, system_version or system_time_zone is not as link {link.id}"
            f" has it of {seen_at}: {_RESTORE}"
        )


def _earliest_since(connection: Connection, numbers: set[int]) -> dict[int, str]:
    """Return for each of some links when it, or any later one, was recorded: the earliest time."""
    found: dict[int, str] = {}
    if not numbers:
        return found
    query = (
        sa.select(_LINK.c.id, _LINK.c.recorded_at)
        .where(_LINK.c.id >= min(numbers))
        .order_by(_LINK.c.id.desc())
    )
    earliest = _LATEST
    with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
        for number, recorded_at in rows:
            earliest = min(earliest, recorded_at)
            if number in numbers:
                found[number] = earliest
    return found
