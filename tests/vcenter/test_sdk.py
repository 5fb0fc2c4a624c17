"""VMware's official SDK and the archive read the same from the test server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archive import db, json_numbers
from archive.demo.details import details
from archive.demo.fleet import plan
from archive.demo.jobs import jobs
from archive.document import canonical
from archive.store import job_reader
from tests.support import strategies
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES, some
from tests.support.samples import SAMPLES, job
from tests.vcenter_server import faults, sdk
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.client import Client
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server
from tests.vcenter_server.shapes import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

INFO = sdk.Details.Info.get_binding_type()
FLEET = plan(datetime(2026, 11, 20, 12, tzinfo=UTC), days=45)
DEMO = {
    appliance.name: {
        job.key: details(appliance, job, FLEET.until) for job in jobs(FLEET, appliance)
    }
    for appliance in FLEET.appliances
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


def read_by_sdk(server: Server, appliance: Appliance, api: Api) -> dict[str, str]:
    """Return the answer as read by the SDK and serialized by it."""
    with sdk.connected(appliance, server.ca_file, api) as services:
        listed = services.details.list()
    return {key: sdk.to_json(info, INFO) for key, info in listed.items()}


def fetched(server: Server, appliance: Appliance, api: Api) -> bytes:
    """Return the bytes of the same answer."""
    with Client(appliance, server.ca_file) as client:
        client.login(api)
        body = client.get(Resource.DETAILS, api).body
        client.get(Resource.LOGOUT, api)
    return body


def archived(engine: Engine) -> dict[str, dict[str, str]]:
    """Return the canonical JSON of all archived jobs, rebuilt, by appliance and job."""
    found: dict[str, dict[str, str]] = {}
    with db.reading(engine) as connection:
        for one in job_reader.jobs(connection):
            found.setdefault(one.appliance, {})[one.key] = one.text
    return found


def agree(server: Server, engines: list[Engine], history: dict[str, Any]) -> None:
    """Assert that the SDK and the archive read the same, from either API."""
    appliance = server.add(Appliance(history))
    read = {api: read_by_sdk(server, appliance, api) for api in Api}
    answers = {api: fetched(server, appliance, api) for api in Api}
    server.remove(appliance)
    assert not appliance.sessions
    assert {key: json.loads(text) for key, text in read[Api.NEW].items()} == history
    for engine in each(engines):
        for api, answer in answers.items():
            import_documents(engine, answer, api.name)
        found = archived(engine)
        for api, read_jobs in read.items():
            assert found.get(api.name.lower(), {}) == {
                key: canonical.read(json_numbers.loads(text)).text
                for key, text in read_jobs.items()
            }


def test_samples(server: Server, engines: list[Engine]) -> None:
    agree(server, engines, SAMPLES)


@pytest.mark.parametrize("name", some(DEMO, 3))
def test_histories_of_the_demo(server: Server, engines: list[Engine], name: str) -> None:
    agree(server, engines, DEMO[name])


def readable(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that the SDK does not refuse: it insists that locations are IRIs."""
    location = document["location"]
    if sdk.is_location(location):
        return document
    safe = "/:@" if location.startswith("sftp://") else "/"
    return document | {"location": quote(location, safe=safe)}


def writable(value: Any) -> bool:
    """Return whether the SDK can serialize an error that it has read.

    It has no classes for errors within REST documents, keeps them unchanged, and writes their
    keys without escaping any character, and no nulls.
    """
    if isinstance(value, dict):
        return all(
            json.dumps(key, ensure_ascii=False) == f'"{key}"'
            and item is not None
            and writable(item)
            for key, item in value.items()
        )
    return not isinstance(value, list) or all(map(writable, value))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
)
@given(
    st.dictionaries(
        st.sampled_from(sorted(SAMPLES)),
        strategies.documents().filter(lambda info: writable(info.get("error", {}))).map(readable),
        max_size=4,
    )
)
def test_any_document_of_the_schema(
    server: Server, sqlite_archive: Engine, history: dict[str, Any]
) -> None:
    agree(server, [sqlite_archive], history)


@pytest.mark.parametrize("api", Api)
def test_invalid_job_stops_the_sdk_but_not_the_archive(
    server: Server, engine: Engine, api: Api
) -> None:
    """The SDK then returns no job at all; the archive keeps all of them."""
    broken = job("FAILED")
    del broken["end_time"]
    appliance = server.add(Appliance({"1": job(), "2": broken}))
    with (
        sdk.connected(appliance, server.ca_file, api) as services,
        pytest.raises(sdk.CoreException, match="end_time"),
    ):
        services.details.list()
    import_documents(engine, fetched(server, appliance, api))
    assert archived(engine)["vc01"].keys() == {"1", "2"}


@pytest.mark.parametrize("api", Api)
def test_wrong_password(server: Server, api: Api) -> None:
    appliance = server.add(Appliance())
    with (
        pytest.raises(sdk.errors.Unauthenticated, match=r"authentication\.required"),
        sdk.connected(appliance, server.ca_file, api, "wrong"),
    ):
        pytest.fail("logged in")


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.unauthenticated, "Unauthenticated"),
        (faults.unauthorized, "Unauthorized"),
        (faults.not_found, "NotFound"),
        (faults.error, "Error"),
    ],
)
def test_errors_have_the_class_that_the_sdk_gives_them(
    server: Server, api: Api, fault: faults.Fault, error: str
) -> None:
    appliance = server.add(Appliance())
    appliance.suffer(fault, Resource.DETAILS)
    with sdk.connected(appliance, server.ca_file, api) as services:
        with pytest.raises(sdk.errors.Error) as raised:
            services.details.list()
        if error == "Error" and api is Api.NEW:
            error = "InternalServerError"  # everything that a status can express
        assert type(raised.value).__name__ == error
    assert not appliance.sessions
