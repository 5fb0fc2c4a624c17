"""The data behind the metrics of an archive, read in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import archive
from archive.monitoring.exposition import Snapshot
from archive.monitoring.states import states
from archive.monitoring.totals import totals
from archive.reports import Scope, import_span
from archive.store import collection_log, import_log, quarantine

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def snapshot(connection: Connection, scope: Scope, place: str) -> Snapshot:
    """Return the data of the appliances in scope; `place` names the archive, without passwords."""
    # Of all appliances, selected or not: it shows whether anything is imported at all.
    span = import_span(connection, Scope())
    return Snapshot(
        place,
        archive.__version__,
        scope.now,
        states(connection, scope),
        totals(connection, scope),
        next(iter(import_log.logged_runs(connection, 1)), None),
        next(iter(collection_log.collections(connection, 1)), None),
        span and span.last,
        quarantine.number(connection),
    )
