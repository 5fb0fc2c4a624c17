"""In which status a job was seen, and when first: the rows of `job_status` of known jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection


def record_statuses(
    connection: Connection, observed: Mapping[tuple[int, int], Mapping[str, str]], run_id: int
) -> None:
    """Record when jobs (appliance and job number) were seen in statuses, where that is news."""
    table = tables.job_status
    rows = []
    for (appliance_id, job_id), statuses in observed.items():
        query = sa.select(table.c.status, table.c.observed_at).where(
            table.c.appliance_id == appliance_id, table.c.job_id == job_id
        )
        known = dict(map(tuple, connection.execute(query)))
        rows += [
            (appliance_id, job_id, status, observed_at, run_id)
            for status, observed_at in statuses.items()
            if status not in known or observed_at < known[status]
        ]
    db.upsert(connection, table, rows, ["observed_at", "run_id"])
