"""`archive metrics`: the figures for Prometheus."""

from __future__ import annotations

from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    examples,
    open_archive,
)
from archive.cli.report_options import NowOption, ObjectiveOption, TagsOption

EPILOG = examples(
    "archive metrics",
    "archive metrics -o /var/lib/prometheus/node-exporter/archive.prom",
)
# The collector runs as a user of its own, and what is in the file is no secret to it.
_READABLE = 0o644


def metrics(
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: ObjectiveOption = None,
    now: NowOption = None,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the figures for the textfile collector of Prometheus' node_exporter.

    A file takes its name when it is whole, and everybody may read it.
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

    scope = Scope(
        appliances=tuple(appliance or ()),
        named=parse.tagged(tag or (), config),
        now=parse.instant(now),
        objective_seconds=parse.seconds(rpo),
        cadences=parse.cadences(config),
    )
    with db.reading(open_archive(database, config)) as connection:
        span = import_span(connection, Scope())
        snapshot = Snapshot(
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
