from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from archive.errors import (
    ArchiveError,
    ConfigurationError,
    DatabaseError,
    SchemaError,
    TimeLimitError,
    UsageError,
)
from archive.serve.answers import _timely
from archive.serve.failures import answered

if TYPE_CHECKING:
    from starlette.responses import Response

REQUEST = Request(
    {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}
)


def failing(error: Exception) -> tuple[Response, list[str]]:
    """Return the answer for an error, and what was logged."""
    said: list[str] = []

    def fail(_: Request) -> Response:
        raise error

    return answered(fail, said.append)(REQUEST), said


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UsageError, 400),
        (ConfigurationError, 503),
        (DatabaseError, 503),
        (SchemaError, 503),
        (TimeLimitError, 504),
        (ArchiveError, 500),
    ],
)
def test_error_is_answered_in_its_words_without_passwords(
    kind: type[ArchiveError], status: int
) -> None:
    answer, said = failing(kind("postgresql://archive:secret@db/archive: it failed"))
    assert (answer.status_code, said) == (status, [])
    assert answer.body == b"postgresql://archive:***@db/archive: it failed\n"


def test_unexpected_error_is_logged_and_not_shown() -> None:
    answer, said = failing(KeyError("detail"))
    assert (answer.status_code, answer.body) == (
        500,
        b"internal error; see the log of `archive serve`\n",
    )
    assert said == [
        "archive: internal error: /x: KeyError: 'detail'; `archive db verify` names damaged values"
    ]


def test_errors_of_the_router_are_left_to_it() -> None:
    with pytest.raises(HTTPException):
        failing(HTTPException(406))


def test_rows_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements are limited by the database, the whole answer by the time of its rows."""
    now = [0.0]
    monkeypatch.setattr("archive.serve.answers.time.monotonic", lambda: now[0])
    rows = _timely(iter([(1,), (2,), (3,)]), 30, 30)
    assert next(rows) == (1,)
    now[0] = 31
    with pytest.raises(TimeLimitError, match="the report took longer than 30 s, the limit of"):
        next(rows)
