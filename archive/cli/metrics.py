"""`archive metrics`: write metrics for Prometheus.

A failure is exit code 1 and leaves the old file; node_exporter shows its age as
`node_textfile_mtime_seconds`.
"""

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
    open_reader,
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
    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_output
    from archive.monitoring.exposition import exposition
    from archive.monitoring.snapshot import snapshot

    engine = open_reader(database, config)
    with db.reading(engine) as connection:
        scope = parse.scope(config, connection, appliance=appliance, tag=tag, rpo=rpo, now=now)
        found = snapshot(connection, scope, place(engine))
    with open_output(output, _READABLE) as out:
        out.write(exposition(found))


def place(engine: Engine) -> str:
    """Return what labels the archive's series: the file's path, or the URL without a password."""
    from archive import db

    path = db.sqlite_file(engine.url)
    return db.shown(engine.url) if path is None else str(path.resolve())
