"""Transactions of a cluster: each server has snapshots and locks of its own, but they act as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from archive import db, reports
from archive.db import engine as engines
from archive.db import tables
from archive.errors import DatabaseError
from archive.reports import Scope
from tests.support import citus, postgres
from tests.support.archives import count, empty, import_documents
from tests.support.samples import exported, job, stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

pytestmark = citus.NEEDED
NOW = "2026-03-10T00:00:00.000000Z"
NAMES = [f"vc{number:02}" for number in range(8)]


@pytest.fixture
def cluster(citus_archive: Engine) -> Engine:
    """Give a distributed archive with a failed job of each appliance."""
    empty(citus_archive)
    add(citus_archive, 1)
    return citus_archive


@pytest.fixture
def other(cluster: Engine) -> Iterator[Engine]:
    """Give another engine of the same archive."""
    engine = db.create_engine(cluster.url)
    yield engine
    engine.dispose()


def add(engine: Engine, day: int) -> None:
    """Import another failed job of each appliance; it is one transaction."""
    time = f"2026-03-{day:02}T02:15:00.000Z"
    failed = job("FAILED", start_time=time, end_time=time)
    lines = [exported(f"{day:02}", appliance=name, info=failed) for name in NAMES]
    import_documents(engine, stream(*lines), None, f"2026-03-{day:02}T03:00:00.000000Z")


def place(engine: Engine, name: str) -> int:
    """Return the ID of an appliance."""
    query = sa.select(tables.appliance.c.id).where(tables.appliance.c.name == name)
    with db.reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def nodes_of(engine: Engine) -> set[tuple[str, int]]:
    """Return the servers that have rows of appliances."""
    query = (
        "SELECT nodename, nodeport FROM pg_dist_shard_placement"
        " WHERE shardid = get_shard_id_for_distribution_column('appliance', %s::bigint)"
    )
    with db.reading(engine) as connection:
        return {
            (row.nodename, row.nodeport)
            for name in NAMES
            for row in connection.exec_driver_sql(query, (place(engine, name),))
        }


@pytest.mark.parametrize("name", ["summary", "appliances", "failures", "rpo", "volume"])
def test_report_sees_one_state_of_all_nodes(cluster: Engine, other: Engine, name: str) -> None:
    """Imports that are committed on all nodes before and between its questions change no answer."""
    assert len(nodes_of(cluster)) == 2
    days = iter(range(2, 6))

    def arrive(*_: Any) -> None:
        if day := next(days, None):
            add(other, day)

    def answer() -> list[tuple[Any, ...]]:
        with db.reading(cluster) as connection:
            return [*reports.run(connection, name, Scope(now=NOW))]

    before = answer()
    with db.reading(cluster) as connection:
        # Its snapshots have been taken by now, without a question.
        event.listen(connection, "before_cursor_execute", arrive)
        during = [*reports.run(connection, name, Scope(now=NOW))]
    assert count(cluster, tables.job) > len(NAMES)
    assert during == before
    assert answer() != before


def test_writer_does_not_wait_forever_for_a_worker(
    cluster: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers have the same limit as the coordinator, and the sentence is the same."""
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 1)
    held = f"SELECT id FROM appliance WHERE id = {place(cluster, NAMES[0])} FOR UPDATE"
    url = cluster.url.render_as_string(hide_password=False)
    with postgres.engine(url).connect() as connection:
        # The lock ends even if the import should wait for it.
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '20s'")
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(held)
        with pytest.raises(DatabaseError, match="another process is writing to the archive"):
            add(other, 2)
        connection.exec_driver_sql("ROLLBACK")
    assert count(cluster, tables.job) == len(NAMES)
    add(other, 2)
    assert count(cluster, tables.job) == 2 * len(NAMES)
