"""Processes that are killed: before each statement of an import or a collection, and at any time."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.collect.run import collect
from archive.config import file
from archive.db import tables
from tests.support import fleets
from tests.support.archives import content, empty, rows
from tests.support.command import at
from tests.torture.answers import answer, history
from tests.torture.judge import compared, load, verified
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from tests.torture.judge import Budget, Tally
    from tests.torture.place import Place

# A collection that brings a document to quarantine is partial.
_COMPLETE = ("complete", "partial")
_KILLED = -signal.SIGKILL
_NAMES = ("vc0", "vc1")


def statements_of_imports(place: Place, budget: Budget, tally: Tally) -> None:
    """Kill an import before its first statement, the next before its second, and so on, then again."""
    _kill_imports(place, budget, tally, first=False)


def statements_of_first_imports(place: Place, budget: Budget, tally: Tally) -> None:
    """Kill imports into an empty archive, which are one transaction and drop keys for a while."""
    _kill_imports(place, budget, tally, first=True)


def _kill_imports(place: Place, budget: Budget, tally: Tally, *, first: bool) -> None:
    statement, number = place.step, 0
    while budget.lasts(tally):
        if first:
            empty(place.engine)
            empty(place.undisturbed)
        one = answer(number)
        place.forking.start(*one.write(place.folder), at(place.engine), fault=("kill", statement))
        if place.forking.wait() == _KILLED:
            tally.tried += 1
            # The log alone may say more than before.
            before = content(place.undisturbed)
            load(place.undisturbed, one)
            after = content(place.undisturbed)
            found = content(place.engine)
            compared(place.engine, after if found == after else before, tally, found)
            verified(place.engine, tally)
            load(place.engine, one)
            compared(place.engine, after, tally)
            statement += place.step
        else:  # it has fewer statements
            load(place.undisturbed, one)
            compared(place.engine, content(place.undisturbed), tally)
            statement = 1
        number += 1


def imports_at_random(place: Place, budget: Budget, tally: Tally) -> None:
    """Kill imports from outside, at a random time."""
    random, number, usual = Random(place.name), 0, 0.3  # noqa: S311 - no secret
    while budget.lasts(tally):
        one = answer(number)
        start = time.monotonic()
        victim = place.forking.start(
            *one.write(place.folder), at(place.engine), fault=("nothing", 0)
        )
        timer = threading.Timer(random.uniform(0, usual), _kill, [victim])
        timer.start()
        if place.forking.wait() == _KILLED:
            tally.tried += 1
            verified(place.engine, tally)
        else:
            usual = (usual + time.monotonic() - start) / 2
        timer.cancel()
        timer.join()
        load(place.undisturbed, one)
        load(place.engine, one)
        compared(place.engine, content(place.undisturbed), tally)
        number += 1


def statements_of_collections(place: Place, budget: Budget, tally: Tally) -> None:
    """Kill a collection of two appliances before each statement; the next collection completes it."""
    statement, number, complete = place.step, 0, 0
    with Server() as server:
        appliances = {name: server.add(Appliance()) for name in _NAMES}
        sections = [fleets.section(*one) for one in appliances.items()]
        fleet = file.read(fleets.written(place.folder, server, sections, {"concurrency": 2}))
        while budget.lasts(tally):
            for appliance in appliances.values():
                appliance.become(history(number))
            place.forking.start(
                "collect",
                "--config",
                str(fleet.path),
                at(place.engine),
                fault=("kill", statement),
            )
            if place.forking.wait() == _KILLED:
                tally.tried += 1
                statement += place.step
                verified(place.engine, tally)
                _wait_until_free(place.engine)
                done = collect(place.engine, fleet, fleet.entries, lambda _: None)
                if done.outcome not in _COMPLETE:
                    tally.is_wrong(f"collection after a kill: {done.outcome}")
            else:
                complete += 1
                statement = 1
            _compare_jobs(place, number, tally)
            number += 1
    outcomes = [one for (one,) in rows(place.engine, sa.select(tables.collection.c.outcome))]
    if sum(outcome in _COMPLETE for outcome in outcomes) != tally.tried + complete:
        tally.is_wrong("the log of collections differs")


def _compare_jobs(place: Place, number: int, tally: Tally) -> None:
    """Compare the documents of a fleet with those of its appliances; times of collections differ."""
    for name in _NAMES:
        load(place.undisturbed, answer(0)._replace(content=_bytes(number), appliance=name))
    compared(
        place.engine,
        _untimed(content(place.undisturbed)),
        tally,
        _untimed(content(place.engine)),
    )


def _bytes(number: int) -> bytes:
    return json.dumps(history(number)).encode()


def _untimed(found: dict[str, Any]) -> dict[str, Any]:
    """Return the content that does not depend on when something was seen."""
    lines = []
    for line in found["jobs"].splitlines():
        parsed = json.loads(line)
        parsed["seen"] = sorted(parsed["seen"]["status"])
        lines.append(json.dumps(parsed))
    return {
        "jobs": "\n".join(lines),
        "days": found["days"],
        "findings": found["findings"],
        "builds": found["builds"],
    }


def _wait_until_free(engine: Engine) -> None:
    """Wait until a server has noticed the death of a collection, which held a lock."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with db.alone(engine, "collect") as alone:
            if alone:
                return
        time.sleep(0.01)


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):  # it was quicker
        os.kill(process, signal.SIGKILL)
