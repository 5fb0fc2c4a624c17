"""Answers of an appliance, including its standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from tests.vcenter_server.shapes import Api, encode


class Delivery(Enum):
    """How an answer is sent, if at all."""

    WHOLE = auto()
    CUT = auto()
    """Half of the body, then the connection ends."""
    DRIP = auto()
    """The body a byte at a time."""
    ENDLESS = auto()
    """The body is followed by its last byte, endlessly."""
    HANG = auto()
    """Nothing is ever sent."""
    RESET = auto()
    """Nothing is sent, and the connection is reset."""


@dataclass(frozen=True)
class Answer:
    """One answer. `clock` is the offset of its Date; `length` a false Content-Length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    clock: timedelta = timedelta(0)
    delivery: Delivery = Delivery.WHOLE
    length: int | None = None


class Refusal(Enum):
    """The standard errors of an appliance: status, message id and text."""

    UNAUTHENTICATED = (
        401,
        "com.vmware.vapi.endpoint.method.authentication.required",
        "Authentication required.",
    )
    UNAUTHORIZED = (
        403,
        "com.vmware.vapi.endpoint.method.authorization.denied",
        "Unable to authorize user.",
    )
    NOT_FOUND = (404, "com.vmware.vapi.rest.httpNotFound", "Not found.")
    TOO_MANY_REQUESTS = (429, "com.vmware.vapi.rest.httpTooManyRequests", "Too many requests.")
    ERROR = (500, "com.vmware.applmgmt.err_operation_failed", "Operation failed.")


def refusal(api: Api, why: Refusal, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a standard error in the form of one of the APIs."""
    status, identifier, text = why.value
    messages = [{"args": [], "default_message": text, "id": identifier}]
    if api is Api.NEW:
        body = encode({"error_type": why.name, "messages": messages}, Api.NEW)
    else:
        name = f"com.vmware.vapi.std.errors.{why.name.lower()}"
        # Without the wrapper of other contents: it names its own type.
        body = encode({"type": name, "value": {"messages": messages}}, Api.NEW)
    return Answer(status, body, headers=headers)
