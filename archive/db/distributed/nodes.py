"""What a Citus cluster has: its nodes, and the tables that it distributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.db.citus import IS_INSTALLED
from archive.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Reference tables have no distribution column, and one shard.
_PLACED = "SELECT logicalrelid::regclass::text FROM pg_catalog.pg_dist_partition"
_NODES = (
    "SELECT count(*) FILTER (WHERE shouldhaveshards) AS storing,"
    " count(*) FILTER (WHERE groupid = 0) AS coordinators"
    " FROM pg_catalog.pg_dist_node WHERE isactive AND noderole = 'primary'"
)


class Nodes(NamedTuple):
    """The nodes that store the rows of appliances, and the number of shards of a distributed table."""

    storing: int
    shards: int


def placed(connection: Connection) -> set[str]:
    """Return the names of the tables that Citus has distributed, reference tables included."""
    return set(connection.exec_driver_sql(_PLACED).scalars())


def require(connection: Connection) -> Nodes:
    """Return the nodes of a cluster. Raises UsageError or DatabaseError, with what to do, without one."""
    if connection.dialect.name != "postgresql":
        raise UsageError(
            "SQLite is one file: copy the archive into PostgreSQL with Citus, by `archive db copy`"
        )
    if not connection.exec_driver_sql(f"SELECT {IS_INSTALLED}").scalar_one():
        raise DatabaseError(
            "the database does not have Citus: its administrator installs it on all nodes, and runs in"
            " psql: CREATE EXTENSION citus"
        )
    storing, coordinators = connection.exec_driver_sql(_NODES).one()
    if not coordinators:
        raise DatabaseError(
            "the cluster does not know its coordinator: its administrator runs in psql: SELECT"
            " citus_set_coordinator_host('NAME')"
        )
    if not storing:
        raise DatabaseError(
            "the cluster has no node for shards: its administrator runs in psql: SELECT"
            " citus_add_node('NAME', 5432)"
        )
    shards = connection.exec_driver_sql("SHOW citus.shard_count").scalar_one()
    return Nodes(storing, int(shards))
