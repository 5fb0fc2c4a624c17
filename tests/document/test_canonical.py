from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import json_numbers
from archive.document import canonical, schema
from archive.document.flatten import normalise
from archive.document.rebuild import rebuild
from archive.errors import NotAJobError
from tests.support.samples import BASE, SAMPLES
from tests.support.strategies import JSON, documents
from tests.vcenter_server.shapes import to_rest


def changed(**fields: Any) -> dict[str, Any]:
    """Return the richest sample with some fields replaced."""
    return {**deepcopy(BASE), **fields}


def codes(document: canonical.Document) -> list[tuple[str, str]]:
    return [(finding.code, finding.field) for finding in document.findings]


@pytest.mark.parametrize("key", SAMPLES)
def test_samples_are_their_own_canonical_form(key: str) -> None:
    """The output of the official serializers is already canonical, complete and without findings."""
    document = canonical.read(SAMPLES[key])
    assert json.loads(document.text) == SAMPLES[key]
    assert not document.irregular
    assert document.findings == []


@given(documents())
def test_normalisation_loses_nothing(info: dict[str, Any]) -> None:
    """A regular document can be rebuilt from its rows; any other is kept as a whole."""
    document = canonical.read(info)
    if document.irregular:
        assert "\\u0000" in document.text
    else:
        assert rebuild(normalise(document.info)).to_json() == document.text
    assert json.loads(document.text) == json.loads(canonical.read(json.loads(document.text)).text)


@given(documents())
def test_both_wire_shapes_have_one_canonical_form(info: dict[str, Any]) -> None:
    """The `/rest` form of a document has the same canonical text as the `/api` form."""
    assert canonical.read(to_rest(info)).text == canonical.read(info).text


@given(documents())
def test_null_means_absent(info: dict[str, Any]) -> None:
    """An optional field that is null equals one that is absent."""
    nulls = dict.fromkeys(("build", "parent", "target", "error", "user", "end_time"))
    assert canonical.read({**nulls, **info}).digest == canonical.read(info).digest


@given(documents(), st.dictionaries(st.text(min_size=3, max_size=9), JSON, min_size=1))
def test_unknown_fields_are_kept(info: dict[str, Any], unknown: dict[str, Any]) -> None:
    """Fields of future versions are in the canonical text and make the document irregular."""
    unknown = {f"x_{name}": value for name, value in unknown.items()}
    document = canonical.read({**info, **unknown})
    assert document.irregular
    kept = json_numbers.loads(document.text)
    assert {name: kept[name] for name in unknown} == unknown


@given(documents(), st.sampled_from(sorted(schema.Info.model_fields)), JSON)
def test_any_value_anywhere_is_kept(info: dict[str, Any], field: str, value: Any) -> None:
    """Whatever its fields contain, a document with a status is archived without loss."""
    if field == "status":
        return
    document = canonical.read(json_numbers.loads(json.dumps({**info, field: value})))
    again = canonical.read(json_numbers.loads(document.text))
    assert again.text == document.text
    if not document.irregular:
        assert rebuild(normalise(document.info)).to_json() == document.text


@pytest.mark.parametrize(
    ("fields", "same_as"),
    [
        ({"size": "6442450944"}, {}),
        ({"size": 6442450944.0}, {}),
        ({"start_time": "2026-07-23T04:15:00.041+02:00"}, {}),
        ({"start_time": "2026-07-23t07:45:00.0410000+05:30"}, {}),
        ({"start_time": "2026-07-23T02:15:00.041z"}, {}),
    ],
)
def test_equal_values_have_one_canonical_form(
    fields: dict[str, Any], same_as: dict[str, Any]
) -> None:
    """Numbers are compared by value and instants by the moment, however they are written."""
    document = canonical.read(changed(**fields))
    assert document.text == canonical.read(changed(**same_as)).text
    assert not document.irregular


@pytest.mark.parametrize("double", ["0.1", "1.0E-1", "10.0E-2", "0.100"])
def test_doubles_are_compared_by_value(double: str) -> None:
    """A double is the same however its serializer writes it."""
    params = f'{{"x": {{"d": {double}}}}}'
    message = f'{{"id": "a", "default_message": "b", "args": [], "params": {params}}}'
    text = json.dumps(changed(messages=[])).replace('"messages": []', f'"messages": [{message}]')
    document = canonical.read(json_numbers.loads(text))
    assert document.info.messages[0].params is not None
    assert document.info.messages[0].params["x"].d == 0.1
    assert not document.irregular


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"size": 1.5}, [("bad_value", "size"), ("missing_field", "size")]),
        ({"size": 2**63}, [("bad_value", "size"), ("missing_field", "size")]),
        ({"size": True}, [("bad_value", "size"), ("missing_field", "size")]),
        ({"size": "many"}, [("bad_value", "size"), ("missing_field", "size")]),
        ({"messages": None}, [("missing_field", "messages")]),
        ({"messages": "none"}, [("bad_value", "messages")]),
        ({"messages": [5]}, [("bad_value", "messages.0")]),
        ({"progress": {"total": 1}}, [("missing_field", "progress.completed"), ("missing_field", "progress")]),
        ({"start_time": "yesterday"}, [("bad_value", "start_time"), ("missing_field", "start_time")]),
        ({"start_time": "2026-07-23T02:15:00"}, [("bad_value", "start_time"), ("missing_field", "start_time")]),
        ({"start_time": "0001-01-01T00:00:00+02:00"}, [("bad_value", "start_time"), ("missing_field", "start_time")]),
        ({"start_time": "2026-07-23T02:15:60Z"}, [("bad_value", "start_time"), ("missing_field", "start_time")]),
        ({"new_field": {"a": [1, None]}}, [("unknown_field", "new_field")]),
        ({"cancelable": "no"}, [("bad_value", "cancelable"), ("missing_field", "cancelable")]),
        ({"build": {"version": "9"}}, [("missing_field", "build.build_number")]),
        ({"service": "a\0b"}, []),
        ({"service": "a\ud800b"}, []),
        ({"start_time": "2026-07-23T02:15:00.0410001Z"}, []),
    ],
)  # fmt: skip
def test_values_that_fit_no_column_are_kept(
    fields: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """Such a value is left out of the rows with a finding, and is in the kept document."""
    document = canonical.read(changed(**fields))
    assert document.irregular
    assert codes(document) == found
    kept = json_numbers.loads(document.text)
    for name, value in fields.items():
        assert kept.get(name) == value
    assert document.info.location == BASE["location"]


def test_bad_argument_does_not_hide_its_message() -> None:
    """The rest of the message is normalised as far as possible."""
    message = {"id": "m", "default_message": "text", "args": ["x", None, 3, {"y": 1}]}
    document = canonical.read(changed(messages=[message]))
    assert document.info.messages[0].default_message == "text"
    assert document.info.messages[0].args == ["x", "null", "3", '{"y":1}']
    assert json_numbers.loads(document.text)["messages"] == [message]


def test_missing_required_fields_are_only_findings() -> None:
    """A document of an old build that lacks required fields is regular, with findings."""
    info = {"status": "PENDING", "messages": []}
    document = canonical.read(info)
    assert not document.irregular
    assert json.loads(document.text) == info
    assert [finding.field for finding in document.findings] == [
        "location", "location_user", "type", "description", "service", "operation", "cancelable",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null instead of"),
        (5, "a number instead of"),
        ([], "a list instead of"),
        ("x", "a string instead of"),
        (True, "a boolean instead of"),
        ({}, "no status"),
        ({"status": None}, "no status"),
        ({"state": "INPROGRESS"}, "older"),
        ({"status": "X" * 256}, "longer than 255"),
    ],
)
def test_document_without_a_status_is_refused(value: Any, reason: str) -> None:
    """A job must be an object with a status; the reason says what is there instead."""
    with pytest.raises(NotAJobError, match=reason):
        canonical.read(value)


def test_deep_nesting_is_archived() -> None:
    """Params can be nested two hundred and fifty levels deep."""
    document = canonical.read(changed(messages=[_nested(250)]))
    assert not document.irregular
    assert rebuild(normalise(document.info)).to_json() == document.text


def test_unlimited_nesting_is_refused() -> None:
    """Nesting beyond the recursion limit is refused as a job."""
    with pytest.raises(NotAJobError, match="deep"):
        canonical.read(changed(messages=[_nested(5000)]))


def _nested(depth: int) -> dict[str, Any]:
    param: dict[str, Any] = {"s": "x"}
    for _ in range(depth):
        param = {"l": {"id": "a", "params": {"k": param}}}
    return {"id": "a", "default_message": "b", "args": [], "params": {"k": param}}


def test_errors_come_in_three_forms() -> None:
    """Empty, plain and wrapped errors are kept; a mixture is kept as a whole."""
    message = {"id": "m", "default_message": "text", "args": ["a"]}
    failed = {**SAMPLES["20221026-133300-20519528"]}
    errors: tuple[dict[str, Any], ...] = (
        {},
        {"messages": []},
        {"messages": [message], "error_type": "ERROR", "data": {"z": [1, None], "a": 0.5}},
        {"type": "com.vmware.vapi.std.errors.error", "value": {"messages": [message]}},
        {"type": "com.vmware.vapi.std.errors.error"},
    )
    for error in errors:
        document = canonical.read({**failed, "error": error})
        assert not document.irregular
        assert json.loads(rebuild(normalise(document.info)).to_json())["error"] == error
    mixed = {"type": "x", "value": {}, "messages": [message]}
    document = canonical.read({**failed, "error": mixed})
    assert document.irregular
    assert json_numbers.loads(document.text)["error"] == mixed
