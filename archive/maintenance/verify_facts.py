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
    for link in map(Link._make, connection.execute(facts).all()):
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
        elif not absences.is_rewritten(link.id, link.appliance_name):
            yield from _history(connection, appliances[name], link)
    for name, link in settings.items():
        if link.facts != appliances[name].facts() and not absences.is_rewritten(
            link.id, link.appliance_name
        ):
            yield (
                f"appliance (id {appliances[name].id}): cadence_seconds, rpo_seconds or retired_at is"
                f" not as link {link.id} has it: {_RESTORE}"
            )


def _history(connection: Connection, appliance: Change, link: Link) -> Iterator[str]:
    """Compare what an appliance reported with a link, with the rows of that time."""
    if link.seen_at is None or _by_wrong_clock(connection, link.id, link.seen_at):
        return
    if fact_history.in_force(connection, appliance.id, link.seen_at) != link.facts:
        yield (
            f"{appliance.name}: schedule, system_version or system_time_zone is not as link {link.id}"
            f" has it of {link.seen_at}: {_RESTORE}"
        )


def _by_wrong_clock(connection: Connection, number: int, seen_at: str) -> bool:
    """Return whether the clock was ahead: a later link is from before. Then the rows were taken back."""
    later = sa.select(_LINK.c.id).where(_LINK.c.id >= number, _LINK.c.recorded_at < seen_at)
    return connection.execute(later.limit(1)).first() is not None
