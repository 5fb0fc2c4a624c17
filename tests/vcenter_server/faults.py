"""Faults: each one replaces the correct answer of an appliance.

A fault gets the appliance, the request, and a function that returns the correct answer (which
may be that of another fault). Faults of the handshake are attributes of the appliance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.vcenter_server.answers import Answer, Delivery, Refusal, refusal
from tests.vcenter_server.requests import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from tests.vcenter_server.appliance import Appliance
    from tests.vcenter_server.requests import Asked

Proper = Callable[[], Answer]
Fault = Callable[["Appliance", "Asked", Proper], Answer]


def unauthenticated(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
    """401 for every request."""
    return refusal(asked.api, Refusal.UNAUTHENTICATED)


def session_ends(appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """All sessions end just before the request; a new login helps."""
    appliance.expire_sessions()
    return proper()


def unauthorized(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
    """403: the user lacks the permission."""
    return refusal(asked.api, Refusal.UNAUTHORIZED)


def not_found(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
    """404: unknown path."""
    return refusal(asked.api, Refusal.NOT_FOUND)


def too_many_requests(retry_after: str = "1") -> Fault:
    """429, with a Retry-After in seconds or as a date."""

    def fault(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
        headers = (("retry-after", retry_after),)
        return refusal(asked.api, Refusal.TOO_MANY_REQUESTS, headers=headers)

    return fault


def error(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
    """500, with the documented body."""
    return refusal(asked.api, Refusal.ERROR)


def no_healthy_upstream(_appliance: Appliance, _asked: Asked, _proper: Proper) -> Answer:
    """503 of a proxy, in HTML: the services behind it are down."""
    body = b"<html><body><h1>503</h1>no healthy upstream</body></html>"
    return Answer(503, body, content_type="text/html")


def login_page(_appliance: Appliance, _asked: Asked, _proper: Proper) -> Answer:
    """200, but an HTML page."""
    body = b"<!DOCTYPE html><html><body><form>Log in</form></body></html>"
    return Answer(200, body, content_type="text/html; charset=utf-8")


def not_json(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """An invalid body with the content type of JSON."""
    return replace(proper(), body=b'{"value": oops')


def saying(body: bytes) -> Fault:
    """200 with another body."""

    def fault(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
        return replace(proper(), body=body)

    return fault


def cut(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """Half of the body, then the connection ends."""
    return replace(proper(), delivery=Delivery.CUT)


def reset(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """The request is executed, then the connection is reset."""
    return replace(proper(), delivery=Delivery.RESET)


def drip(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """The body a byte at a time, a hundred a second."""
    return replace(proper(), delivery=Delivery.DRIP)


def hang(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
    """The request is executed, but never answered."""
    return replace(proper(), delivery=Delivery.HANG)


def endless(length: int | None = None) -> Fault:
    """A JSON string that never ends; chunked, or with a false length."""

    def fault(_appliance: Appliance, _asked: Asked, _proper: Proper) -> Answer:
        return Answer(200, b'{"a', delivery=Delivery.ENDLESS, length=length)

    return fault


def error_beyond(jobs: int) -> Fault:
    """500 for details of more than `jobs` jobs; otherwise the correct answer."""

    def fault(appliance: Appliance, asked: Asked, proper: Proper) -> Answer:
        if asked.resource is Resource.DETAILS and len(appliance.history.ids(asked.jobs)) > jobs:
            return refusal(asked.api, Refusal.ERROR)
        return proper()

    return fault


def silent_beyond(jobs: int) -> Fault:
    """Details of only the newest jobs, without an error about the others."""

    def fault(appliance: Appliance, asked: Asked, proper: Proper) -> Answer:
        answer = proper()
        if asked.resource is Resource.DETAILS and answer.status == 200:
            history = appliance.history
            details = history.details(asked.api, history.ids(asked.jobs)[:jobs])
            return replace(answer, body=details)
        return answer

    return fault


def clock_off(by: timedelta) -> Fault:
    """A wrong Date: ahead, or behind if negative."""

    def fault(_appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
        return replace(proper(), clock=by)

    return fault


def then(jobs: Mapping[str, Any]) -> Fault:
    """The correct answer, after which the appliance has these jobs."""

    def fault(appliance: Appliance, _asked: Asked, proper: Proper) -> Answer:
        answer = proper()
        appliance.become(jobs)
        return answer

    return fault


def redirect(address: str) -> Fault:
    """302 to the same path at another address."""

    def fault(_appliance: Appliance, asked: Asked, _proper: Proper) -> Answer:
        target = f"https://{address}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        return Answer(302, headers=(("location", target),))

    return fault
