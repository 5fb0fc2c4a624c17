"""`archive db distribute` and `archive db undistribute`: an archive on the nodes of a Citus cluster."""

from __future__ import annotations

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    examples,
    open_archive,
    say,
)
from archive.text import counted

EPILOG = examples("archive db distribute --database postgresql://archive@coordinator/archive")
UNDO_EPILOG = examples(
    "archive db undistribute --database postgresql://archive@coordinator/archive"
)


def distribute(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Distribute the archive by appliance over the nodes of a Citus cluster, in one transaction.

    Commands work there as before, except roles that only read. Imports wait until it is done.
    """
    from archive.db import migrate as databases
    from archive.db.distributed.distribute import distribute as spread
    from archive.render.progress import progress

    engine = open_archive(database, config)
    with progress("Distributing", 1) as advance:
        found = spread(engine, lambda done, of: advance(done / of if of else 1))
    say(
        f"The archive at {databases.describe(engine)} is distributed over"
        f" {counted(found.nodes.storing, 'node')}: {counted(found.distributed, 'table')} by appliance,"
        f" in {counted(found.nodes.shards, 'shard')} each; {found.reference} shared tables are on every"
        f" node, {found.local} with logs and totals on the coordinator."
    )
    say(
        "The server no longer checks that an appliance's name is unique, nor references to imports and"
        " from totals to days: `archive db verify` does."
    )


def undistribute(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Bring a distributed archive back to one server, in one transaction, with all that it lacked.

    The coordinator needs room for all rows. Imports wait until it is done.
    """
    from archive.db import migrate as databases
    from archive.db.distributed.undistribute import undistribute as gather
    from archive.render.progress import progress

    engine = open_archive(database, config)
    with progress("Bringing back", 1) as advance:
        number = gather(
            engine,
            databases.new_and_empty,
            lambda done, of: advance(done / of if of else 1),
        )
    say(
        f"The archive at {databases.describe(engine)} is on one server again:"
        f" {counted(number, 'table')} brought back, and all constraints are there."
    )
