"""Targets that name another system than the appliance that an import was for.

It is the trace of a mistyped `--appliance`, or of an address that leads to another appliance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.appliance_names import identity
from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

# vCenter's folder of a backup: `/vCenter/sn_SYSTEM/M_8.0.3_...`.
_BEFORE = "/vCenter/sn_"
# Earlier jobs to look at: an appliance keeps its name for years.
_RECENT = 50


def other_system(connection: Connection, run_id: int) -> tuple[str, str] | None:
    """Return the appliance of an import and the system that its new jobs' targets name, if that is another.

    An appliance may have another name in the archive than its own. So a system is another one only if
    the archive has an appliance of that name, if it is in the same domain, or if earlier jobs of the
    appliance name different ones. None for an import of several appliances.

    Call it after the import, since it reads its jobs. Names are compared by their first label: the
    archive may have a full name where vCenter has a short one. It looks at the last 50 earlier jobs
    only, so its time does not grow with the history.
    """
    run, appliance, job = tables.ingest_run, tables.appliance, tables.job
    query = sa.select(appliance.c.id, appliance.c.name).join(
        run, run.c.appliance_id == appliance.c.id
    )
    found = connection.execute(query.where(run.c.id == run_id)).first()
    if found is None:
        return None
    folders = sa.select(job.c.location_folder).where(
        job.c.appliance_id == found.id, job.c.location_folder.is_not(None)
    )
    of_run = connection.execute(folders.where(job.c.run_id == run_id)).scalars()
    earlier = folders.where(job.c.run_id != run_id).order_by(job.c.id.desc()).limit(_RECENT)
    known = _systems(connection.execute(earlier).scalars())
    names = set(connection.execute(sa.select(appliance.c.name)).scalars())
    for system in sorted(_systems(of_run) - known):
        if _host(system) != _host(found.name) and (
            known or system in names or _domain(system) == _domain(found.name) != ""
        ):
            return found.name, system
    return None


def _systems(folders: Iterable[str]) -> set[str]:
    """Return the names of systems in folders of backups, in the archive's form."""
    return {
        identity(folder.removeprefix(_BEFORE).partition("/")[0])
        for folder in folders
        if folder.startswith(_BEFORE)
    }


def _domain(name: str) -> str:
    """Return a host name without its first label; empty for a short name."""
    return name.partition(".")[2]


def _host(name: str) -> str:
    return name.partition(".")[0]
