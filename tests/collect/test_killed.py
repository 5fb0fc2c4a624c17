"""Collections that are killed at any moment: the archive is sound, and the next one completes it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.collect.run import collect
from archive.config import file
from archive.db import migrate, tables
from archive.maintenance import verify
from tests.support import fleets
from tests.support.archives import content, import_documents, lines, rows
from tests.support.command import at
from tests.support.forking import Forking
from tests.support.laws import EXAMPLES
from tests.support.samples import job
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

KILLS = min(EXAMPLES, 25)  # on each database
NAMES = [f"vc{number}" for number in range(4)]
# Login, details, ids, three facts, logout.
REQUESTS = 7 * len(NAMES)
# Seconds between a request and the kill, at most: about as long as it takes to archive an answer.
LATEST = 0.02


def history(number: int) -> dict[str, Any]:
    """Return the jobs after some rounds: the newest one is running, the others have ended."""
    jobs = {
        f"202603{day:02}-021500-1": job(messages=[{"id": f"m{day}", "default_message": "text", "args": []}])
        for day in range(1, number + 3)
    }  # fmt: skip
    return jobs | {max(jobs): job("RUNNING", duration=number)}


class Killer:
    """Kill a process some time after a number of requests."""

    def __init__(self) -> None:
        self._left = 0
        self._delay = 0.0
        self._victim: Future[int] = Future()

    def aim(self, requests: int, delay: float) -> Future[int]:
        """Set the process to kill."""
        self._left, self._delay, self._victim = requests, delay, Future()
        return self._victim

    def __call__(self, _appliance: Appliance, _asked: Any, proper: Any) -> Any:
        """Count a request; in the server's thread."""
        self._left -= 1
        if self._left == 0:
            threading.Timer(self._delay, self._kill).start()
        return proper()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(self._victim.result(), signal.SIGKILL)


def is_free(engine: Engine) -> bool:
    """Return whether the collection lock is free; a server may notice a death a little later."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with db.alone(engine, "collect") as alone:
            if alone:
                return True
        time.sleep(0.01)
    return False


def untimed(engine: Engine) -> dict[str, Any]:
    """Return all content that does not depend on the time or number of collections."""
    jobs = [json.loads(line) for line in lines(engine).splitlines()]
    for one in jobs:
        one["seen"] = sorted(one["seen"]["status"])
    found = content(engine)
    return {"jobs": jobs} | {name: found[name] for name in ("days", "findings", "builds")}


def test_collection_can_be_killed_at_any_moment(engine: Engine, tmp_path: Path) -> None:
    """After each kill the archive is sound and unlocked; the final content is as without kills."""
    random = Random(engine.dialect.name)  # noqa: S311 - moments, the same ones each time
    killer, killed = Killer(), 0
    undisturbed = migrate.connect(str(tmp_path / "undisturbed.db"))
    migrate.upgrade(undisturbed)
    with Server(latency=0.004) as server, Forking() as forking:
        appliances = {name: server.add(Appliance()) for name in NAMES}
        for appliance in appliances.values():
            appliance.suffer(killer)
        sections = [fleets.section(*one) for one in appliances.items()]
        config = fleets.written(tmp_path, server, sections, {"concurrency": 3})
        fleet = file.read(config)
        for number in range(KILLS):
            for name, appliance in appliances.items():
                appliance.become(history(number))
                import_documents(undisturbed, history(number), name)
            victim = killer.aim(random.randrange(1, REQUESTS), random.uniform(0, LATEST))
            victim.set_result(forking.start("collect", "--config", str(config), at(engine)))
            killed += forking.wait() == -signal.SIGKILL
            assert list(verify.verify(engine)) == []
            assert is_free(engine)
            done = collect(engine, fleet, fleet.entries, lambda _: None)
            assert done.outcome == "complete"
        assert list(verify.verify(engine)) == []
    assert untimed(engine) == untimed(undisturbed)
    outcomes = [one for (one,) in rows(engine, sa.select(tables.collection.c.outcome))]
    assert outcomes.count("interrupted") == killed
    assert outcomes.count("complete") == 2 * KILLS - killed
    assert killed > KILLS / 2
