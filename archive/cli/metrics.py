"""`archive metrics`: write metrics for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    TagsOption,
    examples,
    open_archive,
)
from archive.cli.report_options import NowOption, RpoOption

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

EPILOG = examples(
    "archive metrics",
    "archive metrics -o /var/lib/prometheus/node-exporter/archive.prom",
)
# node_exporter runs as another user, which has to read the file.
_READABLE = 0o644


def metrics(
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: RpoOption = None,
    now: NowOption = None,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write metrics for the textfile collector of Prometheus' node_exporter.

    With -o the file is replaced when the new one is complete, and is readable by all users.
    """
    import archive
    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_output
    from archive.monitoring.exposition import Snapshot, exposition
    from archive.monitoring.states import states
    from archive.monitoring.totals import totals
    from archive.reports import Scope, import_span
    from archive.store import collection_log, import_log, quarantine

    scope = parse.scope(config, appliance=appliance, tag=tag, rpo=rpo, now=now)
    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        # Of all appliances, selected or not: it shows whether anything is imported at all.
        span = import_span(connection, Scope())
        snapshot = Snapshot(
            _place(engine),
            archive.__version__,
            scope.now,
            states(connection, scope),
            totals(connection, scope),
            next(iter(import_log.logged_runs(connection, 1)), None),
            next(iter(collection_log.collections(connection, 1)), None),
            span and span.last,
            quarantine.number(connection),
        )
    with open_output(output, _READABLE) as out:
        out.write(exposition(snapshot))


def _place(engine: Engine) -> str:
    """Return what labels the archive's series: the file's path, or the URL without a password."""
    from archive import db

    path = db.sqlite_file(engine.url)
    return db.shown(engine.url) if path is None else str(path.resolve())
