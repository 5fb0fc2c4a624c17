"""The client against appliances, well-behaved and not; no session stays open."""

from __future__ import annotations

import asyncio
import json
import resource as limits
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import stamina

from archive.config.settings import Trust
from archive.errors import ApplianceError
from archive.vcenter import client, spool
from archive.vcenter.query import SCHEDULES, TIME_ZONE, VERSION, CollectedAnswer, ask
from tests.support.proxies import Proxy, proxy
from tests.support.samples import SAMPLES, job
from tests.vcenter_server import faults
from tests.vcenter_server.answers import Answer
from tests.vcenter_server.appliance import PASSWORD, Appliance
from tests.vcenter_server.appliance import SCHEDULES as SCHEDULE
from tests.vcenter_server.certificates import Authority, self_signed
from tests.vcenter_server.entries import entry
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server
from tests.vcenter_server.shapes import Api

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from tests.vcenter_server.faults import Fault


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


HISTORY = {f"2026030{day}-021500-24322831": job() for day in range(1, 10)}


def settled(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and until abandoned connections are closed on both sides."""

    async def run() -> T:
        try:
            return await work
        finally:
            await asyncio.sleep(0.02)

    return asyncio.run(run())


def asked(server: Server, appliance: Appliance, **values: Any) -> CollectedAnswer:
    """Return the client's answer, after checking that no session is open."""
    try:
        return settled(ask(entry(server, appliance, **values), PASSWORD))
    finally:
        assert not appliance.sessions


def details(collected: CollectedAnswer) -> Any:
    with collected.details as body:
        return json.loads(body.read())


def reason(server: Server, appliance: Appliance, **values: Any) -> str:
    """Return why an appliance gave no jobs."""
    with pytest.raises(ApplianceError) as caught:
        asked(server, appliance, **values)
    return str(caught.value)


def suffering(server: Server, fault: Fault, *of: Any, **values: Any) -> Appliance:
    appliance = server.add(Appliance(HISTORY, **values))
    appliance.suffer(fault, *of)
    return appliance


def test_new_appliance_is_asked_through_api(server: Server) -> None:
    appliance = server.add(Appliance(SAMPLES))
    collected = asked(server, appliance)
    assert details(collected) == SAMPLES
    assert collected.missing == ()
    assert collected.facts[SCHEDULES] == SCHEDULE
    assert collected.facts[TIME_ZONE] == "Etc/UTC"
    assert collected.facts[VERSION]["build"] == "24322831"
    assert {seen.path.split("/")[1] for seen in appliance.requests} == {"api"}
    assert appliance.connections == 1


def test_old_appliance_is_asked_through_rest(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY, rest_only=True))
    collected = asked(server, appliance)
    assert {one["key"] for one in details(collected)["value"]} == HISTORY.keys()
    assert collected.missing == ()


def test_details_may_exist_only_on_rest(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))

    def only_rest(*of: Any) -> Any:
        request = of[1]
        return (faults.not_found if "/api/" in request.path else lambda *o: o[2]())(*of)

    appliance.suffer(only_rest, Resource.DETAILS)
    collected = asked(server, appliance)
    assert {one["key"] for one in details(collected)["value"]} == HISTORY.keys()
    assert collected.missing == ()


@pytest.mark.parametrize("requests", [1, 2, 3])
def test_expired_session_is_renewed(server: Server, requests: int) -> None:
    appliance = server.add(Appliance(HISTORY, session_requests=requests))
    collected = asked(server, appliance)
    assert details(collected) == HISTORY
    assert collected.missing == ()
    assert appliance.logins > 1


def test_session_is_renewed_once_per_request(server: Server) -> None:
    appliance = suffering(server, faults.unauthenticated, Resource.DETAILS)
    assert "session not accepted" in reason(server, appliance)
    assert appliance.logins == 2


def test_wrong_password_is_sent_once(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY, password=PASSWORD[1:]))
    assert "user name or password refused" in reason(server, appliance)
    assert len(appliance.requests) == 1  # more would lock the account


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (faults.unauthorized, "SystemConfiguration.Administrators"),
        (faults.not_found, "check that this is a vCenter Server"),
        (faults.too_many_requests("0"), "too many requests"),
        (faults.error, "HTTP 500"),
        (faults.no_healthy_upstream, "HTTP 503"),
        (faults.login_page, ", not JSON"),
        (faults.cut, "cut short"),
        (faults.reset, "connection"),
    ],
)
@pytest.mark.parametrize("resource", [None, Resource.DETAILS])
def test_misbehaviour_has_a_reason(
    server: Server, fault: Fault, why: str, resource: Resource | None
) -> None:
    appliance = suffering(server, fault, resource)
    if resource is Resource.DETAILS:
        assert why in reason(server, appliance)
    else:
        with pytest.raises(ApplianceError, match=why):
            settled(ask(entry(server, appliance), PASSWORD))


@pytest.mark.parametrize(
    "fault",
    [
        faults.too_many_requests("0"),
        faults.error,
        faults.no_healthy_upstream,
        faults.cut,
        faults.reset,
    ],
)
@pytest.mark.parametrize("resource", [Resource.LOGIN, Resource.DETAILS, Resource.VERSION])
def test_temporary_errors_are_retried(server: Server, fault: Fault, resource: Resource) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.suffer(fault, resource, 2)
    collected = settled(ask(entry(server, appliance), PASSWORD))
    assert details(collected) == HISTORY
    assert collected.missing == ()


@pytest.mark.parametrize("resource", [Resource.VERSION, Resource.SCHEDULES, Resource.TIME_ZONE])
def test_jobs_are_returned_if_other_requests_fail(server: Server, resource: Resource) -> None:
    collected = asked(server, suffering(server, faults.unauthorized, resource))
    assert details(collected) == HISTORY
    (missing,) = collected.missing
    assert missing.startswith(f"{resource.paths[Api.NEW]}: ".removeprefix("/api/"))


@pytest.mark.parametrize("rest_only", [False, True])
@pytest.mark.parametrize("cap", [faults.error_beyond, faults.silent_beyond])
@pytest.mark.parametrize("jobs", [1, 2, 4, 8])
def test_capped_answer_is_completed(
    server: Server, cap: Any, jobs: int, *, rest_only: bool
) -> None:
    collected = asked(server, suffering(server, cap(jobs), rest_only=rest_only))
    answer = details(collected)
    found = {one["key"]: one for one in answer["value"]} if rest_only else answer
    assert found.keys() == HISTORY.keys()
    assert collected.missing == ()


def test_job_that_is_always_refused_is_reported_missing(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    bad = min(HISTORY)

    def refuses(_appliance: Any, request: Any, proper: Any) -> Any:
        wanted = request.jobs
        if wanted is None or bad in wanted:
            return faults.error(_appliance, request, proper)
        return proper()

    appliance.suffer(refuses, Resource.DETAILS)
    collected = asked(server, appliance)
    assert details(collected).keys() == HISTORY.keys() - {bad}
    (missing,) = collected.missing
    assert missing.startswith("1 job could not be fetched: the server cannot answer (HTTP 500")


def test_refused_job_ids_make_the_answer_partial(server: Server) -> None:
    collected = asked(server, suffering(server, faults.unauthorized, Resource.JOBS))
    assert details(collected) == HISTORY
    assert "cannot check that the answer has all jobs" in collected.missing[0]


def test_job_that_changes_between_two_requests_is_no_problem(server: Server) -> None:
    running = HISTORY | {"20260310-021500-24322831": job("RUNNING")}
    done = HISTORY | {"20260310-021500-24322831": job(), "20260311-021500-24322831": job()}
    appliance = server.add(Appliance(running))
    appliance.suffer(faults.then(done), Resource.DETAILS, 1)
    answer = details(asked(server, appliance))
    assert answer.keys() == done.keys()  # the new one, too: its id is in the list
    assert answer["20260310-021500-24322831"]["status"] == "RUNNING"


@pytest.mark.parametrize("fault", [faults.hang, faults.drip, faults.endless()])
def test_deadline(server: Server, fault: Fault) -> None:
    appliance = suffering(server, fault, Resource.DETAILS)
    assert "0.6 s" in reason(server, appliance, deadline=0.6, read_timeout=5)


def test_deadline_error_has_the_last_error(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))

    def not_reporting(_appliance: Any, request: Any, proper: Any) -> Any:
        fault = faults.hang if request.jobs else faults.error
        return fault(_appliance, request, proper)

    appliance.suffer(not_reporting, Resource.DETAILS)
    why = reason(server, appliance, deadline=1, read_timeout=5)
    assert why.startswith(
        "not done within `deadline`, 1 s; last error: the server cannot answer (HTTP"
    )


def test_read_timeout(server: Server) -> None:
    appliance = suffering(server, faults.hang, Resource.DETAILS)
    assert "no data for 0.1 s" in reason(server, appliance, read_timeout=0.1)


def test_answers_before_the_deadline_are_kept(server: Server) -> None:
    many = {
        f"2026030{day}-02{minute}00-1": job() for day in range(1, 4) for minute in range(10, 60)
    }
    appliance = server.add(Appliance(many))

    def slow(_appliance: Any, request: Any, proper: Any) -> Any:
        if request.jobs is None or len(appliance.requests_for(Resource.DETAILS)) > 2:
            return faults.hang(_appliance, request, proper)
        return proper()

    appliance.suffer(slow, Resource.DETAILS)
    collected = asked(server, appliance, deadline=1.5, read_timeout=5)
    assert 0 < len(details(collected)) < len(many)
    assert "could not be fetched: not done within `deadline`, 1.5 s" in collected.missing[0]


def test_endless_answer_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.vcenter.job_details.LONGEST_ANSWER", 1 << 20)
    appliance = suffering(server, faults.endless(), Resource.DETAILS)
    assert "longer than 1 MiB" in reason(server, appliance)


def test_redirect_is_not_followed(server: Server) -> None:
    other = server.add(Appliance(HISTORY))
    appliance = suffering(server, faults.redirect(other.address))
    with pytest.raises(ApplianceError, match=f"redirect to https://{other.address}"):
        settled(ask(entry(server, appliance), PASSWORD))
    assert other.connections == 0


def test_self_signed_certificate_is_not_trusted(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = self_signed()
    assert "not trusted" in reason(server, appliance)
    assert "`pin`" in reason(server, appliance, trust=Trust())
    assert not appliance.requests


def test_expired_certificate_is_not_trusted(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = server.authority.expired()
    assert "has expired" in reason(server, appliance)


def test_certificate_for_another_name_is_not_trusted(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = server.authority.misnamed()
    assert "another name" in reason(server, appliance)


def test_pinned_certificate_may_have_any_issuer(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = self_signed()
    collected = asked(server, appliance, trust=Trust(pin=appliance.certificate.pin))
    assert details(collected) == HISTORY


def test_certificate_that_is_not_pinned_gets_no_password(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    pin = self_signed().pin
    appliance.certificate = self_signed()
    why = reason(server, appliance, trust=Trust(pin=pin))
    assert appliance.certificate.pin.hex() in why
    assert not appliance.requests


def test_verification_can_be_turned_off(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = server.authority.expired()
    collected = asked(server, appliance, trust=Trust(verify=False))
    assert details(collected) == HISTORY


def test_closed_port(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    server.remove(appliance)
    why = reason(server, appliance)
    assert why == f"cannot connect to {appliance.address}: Connection refused"


def test_address_that_does_not_resolve(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    why = reason(server, appliance, host="vc01.invalid")
    assert "cannot resolve" in why


def test_tls_handshake_that_never_completes(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.handshakes = False
    assert "timed out" in reason(server, appliance, connect_timeout=0.2)


def test_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    appliance = server.add(Appliance(HISTORY))
    nobody = server.add(Appliance(HISTORY))
    server.remove(nobody)
    monkeypatch.setenv("https_proxy", f"http://user:hidden@{nobody.address}")
    why = reason(server, appliance)
    assert "cannot reach the proxy" in why
    assert "hidden" not in why
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert details(asked(server, appliance)) == HISTORY


@contextmanager
def through_tls(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Iterator[Proxy]:
    """Have the environment name a proxy with a certificate of this authority."""
    with proxy(authority.issue().context) as running:
        monkeypatch.setenv("https_proxy", f"https://svc:hidden@{running.address}")
        yield running


def test_proxy_with_a_certificate_of_another_authority(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The CA file is for both: it may have several certificates."""
    appliance = server.add(Appliance(HISTORY))
    other = Authority()
    with through_tls(monkeypatch, other) as running:
        why = reason(server, appliance)
        assert "of the proxy" in why
        assert "hidden" not in why
        assert not running.asked
        both = tmp_path / "both.pem"
        other.write(both)
        both.write_bytes(both.read_bytes() + server.ca_file.read_bytes())
        found = asked(server, appliance, trust=Trust(ca_file=both))
        assert details(found) == HISTORY
        assert running.asked[0].startswith(f"CONNECT {appliance.address} ")


def test_proxy_without_tls_that_is_named_as_one_with_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance = server.add(Appliance(HISTORY))
    with proxy() as running:
        monkeypatch.setenv("https_proxy", f"https://{running.address}")
        assert f"TLS error on the proxy {running.address}: " in reason(server, appliance)


def test_proxy_that_does_not_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    appliance = server.add(Appliance(HISTORY))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("https_proxy", address)
        why = reason(server, appliance, connect_timeout=0.2)
        assert f"connection to {appliance.address} through the proxy {address} timed out" in why


@pytest.mark.parametrize(
    ("variable", "form"),
    [
        ("https_proxy", "{}"),
        ("HTTPS_PROXY", " http://{}/ "),
        ("all_proxy", "svc:p@ss/w#rd@{}"),
        ("https_proxy", "http://svc@{}"),
        ("https_proxy", "HTTP://svc:@{}/proxy.pac?x"),
    ],
)
def test_history_comes_through_a_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch, variable: str, form: str
) -> None:
    appliance = server.add(Appliance(HISTORY))
    with proxy() as running:
        monkeypatch.setenv(variable, form.format(running.address))
        assert details(asked(server, appliance)) == HISTORY
        assert running.asked[0].startswith(f"CONNECT {appliance.address} ")


def test_pin_is_not_used_for_the_certificate_of_a_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance = server.add(Appliance(HISTORY))
    with through_tls(monkeypatch, server.authority) as running:
        why = reason(server, appliance, trust=Trust(pin=bytes(32)))
        assert "`pin` cannot be used through a proxy with a certificate of its own" in why
        assert not running.asked


def test_failed_logout_does_no_harm(server: Server) -> None:
    appliance = server.add(Appliance(HISTORY))
    appliance.suffer(faults.error, Resource.LOGOUT)
    collected = settled(ask(entry(server, appliance), PASSWORD))
    assert details(collected) == HISTORY
    assert len(appliance.requests_for(Resource.LOGOUT)) == 2


def test_password_echoed_by_the_appliance_is_hidden(server: Server) -> None:
    def echo(_appliance: Any, _asked: Any, proper: Any) -> Any:
        said = {"error_type": "ERROR", "messages": [{"default_message": f"no, {PASSWORD}!"}]}
        return replace(proper(), status=400, body=json.dumps(said).encode())

    appliance = suffering(server, echo, Resource.DETAILS)
    why = reason(server, appliance)
    assert "no, ***!" in why


@pytest.mark.parametrize("length", [3000, 3 << 20])
def test_file_that_cannot_grow_is_named_even_if_closing_it_fails(
    server: Server, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """The rest of a file may be written only when it is closed, which fails as well."""
    monkeypatch.setattr(spool, "IN_MEMORY", 1000)
    appliance = suffering(server, faults.saying(b"x" * length), Resource.DETAILS)
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (500, before[1]))
    try:
        why = reason(server, appliance)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
    assert why.startswith(f"cannot keep the answer in {tempfile.gettempdir()}: File too large; ")


@pytest.mark.parametrize("where", ["messages", "location"])
def test_echoed_secret_is_hidden_before_a_long_text_is_cut(server: Server, where: str) -> None:
    """Neither the beginning of a password nor of a token stays when the cut falls into it."""

    def echo(appliance: Any, _asked: Any, _proper: Any) -> Any:
        (token,) = appliance.sessions
        said = "x" * 196
        if where == "location":
            return Answer(302, headers=(("location", said + token),))
        texts = [{"default_message": said + secret} for secret in (token, PASSWORD)]
        return Answer(400, json.dumps({"messages": texts}).encode())

    appliance = suffering(server, echo, Resource.DETAILS)
    why = reason(server, appliance)
    assert "x***" in why
    for secret in (PASSWORD, *appliance.issued):
        assert f"x{secret[:3]}" not in why


def test_blanks_in_an_echoed_password_do_not_reveal_it(server: Server) -> None:
    """A line of an error has single blanks only; the password is hidden before."""
    password = "two  blanks"  # noqa: S105 - of no system
    appliance = server.add(Appliance(HISTORY, password=password))

    def echo(_appliance: Any, _asked: Any, _proper: Any) -> Any:
        said = [{"default_message": f"no, {password}!"}]
        return Answer(400, json.dumps({"messages": said}).encode())

    appliance.suffer(echo, Resource.DETAILS)
    with pytest.raises(ApplianceError, match=r"no, \*\*\*!"):
        settled(ask(entry(server, appliance), password))


@pytest.mark.parametrize("joined", [False, True])
def test_full_disk_is_named_and_nothing_is_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, joined: bool
) -> None:
    """A long answer continues in a temporary file, and so do joined ones."""
    write = tempfile.SpooledTemporaryFile.write

    def full(file: Any, data: bytes) -> int:
        if data == b"{" if joined else len(data) > 2000:
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)
    appliance = suffering(
        server,
        faults.silent_beyond(3) if joined else faults.saying(b"x" * 3000),
        *([] if joined else [Resource.DETAILS]),
    )
    assert reason(server, appliance) == (
        f"cannot keep the answer in {tempfile.gettempdir()}: No space left on device; free space there, or"
        " set TMPDIR to another folder"
    )
    assert len(appliance.requests_for(Resource.DETAILS)) == 1


def test_clock_offset_is_reported(server: Server) -> None:
    appliance = suffering(server, faults.clock_off(timedelta(hours=1)))
    assert details(asked(server, appliance)) == HISTORY


def test_interrupted_run_closes_its_session(server: Server) -> None:
    appliance = suffering(server, faults.hang, Resource.DETAILS)

    async def ended() -> None:
        task = asyncio.create_task(ask(entry(server, appliance), PASSWORD))
        while not appliance.requests_for(Resource.DETAILS):  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    settled(ended())
    assert not appliance.sessions


@pytest.mark.parametrize("resource", [Resource.LOGIN, Resource.LOGOUT])
def test_interrupt_during_login_or_logout_closes_the_session(resource: Resource) -> None:
    """The answer to a sent password is a session, which must not be forgotten."""
    begun = threading.Event()
    with Server() as slow:
        appliance = slow.add(Appliance(HISTORY))

        def slowly(_appliance: Any, _asked: Any, proper: Any) -> Any:
            begun.set()
            time.sleep(0.2)  # the client is asked to stop meanwhile
            return proper()

        appliance.suffer(slowly, resource, 1)

        async def ended() -> None:
            task = asyncio.create_task(ask(entry(slow, appliance), PASSWORD))
            await asyncio.to_thread(begun.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        settled(ended())
        assert appliance.logins == 1
        assert not appliance.sessions


def test_unanswered_login_does_not_block_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archive.vcenter.session.GRACE", 0.1)
    hanging = ExitStack()
    appliance = hanging.enter_context(server := Server()).add(Appliance(HISTORY))
    appliance.suffer(faults.hang, Resource.LOGIN)

    async def ended() -> None:
        task = asyncio.create_task(ask(entry(server, appliance), PASSWORD))
        while not appliance.requests:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
        # The end of TLS waits for the other side, for half a minute.
        await asyncio.to_thread(hanging.close)
        await asyncio.sleep(0.05)

    settled(ended())


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; charset=utf-8",
        "Text/Plain;charset=UTF-8",
        "",
        "application/problem+json",
        "text/json",
        "Application/JSON",
        "application/octet-stream",
    ],
)
def test_json_is_read_whatever_its_type_says(server: Server, kind: str) -> None:
    """A simulator sends plain text; a page of a portal is no JSON all the same."""

    def typed(_appliance: Any, _asked: Any, proper: Any) -> Any:
        return replace(proper(), content_type=kind)

    assert details(asked(server, suffering(server, typed))) == HISTORY


def test_ignored_filter_ends_the_requests(server: Server) -> None:
    """Each further request would bring the whole history again."""
    part = dict(list(HISTORY.items())[:4])

    appliance = suffering(server, faults.saying(json.dumps(part).encode()), Resource.DETAILS)
    collected = asked(server, appliance)
    assert set(details(collected)) >= set(part)
    assert (
        "5 jobs could not be fetched: requests for single jobs bring all jobs"
        in collected.missing[0]
    )
    assert len(appliance.requests_for(Resource.DETAILS)) == 2


def test_answers_of_an_appliance_are_limited_together(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs by the megabyte, each within the limit, must not fill the memory."""
    monkeypatch.setattr("archive.vcenter.job_details.LONGEST_ANSWER", 1 << 16)
    large = {f"20260301-02{minute:02}00-1": job(user="x" * 10_000) for minute in range(60)}
    appliance = server.add(Appliance(large))
    collected = asked(server, appliance)
    found = details(collected)
    assert 0 < len(json.dumps(found)) < 1 << 17
    assert "could not be fetched: the answer is longer than" in collected.missing[0]
    assert len(appliance.requests_for(Resource.DETAILS)) < 60


def answering(server: Server, body: bytes, status: int) -> Appliance:
    def fault(_appliance: Any, _asked: Any, _proper: Any) -> Any:
        return Answer(status, body)

    return suffering(server, fault, Resource.LOGIN)


def test_reason_of_a_refused_login_is_shown(server: Server) -> None:
    said = {"messages": [{"default_message": "User account is locked."}]}
    appliance = answering(server, json.dumps(said).encode(), 401)
    why = reason(server, appliance)
    assert "user name or password refused (HTTP 401; User account is locked.)" in why


def test_error_text_in_several_pieces_is_shown_whole(server: Server) -> None:
    said = {"messages": [{"default_message": "Unable to authorize", "args": ["x" * 30_000]}]}
    why = reason(server, answering(server, json.dumps(said).encode(), 403))
    assert "Unable to authorize" in why


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 10_000, b'{"value":' * 9_000])
def test_deeply_nested_error_is_an_error_of_the_appliance(server: Server, body: bytes) -> None:
    assert "permission denied for the user (HTTP 403)" in reason(
        server, answering(server, body, 403)
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", 3.0),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, expected: float | None) -> None:
    assert client._wait(value) == expected
    assert (client._wait("Tue, 01 Jan 2999 00:00:00 GMT") or 0) > 1e9
