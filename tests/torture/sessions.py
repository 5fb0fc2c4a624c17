"""Faults of sessions and servers: cut connections, restarts, deadlocks, and locks held for too long."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.support.archives import content
from tests.support.command import at
from tests.torture.answers import answer
from tests.torture.judge import compared, load, verified

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from tests.torture.answers import Import
    from tests.torture.judge import Budget, Tally
    from tests.torture.place import Place

# Exit codes: fine, an error with nothing written, a document in quarantine.
_FINE, _ERROR, _PARTIAL = 0, 1, 3


def cut_connections(place: Place, budget: Budget, tally: Tally) -> None:
    """Let the server end the session of an import before each of its statements."""
    statement, number = place.step, 0
    while budget.lasts(tally):
        one = answer(number)
        place.forking.start(*one.write(place.folder), at(place.engine), fault=("cut", statement))
        code = place.forking.wait()
        if code == _ERROR:
            statement += place.step
        else:
            statement = 1
        _judge(place, one, code, tally)
        number += 1


def restarts(place: Place, budget: Budget, tally: Tally) -> None:
    """Kill the server's processes while it imports, and start it again."""
    assert place.server is not None
    random, number = Random(4), 0  # noqa: S311 - no secret
    while budget.lasts(tally):
        one = answer(number)
        place.forking.start(*one.write(place.folder), at(place.engine), fault=("nothing", 0))
        time.sleep(random.uniform(0, 0.3))
        place.server.restart()
        _judge(place, one, place.forking.wait(), tally)
        number += 1


def deadlocks(place: Place, budget: Budget, tally: Tally) -> None:
    """Take the locks of an import in the opposite order: the server ends the import, or the other one."""
    for number in range(4):  # so that there are all locks
        load(place.engine, answer(number))
        load(place.undisturbed, answer(number))
    number = 4
    rival = sa.create_engine(place.engine.url, poolclass=sa.NullPool)
    while budget.lasts(tally):
        one, is_ended = answer(number), False
        with rival.connect() as connection:
            # The first one that has waited for so long looks for a deadlock, and is ended.
            patience = "50ms" if number % 2 else "20s"
            connection.exec_driver_sql(f"SET deadlock_timeout = '{patience}'")
            connection.exec_driver_sql(
                "SELECT name FROM write_lock WHERE name LIKE 'appliance%%' FOR UPDATE"
            )
            place.forking.start(*one.write(place.folder), at(place.engine), fault=("nothing", 0))
            _wait_for_a_waiter(rival)
            try:
                connection.exec_driver_sql(
                    "SELECT name FROM write_lock WHERE name = 'calendar' FOR UPDATE"
                )
            except DBAPIError:
                is_ended = True
        code = place.forking.wait()
        if is_ended == (code == _ERROR):
            tally.is_wrong(f"exit code {code}, and the other transaction was ended: {is_ended}")
        _judge(place, one, code, tally)
        number += 1


def _wait_for_a_waiter(engine: Engine) -> None:
    """Wait until a session waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    end = time.monotonic() + 20
    with engine.connect() as connection:
        while time.monotonic() < end:
            if connection.exec_driver_sql(waiting).scalar_one():
                return
            connection.rollback()
            time.sleep(0.02)


def lock_timeouts(place: Place, budget: Budget, tally: Tally) -> None:
    """Hold what an import must lock for longer than it waits."""
    number = 0
    while budget.lasts(tally):
        one = answer(number)
        with sa.create_engine(place.engine.url, poolclass=sa.NullPool).connect() as holder:
            if place.engine.dialect.name == "postgresql":
                holder.exec_driver_sql("LOCK TABLE write_lock IN ACCESS EXCLUSIVE MODE")
            else:
                holder.exec_driver_sql("BEGIN IMMEDIATE")
            place.forking.start(*one.write(place.folder), at(place.engine), fault=("wait", 1))
            code = place.forking.wait()
        if code != _ERROR:
            tally.is_wrong(f"exit code {code} of an import that cannot get its lock")
        _judge(place, one, code, tally)
        number += 1


def _judge(place: Place, one: Import, code: int, tally: Tally) -> None:
    """Judge the archive after a fault, and after the import has run again."""
    tally.tried += 1
    if code not in (_FINE, _ERROR, _PARTIAL):
        tally.is_wrong(f"exit code {code}")
    before = content(place.undisturbed)
    load(place.undisturbed, one)
    after = content(place.undisturbed)
    found = content(place.engine)
    # The session may have been lost between the commit and the message about it.
    compared(place.engine, after if found == after else before, tally, found)
    verified(place.engine, tally)
    load(place.engine, one)
    compared(place.engine, after, tally)
