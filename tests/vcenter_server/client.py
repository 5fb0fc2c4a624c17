"""A plain client: one connection, and a session after logging in."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.vcenter_server.requests import SESSION_HEADER, Resource
from tests.vcenter_server.shapes import Api

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.vcenter_server.appliance import Appliance


class Reply(NamedTuple):
    """An answer as received; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection to an appliance that gives up after `timeout` seconds of silence."""

    def __init__(self, appliance: Appliance, ca_file: Path, timeout: float = 10) -> None:
        self._appliance = appliance
        context = ssl.create_default_context(cafile=ca_file)
        self._connection = http.client.HTTPSConnection(
            appliance.address, context=context, timeout=timeout
        )
        self._session: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, **headers: str) -> Reply:
        """Return the answer to a request, sent with the session if there is one."""
        self._connection.request(method, path, headers=self._session | headers)
        with self._connection.getresponse() as answer:
            received = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, received, answer.read())

    def get(self, resource: Resource, api: Api = Api.NEW, query: str = "") -> Reply:
        """Return the answer to a GET."""
        return self.ask(resource.method, f"{resource.paths[api]}{query}")

    def login(self, api: Api = Api.NEW, password: str | None = None) -> Reply:
        """Open a session, and use it from now on, if the answer has one."""
        appliance = self._appliance
        secret = appliance.password if password is None else password
        basic = base64.b64encode(f"{appliance.user}:{secret}".encode()).decode()
        path = str(Resource.LOGIN.paths[api])
        reply = self.ask("POST", path, Authorization=f"Basic {basic}")
        if reply.status < http.client.BAD_REQUEST:
            content = json.loads(reply.body)
            self._session = {SESSION_HEADER: content["value"] if api is Api.OLD else content}
        return reply
