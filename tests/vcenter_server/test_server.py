"""The vCenter server of the tests: its answers and its faults."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import environment
from tests.support.samples import SAMPLES, job
from tests.vcenter_server import certificates, faults
from tests.vcenter_server.appliance import SCHEDULES, VERSION, Appliance
from tests.vcenter_server.client import Client
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server
from tests.vcenter_server.shapes import Api, to_rest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEWEST, *_, OLDEST = sorted(SAMPLES, reverse=True)
UNKNOWN = "com.vmware.vapi.rest.httpNotFound"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.fixture
def appliance(server: Server) -> Appliance:
    return server.add(Appliance(SAMPLES))


@contextmanager
def logged_in(
    server: Server, appliance: Appliance, api: Api = Api.NEW, timeout: float = 10
) -> Iterator[Client]:
    with Client(appliance, server.ca_file, timeout) as client:
        client.login(api)
        yield client


@pytest.mark.parametrize("api", Api)
def test_session_can_be_opened_used_and_closed(
    server: Server, appliance: Appliance, api: Api
) -> None:
    with Client(appliance, server.ca_file) as client:
        assert client.get(Resource.VERSION, api).status == 401
        assert client.login(api, password="wrong").status == 401  # noqa: S106 - nobody's
        assert client.login(api).status == (201 if api is Api.NEW else 200)
        assert len(appliance.sessions) == appliance.logins == 1
        assert client.get(Resource.VERSION, api).status == 200
        assert client.get(Resource.LOGOUT, api).status == (204 if api is Api.NEW else 200)
        assert not appliance.sessions
        assert client.get(Resource.VERSION, api).status == 401
    assert appliance.connections == 1
    assert [seen.status for seen in appliance.requests] == [
        401, 401, 201 if api is Api.NEW else 200, 200, 204 if api is Api.NEW else 200, 401,
    ]  # fmt: skip
    assert [sorted(seen.credentials) for seen in appliance.requests[1:4]] == [
        ["authorization"],
        ["authorization"],
        ["vmware-api-session-id"],
    ]


def test_session_can_be_queried(server: Server, appliance: Appliance) -> None:
    with logged_in(server, appliance) as client:
        assert json.loads(client.get(Resource.SESSION).body)["user"] == appliance.user


@pytest.mark.parametrize(
    ("resource", "content", "is_map"),
    [
        (Resource.DETAILS, SAMPLES, True),
        (Resource.JOBS, sorted(SAMPLES, reverse=True), False),
        (Resource.SCHEDULES, SCHEDULES, True),
        (Resource.VERSION, VERSION, False),
        (Resource.TIME_ZONE, "Etc/UTC", False),
    ],
)
def test_both_apis_have_the_same_content_in_their_own_shape(
    server: Server, appliance: Appliance, resource: Resource, content: object, *, is_map: bool
) -> None:
    with logged_in(server, appliance) as client:
        assert json.loads(client.get(resource).body) == content
        if is_map:
            assert isinstance(content, dict)
            content = dict(sorted(content.items(), reverse=True))
        assert json.loads(client.get(resource, Api.OLD).body) == {
            "value": to_rest(content, is_map=is_map)
        }


def test_newest_job_comes_first(server: Server, appliance: Appliance) -> None:
    with logged_in(server, appliance) as client:
        assert list(json.loads(client.get(Resource.DETAILS).body)) == sorted(SAMPLES, reverse=True)


@pytest.mark.parametrize(
    ("api", "query"),
    [
        (Api.NEW, f"?jobs={NEWEST}&jobs={OLDEST}&jobs=other"),
        (Api.OLD, f"?filter.jobs.1={NEWEST}&filter.jobs.2={OLDEST}"),
        (Api.OLD, f"?filter.jobs={NEWEST}&filter.jobs={OLDEST}"),
    ],
)
def test_details_of_some_jobs(server: Server, appliance: Appliance, api: Api, query: str) -> None:
    with logged_in(server, appliance, api) as client:
        answer = json.loads(client.get(Resource.DETAILS, api, query).body)
    keys = list(answer) if api is Api.NEW else [entry["key"] for entry in answer["value"]]
    assert keys == [NEWEST, OLDEST]


def test_unknown_path_is_refused_in_the_shape_of_its_api(
    server: Server, appliance: Appliance
) -> None:
    with logged_in(server, appliance) as client:
        new, old = (client.ask("GET", f"{api.value}/appliance/nothing") for api in Api)
    assert new.status == old.status == 404
    assert json.loads(new.body)["error_type"] == "NOT_FOUND"
    assert json.loads(new.body)["messages"][0]["id"] == UNKNOWN
    assert json.loads(old.body)["type"] == "com.vmware.vapi.std.errors.not_found"
    assert json.loads(old.body)["value"]["messages"][0]["id"] == UNKNOWN


def test_old_appliance_has_only_rest(server: Server) -> None:
    appliance = server.add(Appliance(SAMPLES, rest_only=True))
    with Client(appliance, server.ca_file) as client:
        assert client.login(Api.NEW).status == 404
        assert client.login(Api.OLD).status == 200
        assert client.get(Resource.DETAILS, Api.OLD).status == 200


def test_appliance_can_change_while_it_is_served(server: Server, appliance: Appliance) -> None:
    with logged_in(server, appliance) as client:
        assert client.get(Resource.DETAILS).status == 200
        appliance.become({"1": job()})
        assert json.loads(client.get(Resource.DETAILS).body) == {"1": job()}
        appliance.expire_sessions()
        assert client.get(Resource.DETAILS).status == 401


def test_session_ends_after_a_number_of_requests(server: Server) -> None:
    appliance = server.add(Appliance(session_requests=2))
    with logged_in(server, appliance) as client:
        assert [client.get(Resource.DETAILS).status for _ in range(3)] == [200, 200, 401]
    assert not appliance.sessions


def test_removed_appliance_refuses_connections(server: Server, appliance: Appliance) -> None:
    server.remove(appliance)
    with Client(appliance, server.ca_file) as client, pytest.raises(ConnectionRefusedError):
        client.login()


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (faults.unauthenticated, 401, b'"UNAUTHENTICATED"'),
        (faults.session_ends, 401, b'"UNAUTHENTICATED"'),
        (faults.unauthorized, 403, b'"UNAUTHORIZED"'),
        (faults.not_found, 404, b'"NOT_FOUND"'),
        (faults.too_many_requests("7"), 429, b"messages"),
        (faults.error, 500, b'"ERROR"'),
        (faults.no_healthy_upstream, 503, b"no healthy upstream"),
        (faults.login_page, 200, b"<form>"),
        (faults.not_json, 200, b"oops"),
        (faults.error_beyond(2), 500, b'"ERROR"'),
        (faults.redirect("127.0.0.1:1"), 302, b""),
    ],
)
def test_answers_of_faults(
    server: Server, appliance: Appliance, fault: faults.Fault, status: int, body: bytes
) -> None:
    appliance.suffer(fault, Resource.DETAILS)
    with logged_in(server, appliance) as client:
        reply = client.get(Resource.DETAILS)
        assert reply.status == status
        assert body in reply.body
        if status == 302:
            assert reply.headers["location"] == f"https://127.0.0.1:1{appliance.requests[-1].path}"
        if status == 429:
            assert reply.headers["retry-after"] == "7"
        appliance.recover()
        client.login()
        assert client.get(Resource.DETAILS).status == 200


def test_fault_can_be_limited_to_a_resource_and_a_number(
    server: Server, appliance: Appliance
) -> None:
    appliance.suffer(faults.error, Resource.VERSION, times=2)
    with logged_in(server, appliance) as client:
        assert client.get(Resource.SCHEDULES).status == 200
        assert [client.get(Resource.VERSION).status for _ in range(3)] == [500, 500, 200]


def test_faults_add_up(server: Server, appliance: Appliance) -> None:
    appliance.suffer(faults.error)
    appliance.suffer(faults.clock_off(timedelta(days=-3)))
    with Client(appliance, server.ca_file) as client:
        reply = client.login()
    assert reply.status == 500
    off = parsedate_to_datetime(reply.headers["date"]) - datetime.now(UTC)
    assert -4 < off / timedelta(days=1) < -2


def test_failing_logout_leaves_the_session_open(server: Server, appliance: Appliance) -> None:
    appliance.suffer(faults.error, Resource.LOGOUT)
    with logged_in(server, appliance) as client:
        assert client.get(Resource.LOGOUT).status == 500
    assert len(appliance.sessions) == 1


@pytest.mark.parametrize("api", Api)
def test_answer_capped_to_a_number_of_jobs(server: Server, appliance: Appliance, api: Api) -> None:
    query = f"?jobs={NEWEST}&jobs={OLDEST}&filter.jobs.1={NEWEST}"
    appliance.suffer(faults.silent_beyond(3), times=2)
    appliance.suffer(faults.error_beyond(3))
    with logged_in(server, appliance, api) as client:
        assert client.get(Resource.DETAILS, api).status == 500
        assert client.get(Resource.DETAILS, api, query).status == 200
        appliance.recover()
        appliance.suffer(faults.silent_beyond(3))
        answer = json.loads(client.get(Resource.DETAILS, api).body)
    assert len(answer if api is Api.NEW else answer["value"]) == 3


def test_jobs_that_change_between_two_requests(server: Server, appliance: Appliance) -> None:
    appliance.become({"1": job("RUNNING")})
    appliance.suffer(faults.then({"1": job(), "2": job()}), Resource.DETAILS, times=1)
    with logged_in(server, appliance) as client:
        assert json.loads(client.get(Resource.DETAILS).body) == {"1": job("RUNNING")}
        assert list(json.loads(client.get(Resource.DETAILS).body)) == ["2", "1"]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (faults.cut, http.client.IncompleteRead),
        (faults.reset, ConnectionResetError),
        (faults.hang, TimeoutError),
    ],
)
def test_answers_that_do_not_arrive(
    server: Server, appliance: Appliance, fault: faults.Fault, failure: type[Exception]
) -> None:
    with logged_in(server, appliance, timeout=0.2) as client:
        appliance.suffer(fault)
        with pytest.raises(failure):
            client.get(Resource.DETAILS)
    assert appliance.requests[-1].status == (200 if fault is faults.cut else None)


def test_slow_answer(server: Server, appliance: Appliance) -> None:
    appliance.time_zone = "UTC"
    with logged_in(server, appliance) as client:
        appliance.suffer(faults.drip)
        assert client.get(Resource.TIME_ZONE).body == b'"UTC"'


@pytest.mark.parametrize("length", [None, 10**15])
def test_endless_answer(server: Server, appliance: Appliance, length: int | None) -> None:
    appliance.suffer(faults.endless(length))
    context = ssl.create_default_context(cafile=server.ca_file)
    connection = http.client.HTTPSConnection(appliance.address, context=context)
    connection.request("GET", "/api/appliance/system/version")
    with connection.getresponse() as answer:
        assert answer.getheader("content-length") == (str(length) if length else None)
        assert answer.read(1 << 22) == b'{"' + b"a" * ((1 << 22) - 2)
    connection.close()


def test_handshake_that_never_completes(server: Server, appliance: Appliance) -> None:
    appliance.handshakes = False
    with Client(appliance, server.ca_file, timeout=0.2) as client, pytest.raises(TimeoutError):
        client.login()
    assert appliance.connections == 1
    assert not appliance.requests


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        (lambda server: server.authority.expired(), "certificate has expired"),
        (lambda server: server.authority.misnamed(), "certificate is not valid for '127.0.0.1'"),
        (lambda _: certificates.Authority().issue(), "unable to get local issuer certificate"),
        (lambda _: certificates.self_signed(), "self-signed certificate"),
    ],
)
def test_certificates_that_are_not_trusted(
    server: Server,
    appliance: Appliance,
    issue: Callable[[Server], certificates.Certificate],
    reason: str,
) -> None:
    appliance.certificate = issue(server)
    with (
        Client(appliance, server.ca_file) as client,
        pytest.raises(ssl.SSLCertVerificationError, match=reason),
    ):
        client.login()
    assert not appliance.requests


def test_certificate_that_changes_between_two_connections(
    server: Server, appliance: Appliance
) -> None:
    def served() -> str:
        host, port = appliance.address.split(":")
        return ssl.get_server_certificate((host, int(port)), ca_certs=str(server.ca_file))

    before = served()
    other = appliance.certificate = server.authority.issue()
    assert before != other.pem.decode() == served()


def test_self_signed_certificate_can_be_trusted_as_itself(
    appliance: Appliance, tmp_path: Path
) -> None:
    appliance.certificate = certificates.self_signed()
    ca_file = tmp_path / "own.pem"
    ca_file.write_bytes(appliance.certificate.pem)
    with Client(appliance, ca_file) as client:
        assert client.login().status == 201


def test_closing_waits_for_no_client() -> None:
    with ExitStack() as stack, Server() as server:
        hanging, mute = (server.add(Appliance()) for _ in range(2))
        hanging.suffer(faults.hang)
        mute.handshakes = False
        for appliance in (hanging, mute):
            with Client(appliance, server.ca_file, 0.1) as client, pytest.raises(TimeoutError):
                client.login()
        stack.enter_context(Client(server.add(Appliance()), server.ca_file)).login()


@pytest.mark.parametrize("signalled", [False, True])
def test_server_as_a_process(*, signalled: bool) -> None:
    command = [sys.executable, "-m", "tests.vcenter_server", "--appliances", "2", "--jobs", "3"]
    with subprocess.Popen(
        [*command, "--latency-ms", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=environment() | {"PYTHONWARNINGS": "error"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        first, _ = announced["addresses"]
        appliance = Appliance(user=announced["user"], password=announced["password"])
        appliance.address = first
        with Client(appliance, Path(announced["ca_file"])) as client:
            client.login()
            assert len(json.loads(client.get(Resource.JOBS).body)) == 3
        if signalled:
            process.send_signal(signal.SIGTERM)
            process.wait()
        _, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert not Path(announced["ca_file"]).exists()
