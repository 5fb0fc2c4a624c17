"""Transactions of an archive that Citus distributes over several servers.

Each server has snapshots, locks and settings of its own, so a transaction there begins with statements
that make them one. See `archive.db.distributed` for the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.db.urls import shown
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# An expression: whether the database has Citus.
IS_INSTALLED = "to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"
# Whether this server is a worker, and whether there is an archive that is distributed. With one
# connection to each worker, all statements of a transaction see the same snapshot there, and a shared
# table can be written after others. Settings of the transaction are sent to the workers.
_STATE = """
SELECT
    (SELECT groupid <> 0 FROM pg_catalog.pg_dist_local_group),
    EXISTS (SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrelid = to_regclass('job')),
    set_config('citus.multi_shard_modify_mode', 'sequential', true),
    set_config('citus.enable_repartition_joins', 'on', true),
    set_config('citus.propagate_set_commands', 'local', true)
"""
# A statement to all workers, which finds nothing: each takes its snapshot with the first one.
_ALL_WORKERS = "SELECT 1 FROM appliance WHERE id < 0"
_KEY = "archive_is_distributed"


def begin(connection: Connection, lock_wait_seconds: int) -> None:
    """Begin a transaction on a server with Citus. Raises DatabaseError on a worker.

    With REPEATABLE READ all servers see one state from then on, but for a commit that was being made at
    that moment: it may have reached some of them only.
    """
    driver: Any = connection.connection.driver_connection
    is_worker, is_there, *_ = driver.execute(_STATE).fetchone()
    if is_worker:
        raise DatabaseError(
            f"{shown(connection.engine.url)}: the server is a worker of a Citus cluster; name its"
            " coordinator in --database"
        )
    connection.info[_KEY] = is_there
    if not is_there:
        return
    send_settings(connection, lock_wait_seconds)
    if connection.get_execution_options().get("isolation_level") == "REPEATABLE READ":
        driver.execute(_ALL_WORKERS)


def send_settings(connection: Connection, lock_wait_seconds: int) -> None:
    """Give a transaction its settings on all workers; `set_config` would stay on the coordinator."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"SET LOCAL lock_timeout = '{lock_wait_seconds}s'")
    driver.execute("SET LOCAL TimeZone = 'UTC'")
    # To compile the many small statements would take far longer than to run them.
    driver.execute("SET LOCAL jit = off")


def is_distributed(connection: Connection) -> bool:
    """Return whether the archive was distributed when the transaction began."""
    return bool(connection.info.get(_KEY))
