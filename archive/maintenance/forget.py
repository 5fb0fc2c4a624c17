"""Forget an appliance: delete everything that the archive has of it, but that this was done.

The log of maintenance keeps the name, the number of jobs and the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.maintenance.appliances import Extent, changing, find
from archive.maintenance.explained_absence import Absences
from archive.maintenance.hold import require_released
from archive.store import appliance_rows, day_totals, maintenance_log, shared_rows

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine


def forget(engine: Engine, name: str) -> Extent:
    """Delete an appliance in one transaction, and return what the archive had of it.

    Texts that only its jobs had go, too, such as the URL of its target. An import that brought jobs
    of other appliances stays in the log. Raises UsageError for an unknown name, and for an appliance on
    legal hold.

    If the configuration still has the appliance, the next collection brings it again.
    """
    with changing(engine) as connection:
        known = find(connection, name)
        runs: list[int] = []
        if known.id is not None:
            require_released(connection, [known.id])
            runs = appliance_rows.runs(connection, known.id)
            day_totals.subtract(connection, known.id)
            appliance_rows.delete(connection, known.id)
        appliance_rows.delete_named(connection, known.name)
        # After all that refers to them.
        appliance_rows.delete_runs(connection, runs)
        shared_rows.remove_unused(connection)
        _forget_facts(connection, known.name)
        maintenance_log.record(connection, maintenance_log.FORGET, known.name, jobs=known.jobs)
    return known


def _forget_facts(connection: Connection, name: str) -> None:
    """Delete the facts of an appliance from the chain of evidence, whose links have their digests."""
    absences, link = Absences(connection), tables.evidence_link
    query = sa.select(link.c.id, link.c.appliance_name).where(link.c.facts.is_not(None))
    for number, then in connection.execute(query).all():
        if absences.name_now(number, then) == name:
            connection.execute(sa.update(link).where(link.c.id == number).values(facts=None))
