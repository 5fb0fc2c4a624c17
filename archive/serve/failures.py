"""Answers for errors: a status, and a sentence as plain text.

An error never shows a traceback or a password. What is unforeseen is logged, and the
answer names that log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from archive.errors import (
    ArchiveError,
    ConfigurationError,
    DatabaseError,
    SchemaError,
    TimeLimitError,
    UsageError,
)
from archive.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    Endpoint = Callable[[Request], Response]

# The first that fits counts.
_STATUSES: tuple[tuple[type[ArchiveError], int], ...] = (
    (UsageError, 400),
    (TimeLimitError, 504),
    (DatabaseError, 503),
    (SchemaError, 503),
    (ConfigurationError, 503),
)
# Named in the answer for an unknown address.
ADDRESSES = ("/", "/reports", "/reports/NAME", "/metrics", "/healthz", "/openapi.json")
# What the description says of each; their order is that of the numbers.
STATUSES = {
    400: "a parameter is unknown or invalid, or there are too many rows",
    401: "the token is missing or wrong",
    404: "there is no such address or report",
    406: "none of the accepted media types is available",
    503: "the archive or the configuration cannot be read",
    504: "the answer would take too long",
}


def answered(endpoint: Endpoint, say: Callable[[str], None]) -> Endpoint:
    """Return an endpoint that answers errors, too; `say` logs those that are not the reader's.

    An ArchiveError has the status of its class, 500 if there is none for it. HTTPException is left
    to `unknown_address`.
    """

    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        # Its status and its sentence are for the reader as they are.
        except HTTPException:
            raise
        except ArchiveError as error:
            status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
            return plain(str(error), status)
        except Exception as error:  # noqa: BLE001 - nobody sees a traceback
            say(
                f"archive: internal error: {request.url.path}: {type(error).__name__}: {error};"
                " `archive db verify` names damaged values"
            )
            return plain("internal error; see the log of `archive serve`", 500)

    return answer


def unknown_address(_: Request, error: Exception) -> Response:
    """Answer a request for an address or a method that there is not."""
    if not isinstance(error, HTTPException):
        raise error
    if error.detail == "Not Found":  # of the router
        return plain(f"no such address; there are {', '.join(ADDRESSES)}", error.status_code)
    return plain(error.detail, error.status_code, error.headers)


def plain(sentence: str, status: int, headers: object = None) -> Response:
    """Return an answer of one sentence, without passwords."""
    return PlainTextResponse(f"{mask_text(sentence)}\n", status, headers)  # type: ignore[arg-type]
