"""A fleet of two hundred appliances, twenty of which misbehave in different ways; no secret leaks."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.maintenance import verify
from tests.support import fleets
from tests.support.archives import count, rows
from tests.support.command import PROGRAM, at, environment
from tests.support.laws import THOROUGH
from tests.support.samples import job
from tests.vcenter_server import faults
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.certificates import self_signed
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.vcenter_server.faults import Fault

HISTORY = {f"2026030{day}-021500-24322831": job() for day in range(1, 4)}
BAD_JOB = min(HISTORY)
# Unlike any other text, so that it is found wherever it leaks.
PASSWORDS = {
    kind: f"Xyzzy-{kind}-pl\u00fcgh" for kind in ("environment", "file", "command", "configuration")
}
SECRETS: dict[str, Any] = {
    "environment": {"environment": "ARCHIVE_TEST_XYZZY"},
    "file": {"file": "xyzzy"},
    "command": {"command": ["cat", "plugh"]},
    "configuration": PASSWORDS["configuration"],
}


class Wrong(NamedTuple):
    """How an appliance misbehaves: what is done to it or its entry, and the expected result."""

    why: str
    do: Callable[[Server, Appliance], object]
    said: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


def suffers(fault: Fault, *on: Resource) -> Callable[[Server, Appliance], object]:
    def do(_server: Server, appliance: Appliance) -> None:
        for resource in on or (None,):
            appliance.suffer(fault, resource)

    return do


def has(**values: Any) -> Callable[[Server, Appliance], object]:
    def do(_server: Server, appliance: Appliance) -> None:
        for name, value in values.items():
            setattr(appliance, name, value)

    return do


def expires(server: Server, appliance: Appliance) -> None:
    appliance.certificate = server.authority.expired()


def refuses_one_job(appliance: Appliance, asked: Any, proper: Any) -> Any:
    """Answer for one job at a time, and never for one of them."""
    if asked.jobs and BAD_JOB in asked.jobs:
        return faults.error(appliance, asked, proper)
    return faults.silent_beyond(1)(appliance, asked, proper)


ELSEWHERE = "elsewhere"
# Appliances that answer.
GOOD = 180 if THOROUGH else 40
MISBEHAVING = {
    "wrong-password": Wrong("user name or password refused", has(password="x")),  # noqa: S106 - nobody's
    "forbidden": Wrong(
        "add the user to the group SystemConfiguration.Administrators",
        suffers(faults.unauthorized, Resource.DETAILS),
    ),
    "not-found": Wrong(
        "check that this is a vCenter Server 6.7 or later", suffers(faults.not_found)
    ),
    "busy": Wrong("too many requests (HTTP 429", suffers(faults.too_many_requests("1"))),
    "error": Wrong("the server cannot answer (HTTP 500; Operation failed.)", suffers(faults.error)),
    "no-upstream": Wrong(
        "the server cannot answer (HTTP 503)", suffers(faults.no_healthy_upstream)
    ),
    "cut": Wrong("the answer was cut short", suffers(faults.cut, Resource.DETAILS)),
    "reset": Wrong("connection lost: ", suffers(faults.reset, Resource.DETAILS)),
    "drip": Wrong(
        "not done within `deadline`, 3 s",
        suffers(faults.drip, Resource.DETAILS),
        {"deadline": "3s"},
    ),
    "hang": Wrong(
        "no data for 0.5 s",
        suffers(faults.hang, Resource.DETAILS),
        {"read_timeout": "0.5s"},
    ),
    "no-handshake": Wrong("timed out; check that the appliance is up", has(handshakes=False)),
    "login-page": Wrong("the answer is text/html", suffers(faults.login_page)),
    "not-json": Wrong(
        "unexpected answer to the request for job details",
        suffers(faults.not_json, Resource.DETAILS),
    ),
    "expired": Wrong("certificate has expired; renew it on the appliance", expires),
    "changed": Wrong(
        "certificate does not match the pin: it is sha256:",
        has(certificate=self_signed()),
        {"pin": f"sha256:{self_signed().pin.hex()}"},
    ),
    "redirect": Wrong("redirect to https://127.0.0.1:", lambda *_: None),
    "endless": Wrong("the answer is longer than 4 MiB", suffers(faults.endless(), Resource.LOGIN)),
    "one-bad-job": Wrong(
        "1 job could not be fetched: the server cannot answer (HTTP 500",
        suffers(refuses_one_job, Resource.DETAILS),
    ),
    "gone": Wrong("cannot connect to 127.0.0.1:", Server.remove),
    "unresolvable": Wrong(
        "cannot resolve vc.invalid:443", lambda *_: None, {"address": "vc.invalid"}
    ),
}
# Temporary errors are retried while there is time.
RETRIED = {
    "busy", "error", "no-upstream", "cut", "reset", "drip", "hang", "no-handshake", "gone",
    "unresolvable",
}  # fmt: skip
# What well-behaved appliances do occasionally.
MOODS: tuple[Callable[[Server, Appliance], object], ...] = (
    lambda *_: None,
    has(rest_only=True),
    has(session_requests=2),
    suffers(faults.silent_beyond(2)),
    lambda _, appliance: appliance.suffer(faults.session_ends, Resource.SCHEDULES, 1),
)


class Fleet(NamedTuple):
    """Appliances by name, and the configuration that describes their connections."""

    appliances: dict[str, Appliance]
    config: Path


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    for kind, name in (("file", "xyzzy"), ("command", "plugh")):
        (folder / name).touch(0o600)
        (folder / name).write_text(f"{PASSWORDS[kind]}\n", encoding="utf-8")
    with Server() as server:
        names = [*MISBEHAVING, *(f"vc{number:03}" for number in range(GOOD))]
        kinds = list(PASSWORDS)
        appliances: dict[str, Appliance] = {}
        sections = []
        for number, name in enumerate(names):
            kind = kinds[number % len(kinds)]
            appliance = server.add(Appliance(HISTORY, password=PASSWORDS[kind]))
            appliances[name] = appliance
            wrong = MISBEHAVING.get(name)
            said = {"secret": SECRETS[kind], **(wrong.said if wrong else {})}
            sections.append(fleets.section(name, appliance, **said))
            (wrong.do if wrong else MOODS[number % len(MOODS)])(server, appliance)
        appliances[ELSEWHERE] = server.add(Appliance(HISTORY))
        appliances["redirect"].suffer(faults.redirect(appliances[ELSEWHERE].address))
        for section in sections:
            if section["name"] in RETRIED:
                section.setdefault("connect_timeout", "1s")
                section.setdefault("deadline", "6s")
        yield Fleet(appliances, fleets.written(folder, server, sections, {"concurrency": 50}))


def test_failures_have_a_reason_and_no_secret_leaks(
    fleet: Fleet, engine: Engine, tmp_path: Path
) -> None:
    """All other appliances are archived, no session stays open, and no secret appears anywhere."""
    refused = len(fleet.appliances["wrong-password"].requests)
    done = subprocess.run(
        [*PROGRAM, "collect", "--config", fleet.config, "--format", "json", "--save", tmp_path,
         at(engine)],
        capture_output=True,
        check=False,
        env=environment() | {"ARCHIVE_TEST_XYZZY": PASSWORDS["environment"]},
    )  # fmt: skip
    assert done.returncode == 3
    summary = json.loads(done.stdout)
    reasons = dict(line.split(": ", 1) for line in done.stderr.decode().splitlines())
    assert reasons.keys() == MISBEHAVING.keys()
    assert {name: why for name, why in reasons.items() if MISBEHAVING[name].why not in why} == {}
    partial = {"one-bad-job"}
    assert [summary[name] for name in ("asked", "complete", "partial", "failed", "interrupted")] == [
        GOOD + 20, GOOD, 1, 19, 0,
    ]  # fmt: skip
    for one in summary["appliances"]:
        name = one["appliance"]
        ended = "partial" if name in partial else "failed"
        assert one["outcome"] == (ended if name in MISBEHAVING else "complete")
        assert one["reason"] == reasons.get(name)
    assert count(engine, tables.job) == GOOD * len(HISTORY) + len(HISTORY) - 1
    assert list(verify.verify(engine)) == []
    assert {name for name, appliance in fleet.appliances.items() if appliance.sessions} == set()
    # Appliances that did not prove their identity, and targets of redirects, got no request.
    for name in ("expired", "changed", "unresolvable", ELSEWHERE):
        assert not fleet.appliances[name].requests
    assert fleet.appliances[ELSEWHERE].connections == 0
    # Once: repeated attempts would lock the account.
    assert len(fleet.appliances["wrong-password"].requests) == refused + 1
    assert any(secret in fleet.config.read_bytes() for secret in secrets(fleet))
    for place, data in places(engine, done, tmp_path):
        for secret in secrets(fleet):
            assert secret not in data, place


def secrets(fleet: Fleet) -> Iterator[bytes]:
    """Yield every text that must not appear: passwords, plain and encoded, and session tokens."""
    for password in PASSWORDS.values():
        yield password.encode()
        yield password[:-4].encode()  # however the rest of it is written
        yield base64.b64encode(password.encode()).rstrip(b"=")
        for user in {appliance.user for appliance in fleet.appliances.values()}:
            yield base64.b64encode(f"{user}:{password}".encode())
    for appliance in fleet.appliances.values():
        yield from (token.encode() for token in appliance.issued)


def places(
    engine: Engine, done: subprocess.CompletedProcess[bytes], kept: Path
) -> Iterator[tuple[str, bytes]]:
    """Yield all texts and files that a collection leaves behind."""
    yield "standard output", done.stdout
    yield "standard error", done.stderr
    for table in tables.metadata.sorted_tables:
        if table is not tables.calendar:
            found = rows(engine, sa.select(table))
            yield table.name, "\n".join(str(value) for row in found for value in row).encode()
    if (file := db.sqlite_file(engine.url)) is not None:
        engine.dispose()  # as the last connection to a file is closed, its WAL is merged
        for path in file.parent.glob(f"{file.name}*"):
            yield path.name, path.read_bytes()
    for path in kept.rglob("*.json.gz"):
        yield "the name of a kept answer", str(path.relative_to(kept)).encode()
        yield "a kept answer", gzip.decompress(path.read_bytes())
