"""Runs over a fleet: what is archived, and what becomes of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import stamina

from archive import dialects, quarantine, retry, tables, verify
from archive.collect import collect
from archive.fleet.entries import Fleet
from tests.archives import rows
from tests.samples import job
from tests.vcenter import faults
from tests.vcenter.appliance import Appliance
from tests.vcenter.asking import entry
from tests.vcenter.requests import Resource
from tests.vcenter.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from archive.archiving import Outcome
    from archive.attempts import Collection
    from archive.fleet.entries import Entry
    from tests.vcenter.faults import Fault


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


KEY, NEXT = "20260301-021500-24322831", "20260302-021500-24322831"
JOBS = {KEY: job(), NEXT: job("FAILED")}


class Run:
    """Appliances of a server, by name, and runs over them into one archive."""

    def __init__(self, server: Server, engine: Engine, folder: Path) -> None:
        self.server = server
        self.engine = engine
        self.fleet = Fleet(path=folder / "archive.toml")
        self.appliances: dict[str, Appliance] = {}
        self.entries: dict[str, Entry] = {}
        self.outcomes: dict[str, Outcome] = {}

    def add(self, name: str, jobs: dict[str, Any] | None = None, **values: Any) -> Appliance:
        """Serve an appliance, and have it in the configuration."""
        appliance = self.server.add(Appliance(JOBS if jobs is None else jobs))
        self.appliances[name] = appliance
        self.entries[name] = entry(self.server, appliance, name, **values)
        return appliance

    def suffering(self, name: str, fault: Fault, on: Resource = Resource.DETAILS) -> Appliance:
        """Serve one that misbehaves."""
        appliance = self.add(name)
        appliance.suffer(fault, on)
        return appliance

    def collect(self, keep_in: Path | None = None) -> Collection:
        """Run once; the archive is sound afterwards, and nobody is signed in any more."""
        self.outcomes.clear()
        entries = list(self.entries.values())
        done = collect(self.engine, self.fleet, entries, self.on_outcome, keep_in)
        assert list(verify.verify(self.engine)) == []
        assert not any(appliance.sessions for appliance in self.appliances.values())
        return done

    def on_outcome(self, outcome: Outcome) -> None:
        assert outcome.attempt.appliance not in self.outcomes
        self.outcomes[outcome.attempt.appliance] = outcome

    def ended(self) -> dict[str, str]:
        return {name: outcome.attempt.outcome for name, outcome in sorted(self.outcomes.items())}

    def reason(self, name: str) -> str:
        reason = self.outcomes[name].attempt.reason
        assert reason
        return reason


@pytest.fixture
def run(server: Server, engine: Engine, tmp_path: Path) -> Run:
    return Run(server, engine, tmp_path)


def jobs(engine: Engine) -> list[tuple[Any, ...]]:
    """Whose jobs there are."""
    query = sa.select(tables.appliance.c.name, tables.job.c.key, tables.job.c.status)
    return sorted(rows(engine, query.join_from(tables.appliance, tables.job)))


EXPORTED = {"appliance": "vc02", "job": KEY, "info": job("FAILED")}


@pytest.mark.parametrize(
    "answer",
    [
        [EXPORTED],
        EXPORTED,
        [EXPORTED | {"appliance": "vc01", "job": NEXT}, EXPORTED],
        [EXPORTED | {"info": {"no": "status"}}],
        [EXPORTED | {"seen": {"first": "2020-01-01T00:00:00Z", "last": "2030-01-01T00:00:00Z", "status": {}}}],
    ],
)  # fmt: skip
def test_an_appliance_tells_of_no_other_one(run: Run, answer: Any) -> None:
    """Jobs of another appliance's go to quarantine, and stay there however often they are retried."""
    run.suffering("vc01", faults.saying(json.dumps(answer).encode()))
    run.appliances["vc01"].become({})
    run.collect()
    assert run.ended() == {"vc01": "partial"}
    assert "1 of its jobs went to quarantine" in run.reason("vc01")
    with dialects.reading(run.engine) as connection:
        (held,) = quarantine.held(connection)
    assert (held.appliance, held.reason) == (
        "vc01",
        "it names another appliance than the one that told it",
    )
    retry.retry(run.engine)
    assert {name for name, *_ in jobs(run.engine)} <= {"vc01"}
    assert rows(run.engine, sa.select(tables.appliance.c.name)) == [("vc01",)]
