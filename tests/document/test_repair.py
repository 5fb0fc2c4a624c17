from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import json_numbers
from archive.document import canonical, schema
from archive.document.flatten import normalise
from archive.document.rebuild import rebuild
from archive.errors import NotAJobError
from archive.text import storable
from tests.support.samples import BASE, job
from tests.support.strategies import JSON, TEXT, documents

STAMPS = st.sampled_from(
    ["2026-07-23T02:15:00.0000001Z", "2026-07-23T02:15:00+02:00", "2026-07-23T02:15:60Z"]
)
NUMBERS = st.sampled_from(["1", "0.5", "-0", "1e400", "NaN", "9" * 30]) | st.sampled_from(
    [10**400, -(2**63) - 1, 2**63, 0.5, 3.0, json_numbers.parse_float("1e400")]
)
ODD = JSON | STAMPS | NUMBERS | TEXT


def with_param(**fields: Any) -> dict[str, Any]:
    """Return a document with one message that has one param."""
    message = {"id": "m", "default_message": "text", "args": [], "params": {"k": fields}}
    return job(messages=[message])


def found(document: canonical.Document) -> list[tuple[str, ...]]:
    return [tuple(finding) for finding in document.findings]


def containers(value: Any) -> list[Any]:
    """Yield a value and all containers within it."""
    if not isinstance(value, (dict, list)):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(found for item in inner for found in containers(item))]


@settings(max_examples=150)
@given(documents(), st.data())
def test_any_mutation_is_archived_without_loss(info: dict[str, Any], data: st.DataObject) -> None:
    """Whatever is changed, removed or added at any depth, a job is archived and all of it kept."""
    info = deepcopy(info)
    status = info["status"]
    for _ in range(data.draw(st.integers(1, 3))):
        holder = data.draw(st.sampled_from(containers(info)))
        if isinstance(holder, dict):
            place: Any = data.draw(st.sampled_from([*holder, "new", "l", "params", "value"]))
            if data.draw(st.booleans()):
                holder[place] = data.draw(ODD)
            else:
                holder.pop(place, None)
        else:
            holder.append(data.draw(ODD))
    info["status"] = status
    info = json_numbers.loads(
        json_numbers.dumps(info)
    )  # as a reader of JSON sees it: minus zero is zero
    before = deepcopy(info)
    document = canonical.read(info)
    assert info == before
    kept = json_numbers.loads(document.text)
    again = canonical.read(kept)
    assert (again.text, again.irregular) == (document.text, document.irregular)
    if document.irregular:
        # Rows can be stored whatever they contain.
        assert "\0" not in json.dumps(normalise(document.info), default=str)
    else:
        assert rebuild(normalise(document.info)).to_json() == document.text


@pytest.mark.parametrize(
    ("value", "same_as"), [("0.5", 0.5), ("10.0E-2", 0.1), ("-0", 0.0), ("7", 7.0)]
)
def test_double_as_text_is_a_double(value: str, same_as: float) -> None:
    """A double that came as a text is the number in it."""
    document = canonical.read(with_param(d=value))
    assert not document.irregular
    assert document.text == canonical.read(with_param(d=same_as)).text


@pytest.mark.parametrize(
    "value", ["half", "NaN", "Infinity", "1e400", "0." + "3" * 30, "1e99999999999999999999"]
)
def test_other_texts_are_no_doubles(value: str) -> None:
    """A text that no double represents exactly is left out of the rows and kept."""
    document = canonical.read(with_param(d=value))
    assert document.irregular
    assert json_numbers.loads(document.text) == with_param(d=value)
    assert found(document) == [("bad_value", "messages.0.params.k.d", f'invalid value "{value}"')]
    assert document.info.messages[0].params is not None
    assert document.info.messages[0].params["k"].d is None


@pytest.mark.parametrize(
    ("value", "same_as"), [("+5", 5), ("-9223372036854775808", -(2**63)), ("007", 7), (5.0, 5)]
)
def test_integer_as_text_or_double_is_an_integer(value: str | float, same_as: int) -> None:
    """An integer that came as a text or a double is that number."""
    document = canonical.read(job(size=value))
    assert not document.irregular
    assert document.text == canonical.read(job(size=same_as)).text


@pytest.mark.parametrize(
    "value", ["1e3", "5.0", " 5", "", "\u0665", "9223372036854775808", 1e300, {}]
)
def test_other_values_are_no_integers(value: object) -> None:
    """A value that is no 64-bit integer is left out of the rows and kept."""
    document = canonical.read(job(size=value))
    assert document.irregular
    assert document.info.size is None
    assert json_numbers.loads(document.text)["size"] == value
    assert [entry[:2] for entry in found(document)] == [
        ("bad_value", "size"),
        ("missing_field", "size"),
    ]


def test_long_values_are_shortened_in_findings() -> None:
    """A finding shows only the beginning of a value."""
    document = canonical.read(job(size="x" * 100))
    assert found(document)[0] == ("bad_value", "size", 'invalid value "' + "x" * 56 + "...")


def test_unknown_fields_are_found_at_every_depth() -> None:
    """An unknown field at any depth is a finding, and is kept in place."""
    info = with_param(l={"id": "n", "params": {"in": {"s": "x", "new": 1}}}, newer=[2])
    info["messages"][0]["newest"] = None
    document = canonical.read(info)
    assert document.irregular
    assert json_numbers.loads(document.text) == info
    assert sorted(found(document)) == [
        ("unknown_field", f"messages.0.{place}", "not in the published schema")
        for place in ("newest", "params.k.l.params.in.new", "params.k.newer")
    ]
    assert document.info.messages[0].params is not None
    nested = document.info.messages[0].params["k"].nested
    assert nested is not None
    assert nested.params == {"in": schema.Param(s="x")}


def test_incomplete_structure_is_left_out_and_kept() -> None:
    """A structure without a required field is left out of the tables as a whole."""
    info = job(target={"id": "vm-1"}, build={"version": "9"})
    document = canonical.read(info)
    assert (document.info.target, document.info.build) == (None, None)
    assert json_numbers.loads(document.text) == info
    assert ("missing_field", "build.build_number", "the schema requires build.build_number") in found(document)  # fmt: skip


def test_message_without_texts_is_still_a_message() -> None:
    """The id, text and arguments of a message may be missing or null; the tables have empty ones."""
    info = job(messages=[{}, {"id": None, "default_message": "b", "args": None}, "c", {"args": 5}])
    document = canonical.read(info)
    assert [(m.id, m.default_message, m.args) for m in document.info.messages] == [
        ("", "", []),
        ("", "b", []),
        ("", "c", []),
        ("", "", []),
    ]
    assert json_numbers.loads(document.text)["messages"] == info["messages"]
    assert ("missing_field", "messages.1.id", "messages.1.id is null") in found(document)


def test_texts_that_no_database_stores_are_replaced_in_rows() -> None:
    """NUL and lone surrogates are in the kept document; the rows have a replacement."""
    info = job(user="a\0b", messages=[{"id": "m", "default_message": "\ud800", "args": ["\0"]}])
    document = canonical.read(info)
    assert (document.irregular, document.findings) == (True, [])
    assert document.info.user == "a\ufffdb"
    assert document.info.messages[0].args == ["\ufffd"]
    assert json.loads(document.text) == info
    assert storable("a\0\ud800\udfffb\ue000") == "a\ufffd\ufffd\ufffdb\ue000"


def test_keys_that_no_database_stores_are_replaced_in_rows() -> None:
    """The same applies to the names of params."""
    message = {"id": "m", "default_message": "", "args": [], "params": {"\0": {"s": "\0"}}}
    document = canonical.read(job(messages=[message]))
    assert document.irregular
    assert document.info.messages[0].params == {"\ufffd": schema.Param(s="\ufffd")}
    assert json.loads(document.text)["messages"] == [message]


@pytest.mark.parametrize(
    "entries",
    [
        [{"key": "a", "value": {"s": "x"}}, {"key": "a", "value": {"s": "y"}}],
        [{"key": 5, "value": {}}],
        [{"key": "a"}],
        [{"key": "a", "value": {}, "more": 1}],
        [{"key": [], "value": {}}],
        ["ab"],
        [5],
    ],
)
def test_lists_that_are_no_maps_are_kept(entries: list[Any]) -> None:
    """A list of params with a repeated key or an invalid entry is left out of the rows."""
    message = {"id": "m", "default_message": "text", "args": [], "params": entries}
    document = canonical.read(job(messages=[message]))
    assert document.irregular
    assert document.info.messages[0].params is None
    assert json_numbers.loads(document.text)["messages"] == [message]


def test_truncated_times_are_kept_exactly() -> None:
    """A time finer than a microsecond is cut in the rows, and exact in the kept document."""
    info = with_param(dt="2026-07-23T02:15:00.1234567Z")
    document = canonical.read(info)
    assert (document.irregular, document.findings) == (True, [])
    assert document.info.messages[0].params == {"k": schema.Param(dt="2026-07-23T02:15:00.123456Z")}
    assert json_numbers.loads(document.text) == info


@pytest.mark.parametrize("number", ["1E+400", "0.333333333333333333333333333333"])
def test_numbers_that_no_double_holds_are_kept(number: str) -> None:
    """A number in an error's data that no double holds makes the document irregular."""
    data = json_numbers.loads(f'{{"b":{number},"a":[1.0,true]}}')
    document = canonical.read(job("FAILED", error={"data": data}))
    assert document.irregular
    assert f'"data":{{"a":[1.0,true],"b":{number}}}' in document.text
    assert [entry[:2] for entry in found(document)] == [("bad_value", "error.data")]


def wrapped(depth: int) -> dict[str, Any]:
    error: dict[str, Any] = {"messages": []}
    for _ in range(depth):
        error = {"type": "x", "value": error}
    return error


def test_nested_errors_are_kept() -> None:
    """An error wrapped more than once is kept as a whole; one wrapped without end is refused."""
    document = canonical.read(job("FAILED", error=wrapped(5)))
    assert document.irregular
    assert json_numbers.loads(document.text)["error"] == wrapped(5)
    with pytest.raises(NotAJobError, match="differs too much from job details"):
        canonical.read(job("FAILED", error=wrapped(120)))


def test_richest_sample_survives_any_removal() -> None:
    """Whatever single value is missing from a document, the rest of it is kept."""
    for number in range(len(containers(BASE))):
        for key in list(containers(BASE)[number]) if isinstance(containers(BASE)[number], dict) else ():  # fmt: skip
            info = deepcopy(BASE)
            del containers(info)[number][key]
            if "status" in info:
                assert json_numbers.loads(canonical.read(info).text) == info
