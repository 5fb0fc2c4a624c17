"""A Citus cluster for the tests, which the environment names: nothing here makes one.

The URL is that of a database on the coordinator, which has the extension and knows its workers; its user
is a superuser on all nodes. Each archive gets a database of its own on all of them.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url, text

from tests.support import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

URL_VARIABLE = "ARCHIVE_TEST_CITUS_URL"
# Few, since a statement without an appliance goes to each of them.
SHARDS = 4
_NODES = text("SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid")
NEEDED = pytest.mark.skipif(
    URL_VARIABLE not in os.environ, reason=f"{URL_VARIABLE} names no Citus cluster"
)


def described() -> str:
    """Return a line about the cluster; without one, which tests are left out."""
    if URL_VARIABLE not in os.environ:
        return f"Citus: none, so nothing is tested on a cluster ({URL_VARIABLE} is not set)"
    with postgres.engine(os.environ[URL_VARIABLE]).connect() as connection:
        version = connection.scalar(
            text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
        )
        return f"Citus: {version}, {len(connection.execute(_NODES).all())} nodes"


@contextmanager
def new_database(*, with_nodes: bool = True) -> Iterator[str]:
    """Create an empty database on all nodes, and drop it afterwards; give its URL on the coordinator.

    Without nodes it has the extension, but is not told of them.
    """
    server = os.environ[URL_VARIABLE]
    with postgres.engine(server).connect() as connection:
        nodes = [tuple(row) for row in connection.execute(_NODES)]
    with ExitStack() as stack:
        url = make_url(stack.enter_context(postgres.new_database(server)))
        for host, port in nodes[1:]:
            stack.enter_context(
                _beside(url.set(host=host, port=port).render_as_string(hide_password=False))
            )
        with postgres.engine(url.render_as_string(hide_password=False)).connect() as connection:
            connection.execute(text("CREATE EXTENSION citus"))
            connection.execute(
                text(f"ALTER DATABASE {url.database} SET citus.shard_count = {SHARDS}")
            )
            if with_nodes:
                host, port = nodes[0]
                connection.execute(text(f"SELECT citus_set_coordinator_host('{host}', {port})"))
                for host, port in nodes[1:]:
                    connection.execute(text(f"SELECT citus_add_node('{host}', {port})"))
        yield url.render_as_string(hide_password=False)


@contextmanager
def _beside(url: str) -> Iterator[None]:
    """Create a database of the same name on a worker."""
    name = make_url(url).database
    administration = postgres.engine(
        make_url(url).set(database="postgres").render_as_string(hide_password=False)
    )
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        with postgres.engine(url).connect() as connection:
            connection.execute(text("CREATE EXTENSION citus"))
        yield
    finally:
        with administration.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
