"""Requests to an appliance, and their records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from tests.vcenter_server.shapes import Api

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_HEADER = "vmware-api-session-id"
CREDENTIAL_HEADERS = ("authorization", "cookie", SESSION_HEADER)
_FILTER = {Api.NEW: re.compile(r"jobs"), Api.OLD: re.compile(r"filter\.jobs(\.\d+)?")}


class Resource(Enum):
    """A resource: a method, and a path below `/api` and `/rest`, or below one of them."""

    LOGIN = ("POST", "/session", "/com/vmware/cis/session")
    LOGOUT = ("DELETE", "/session", "/com/vmware/cis/session")
    SESSION = ("GET", "/session", None)
    DETAILS = ("GET", "/appliance/recovery/backup/job/details")
    JOBS = ("GET", "/appliance/recovery/backup/job")
    SCHEDULES = ("GET", "/appliance/recovery/backup/schedules")
    VERSION = ("GET", "/appliance/system/version")
    TIME_ZONE = ("GET", "/appliance/system/time/timezone")

    def __init__(self, method: str, below_api: str, below_rest: str | None = "") -> None:
        self.method = method
        rest = below_api if below_rest == "" else below_rest
        self.paths = {Api.NEW: Api.NEW.value + below_api, Api.OLD: rest and Api.OLD.value + rest}


_RESOURCES = {
    (resource.method, path): (resource, api)
    for resource in Resource
    for api, path in resource.paths.items()
}


@dataclass(frozen=True)
class Asked:
    """One request; `resource` is None for an unknown path. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def api(self) -> Api:
        """The API of the path."""
        return Api.OLD if self.path.startswith(f"{Api.OLD.value}/") else Api.NEW

    @property
    def resource(self) -> Resource | None:
        """The requested resource."""
        found = _RESOURCES.get((self.method, self.path))
        return found and found[0]

    @property
    def jobs(self) -> list[str] | None:
        """The requested job IDs; None means all."""
        given = parse_qsl(self.query, keep_blank_values=True)
        return [value for name, value in given if _FILTER[self.api].fullmatch(name)] or None


class Seen(NamedTuple):
    """The record of a request: `credentials` has the names of headers, not their values.

    `status` is None if it got no answer.
    """

    method: str
    path: str
    query: str
    status: int | None
    credentials: frozenset[str]
