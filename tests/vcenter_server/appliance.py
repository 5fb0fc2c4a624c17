"""One vCenter Server appliance: its jobs, its users, and its requests so far."""

from __future__ import annotations

import base64
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.vcenter_server.history import History
from tests.vcenter_server.requests import CREDENTIAL_HEADERS, SESSION_HEADER, Resource, Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.vcenter_server.certificates import Certificate
    from tests.vcenter_server.faults import Fault
    from tests.vcenter_server.requests import Asked

USER = "archive@vsphere.local"
PASSWORD = "p:ss w\u00f6rd"  # noqa: S105 - nobody's
VERSION = {
    "version": "8.0.3.00400",
    "product": "VMware vCenter Server",
    "build": "24322831",
    "type": "vCenter Server with an embedded Platform Services Controller",
    "summary": "GA",
    "releasedate": "October 21, 2024",
    "install_time": "2024-11-04T09:12:31.000Z",
}
SCHEDULES: dict[str, Any] = {
    "default": {
        "parts": ["common", "seat"],
        "location": "sftp://nas.example.com/backup",
        "location_user": "backup",
        "enable": True,
        "recurrence_info": {"minute": 15, "hour": 2},
        "retention_info": {"max_count": 7},
        "fast_backup": False,
    }
}


@dataclass
class _Session:
    created: datetime
    used: datetime
    requests: int = 0


@dataclass
class _Suffered:
    fault: Fault
    on: Resource | None
    times: int | None


class Appliance:
    """An appliance. Everything can be read and changed from any thread while it is served.

    `jobs` are documents by id, as `/api` has them. One that is `rest_only` is too old for `/api`.
    A session ends after `session_requests` requests with it. `handshakes` is False if TLS never
    completes; `certificate` is None for the server's own, and applies to the next connection.
    `issued` has the token of each session ever opened.
    """

    def __init__(
        self,
        jobs: Mapping[str, Any] | None = None,
        *,
        rest_only: bool = False,
        user: str = USER,
        password: str = PASSWORD,
        session_requests: int | None = None,
    ) -> None:
        self.history = History(jobs or {})
        self.rest_only = rest_only
        self.user = user
        self.password = password
        self.session_requests = session_requests
        self.version: dict[str, Any] = VERSION
        self.schedules: dict[str, Any] = SCHEDULES
        self.time_zone = "Etc/UTC"
        self.certificate: Certificate | None = None
        self.handshakes = True
        self.address = ""
        self.connections = 0
        self.logins = 0
        self.issued: list[str] = []
        self._seen: list[Seen] = []
        self._sessions: dict[str, _Session] = {}
        self._suffered: list[_Suffered] = []
        self._lock = threading.Lock()

    def become(self, jobs: Mapping[str, Any]) -> None:
        """Set the jobs."""
        self.history = History(jobs)

    def suffer(self, fault: Fault, on: Resource | None = None, times: int | None = None) -> None:
        """Set a fault for one resource or all; for the first `times` requests, or always.

        Faults add up; the latest one is applied last.
        """
        with self._lock:
            self._suffered.append(_Suffered(fault, on, times))

    def recover(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._suffered.clear()

    @property
    def requests(self) -> list[Seen]:
        """The requests so far."""
        with self._lock:
            return list(self._seen)

    def requests_for(self, resource: Resource) -> list[Seen]:
        """Return the requests for one resource."""
        paths = resource.paths.values()
        return [
            seen
            for seen in self.requests
            if (seen.method == resource.method) and seen.path in paths
        ]

    @property
    def sessions(self) -> frozenset[str]:
        """The tokens of the sessions that are open."""
        with self._lock:
            return frozenset(self._sessions)

    def expire_sessions(self) -> None:
        """End all sessions."""
        with self._lock:
            self._sessions.clear()

    def login(self, asked: Asked) -> str | None:
        """Return the token of a new session, if user and password are right."""
        given = asked.headers.get("authorization", "")
        wanted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if given != f"Basic {wanted}":
            return None
        token = secrets.token_hex(16)
        now = datetime.now(UTC)
        with self._lock:
            self.logins += 1
            self.issued.append(token)
            self._sessions[token] = _Session(now, now)
        return token

    def session(self, asked: Asked) -> dict[str, Any] | None:
        """Return the request's session, and mark it as used; None without one."""
        token = asked.headers.get(SESSION_HEADER, "")
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return None
            session.requests += 1
            if self.session_requests is not None and session.requests > self.session_requests:
                del self._sessions[token]
                return None
            session.used = datetime.now(UTC)
            return {
                "user": self.user,
                "created_time": _instant(session.created),
                "last_accessed_time": _instant(session.used),
            }

    def logout(self, asked: Asked) -> None:
        """End the request's session."""
        with self._lock:
            self._sessions.pop(asked.headers.get(SESSION_HEADER, ""), None)

    def faults(self, resource: Resource | None) -> list[Fault]:
        """Return the fault for a request for a resource, if any."""
        befalling: list[Fault] = []
        with self._lock:
            for suffered in self._suffered:
                if suffered.on in (None, resource) and suffered.times != 0:
                    befalling.append(suffered.fault)
                    if suffered.times is not None:
                        suffered.times -= 1
        return befalling

    def remember(self, asked: Asked, status: int | None) -> None:
        """Record a request."""
        credentials = frozenset(name for name in CREDENTIAL_HEADERS if name in asked.headers)
        with self._lock:
            self._seen.append(Seen(asked.method, asked.path, asked.query, status, credentials))


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
