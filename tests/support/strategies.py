"""Documents as the official serializers can write them, including nasty ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from archive import timestamps

INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), -1, 0, 1, 2**63 - 1])
# Any Unicode but lone surrogates, which no serializer of text can write; NUL is allowed.
TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "\0",
        "<script>",
        "=1+1",
        'a "b"',
        "ü\n\t",
        "\\u0000",
        "key",
        "value",
        "params",
        "\U0001f600",
    ]
)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
STATUSES = ("PENDING", "BLOCKED", "RUNNING", "SUCCEEDED", "FAILED")
TYPES = ("SCHEDULED", "MANUAL", "LOCAL_BACKUP")
WIDTHS = [
    f"{width}_{part}" for width in ("SHORT", "MED", "LONG", "FULL") for part in ("DATE", "TIME")
]
FORMATS = [*WIDTHS, *(f"{width}_DATE_TIME" for width in ("SHORT", "MED", "LONG", "FULL"))]
ERROR_TYPES = ("ERROR", "UNAUTHORIZED", "NOT_FOUND", "INTERNAL_SERVER_ERROR")

TIMESTAMP = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)).map(  # noqa: DTZ001 - made UTC below
    lambda moment: timestamps.document_form(
        timestamps.from_datetime(
            moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
        )
    )
)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the fields, none of them required."""
    return st.fixed_dictionaries({}, optional=fields)


def params(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Maps of params that nest up to `depth` levels."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "s": TEXT,
        "dt": TIMESTAMP,
        "i": INT64,
        "d": DOUBLE,
        "format": st.sampled_from(FORMATS),
        "precision": INT64,
    }
    if depth:
        fields["l"] = st.fixed_dictionaries({"id": TEXT}, optional={"params": params(depth - 1)})
    return st.dictionaries(TEXT, _some(**fields), max_size=2)


def messages(depth: int = 5) -> st.SearchStrategy[dict[str, Any]]:
    """Localizable messages."""
    return st.fixed_dictionaries(
        {"id": TEXT, "default_message": TEXT, "args": st.lists(TEXT, max_size=3)},
        optional={"params": params(depth), "localized": TEXT},
    )


JSON = st.recursive(
    st.none() | st.booleans() | INT64 | DOUBLE | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
_PLAIN_ERROR = _some(
    messages=st.lists(messages(1), max_size=2),
    data=JSON,
    error_type=st.sampled_from(ERROR_TYPES),
    challenge=TEXT,
)
ERROR = (
    st.just(dict[str, Any]())
    | _PLAIN_ERROR
    | st.fixed_dictionaries({"type": TEXT, "value": _PLAIN_ERROR})
)

_REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "location": TEXT
    | st.builds(
        "sftp://user:secret@nas/b{}/vCenter/sn_{}/S_9.0.2.0_20260722-021500_".format,
        st.integers(0, 3),
        TEXT,
    ),
    "location_user": TEXT,
    "type": st.sampled_from(TYPES),
    "messages": st.lists(messages(), max_size=3),
    "description": messages(1),
    "service": TEXT,
    "operation": TEXT,
    "cancelable": st.booleans(),
}
_OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "build": st.fixed_dictionaries({"version_name": TEXT, "version": TEXT, "build_number": TEXT}),
    "fast_backup": st.booleans(),
    "parent": TEXT,
    "target": st.fixed_dictionaries({"type": TEXT, "id": TEXT}),
    "user": TEXT,
}
_PROGRESS = st.fixed_dictionaries({"total": INT64, "completed": INT64, "message": messages(1)})
_RAN = {"duration": INT64, "size": INT64, "progress": _PROGRESS, "start_time": TIMESTAMP}
_CASES: dict[str, tuple[dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]] = {
    "PENDING": ({}, {}),
    "BLOCKED": ({"start_time": TIMESTAMP}, {}),
    "RUNNING": (_RAN, {}),
    "SUCCEEDED": (_RAN | {"end_time": TIMESTAMP}, {}),
    "FAILED": (_RAN | {"end_time": TIMESTAMP}, {"error": ERROR}),
}


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Job details of every status, as the schema allows them."""
    return st.one_of(
        [
            st.fixed_dictionaries(
                _REQUIRED | {"status": st.just(status)} | must, optional=_OPTIONAL | may
            )
            for status, (must, may) in _CASES.items()
        ]
    )
