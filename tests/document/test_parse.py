from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import json_numbers
from archive.document import canonical, parse, parts, structures
from archive.document.flatten import normalise
from archive.document.rebuild import rebuild
from archive.errors import NotAJobError
from tests.support.samples import SAMPLES, job
from tests.support.strategies import JSON, TEXT, documents, messages
from tests.vcenter_server.shapes import to_rest

if TYPE_CHECKING:
    from collections.abc import Callable


def text(value: Any, **options: Any) -> bytes:
    return json.dumps(value, **options).encode()


def plain(value: Any) -> Any:
    """Return a value with tuples for all lists and named tuples."""
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


def with_message(**fields: Any) -> dict[str, Any]:
    return job(messages=[{"id": "m", "default_message": "m", "args": []} | fields])


def is_split(document: bytes) -> bool:
    """Whether a document is read by the compiled code."""
    try:
        parse._split(structures.split_info(document), document, 0)
    except parse._UNCOMMON:
        return False
    return True


def finished() -> st.SearchStrategy[dict[str, Any]]:
    """Documents without findings, but with any texts and messages."""
    return st.builds(
        job,
        st.sampled_from(["SUCCEEDED", "FAILED"]),
        messages=st.lists(messages(2), max_size=3),
        location=TEXT,
        user=TEXT,
        build=st.fixed_dictionaries({"version_name": TEXT, "version": TEXT, "build_number": TEXT}),
    )


@given(
    documents() | finished() | st.builds(lambda raw, more: raw | more, documents(), st.dictionaries(TEXT, JSON)),
    st.sampled_from([lambda raw: raw, to_rest]),
    st.booleans(),
)  # fmt: skip
def test_both_ways_agree(
    raw: dict[str, Any],
    shaped: Callable[[Any], Any],
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    """The compiled code gives the digest, the rank, the rows and the findings of the schema."""
    document = text(shaped(raw), ensure_ascii=ascii_only)
    read = parse.parse(document)
    assert plain(read) == plain(parse.by_value(document))
    line = text({"appliance": "a", "job": "k", "info": shaped(raw)})
    parsed = parse.parse_line(line)
    if parsed is not None:
        assert plain(parsed) == ("a", "k", None, plain(read))


@pytest.mark.parametrize("key", SAMPLES)
def test_samples_are_split(key: str) -> None:
    """Documents as appliances send them are read by the compiled code, in either shape."""
    assert is_split(text(SAMPLES[key]))
    assert is_split(text(to_rest(SAMPLES[key])))


@pytest.mark.parametrize(
    "raw",
    [
        job("RUNNING"),
        job("PENDING", user=None, error=None, description=None),
        job(size=-1),
        job(start_time="2026-03-01T04:15:00+02:00"),
        with_message(params={"at": {"dt": "2026-03-01T04:15:00+02:00"}, "a": {"d": 0.5}}),
        with_message(params=[{"key": "b", "value": {"s": "x"}}, {"key": "a", "value": {"i": 1}}]),
        with_message(localized="ä€😀"),
        job("FAILED", error={"error_type": "E", "data": {"x": [0.5, None]}, "messages": []}),
    ],
    ids=str,
)
def test_regular_documents_are_split(raw: dict[str, Any]) -> None:
    """Open jobs, findings, offsets, doubles, entry lists and nulls need not be read value by value."""
    assert is_split(text(raw))


@pytest.mark.parametrize(
    "raw",
    [
        job(new=1),
        job(size=1.0),
        job(user="\0"),
        job(user="\ud800"),
        job(start_time="2026-02-30T02:15:00.000Z"),
        job(start_time="2026-03-01T24:15:00.000Z"),
        job(messages=[None]),
        job(progress={"completed": 1, "total": 1, "message": None}),
        with_message(args=None),
        with_message(params={"a": {"dt": "2026-02-30T02:15:00.000Z"}}),
        with_message(params={"a": {"l": {"id": "n", "params": {"b": {"i": "1"}}}}}),
        job(user="sftp://user:secret@host/"),
        with_message(args=["sftp://user:secret@host/"]),
    ],
    ids=repr,
)
def test_other_documents_are_read_by_value(raw: dict[str, Any]) -> None:
    """What the schema refuses, or must be looked at more closely, is left to the careful way."""
    assert not is_split(text(raw))
    assert plain(parse.parse(text(raw))) == plain(parse.by_value(text(raw)))


def test_long_messages_are_not_kept() -> None:
    """A message of any length is read, but only the shorter ones are remembered."""
    parts._message.cache_clear()
    raw = with_message(default_message="x" * 20_000)
    assert parse.parse(text(raw)).rows.messages[-1][1][1][1:] == ("m", "x" * 20_000)
    assert parts._message.cache_info().currsize == 2


@pytest.mark.parametrize(
    "number",
    ["12.34", "12.340", "1e3", "1E3", "-0.0", "0.0", "7", "-2.5", "0.00001", "1e16", "123456789012345.6"],
)  # fmt: skip
def test_double_has_one_form_in_the_digest(number: str) -> None:
    """The compiled code and the schema write each double alike."""
    raw = text(with_message(params={"a": {"d": "N"}})).replace(b'"N"', number.encode())
    assert plain(parse.parse(raw)) == plain(parse.by_value(raw))


@pytest.mark.parametrize("number", ["0." + "1" * 30, "9007199254740993", "1e400", "1" * 400])
def test_double_keeps_all_digits(number: str) -> None:
    """A number that no double has is kept, in lines and in answers alike."""
    raw = text(with_message(params={"a": {"d": "N"}})).replace(b'"N"', number.encode())
    read = parse.parse(raw)
    assert read.irregular is not None
    assert json_numbers.loads(read.irregular) == json_numbers.loads(raw.decode())
    assert [finding.code for finding in read.findings] == ["bad_value"]
    assert parse.parse_line(b'{"appliance":"a","job":"k","info":' + raw + b"}") is None


@pytest.mark.parametrize("name", ["\\ud800", "\\udc00x", "a\\ud83d", "ä\\udfff"])
@pytest.mark.parametrize(
    "form",
    [
        '"messages":[{{"id":"m","default_message":"t","args":[],"params":{{"{}":{{"i":1}}}}}}]',
        '"messages":[],"error":{{"data":{{"{}":1}}}}',
        '"messages":[{{"id":"m","args":[],"params":{{"p":{{"l":{{"id":"n","params":{{"{}":{{}}}}}}}}}}}}]',
    ],
)
def test_name_with_a_lone_surrogate_is_kept(name: str, form: str) -> None:
    """It is in the canonical form as it came, and in the rows replaced."""
    read = parse.parse(f'{{"status":"FAILED",{form.format(name)}}}'.encode())
    assert read.irregular is not None
    assert json.loads(f'"{name}"') in _names(json.loads(read.irregular))
    repr(read.rows).encode()


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_names, value))
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    return set()


@pytest.mark.parametrize(
    "number", ["6E442450944", "-6E442450944", "1E-442450944", "9" * 4000 + "E9999"]
)
def test_number_of_any_exponent_is_kept(number: str) -> None:
    """A size that no number of the machine can have is a finding, and stays in the document."""
    read = parse.parse(f'{{"status":"FAILED","messages":[],"size":{number}}}'.encode())
    assert ("bad_value", "size") in [(found.code, found.field) for found in read.findings]
    assert read.rows.job.size_bytes is None
    assert json_numbers.loads(str(read.irregular))["size"] == json_numbers.parse_float(number)


def test_password_in_a_status_is_not_in_the_findings() -> None:
    """A status itself stays as it is."""
    read = parse.parse(text(job("password=Zq7x")))
    assert read.findings
    assert "Zq7x" not in repr(read.findings)
    assert plain(read) == plain(parse.by_value(text(job("password=Zq7x"))))


def test_object_in_the_place_of_a_text_shows_no_password() -> None:
    """The text that a repair makes of it is masked like any other."""
    secret = {"password": "Zq7x", "to": "ftp://u:Zq7x@nas", "user": "a@b"}
    info = job(messages=[{"id": "m", "default_message": secret, "args": [secret]}])
    read = parse.parse(text(info))
    assert "Zq7x" not in repr(read.rows)
    assert "Zq7x" not in repr(read.findings)


SECRET_PARAMS: dict[str, Any] = {
    "a text": {"password": "Zq7x"},
    "a list": {"password": ["Zq7x"]},
    "a text in an object": {"password": {"s": {"x": "Zq7x"}}},
    "repeated entries": [{"key": "password", "value": {"s": "Zq7x"}}] * 2,
    "entries of texts": [{"key": "password", "value": "Zq7x"}],
    "an entry below": {"a": {"s": [{"key": "password", "value": "Zq7x"}]}},
    "an entry as a name": {"a": {"l": {"id": [{"key": "password", "value": {"s": "Zq7x"}}]}}},
}


@pytest.mark.parametrize("params", SECRET_PARAMS.values(), ids=SECRET_PARAMS)
def test_bad_value_of_a_secret_is_in_no_finding_and_no_row(params: Any) -> None:
    """Neither if the name of the secret is that of the param, nor if it is beside the value."""
    read = parse.parse(text(with_message(params=params)))
    assert read.findings
    assert "Zq7x" not in repr(read.findings)
    assert "Zq7x" not in repr(read.rows)
    assert read.irregular is not None
    assert "Zq7x" in read.irregular


REPEATED = {
    "simple": ('"size"', '"duration":1,"size"', "duration"),
    "escaped": ('"size"', '"\\u0073ize":1,"size"', "size"),
    "message": ('"id"', '"id":"x","id"', "description.id"),
    "nested": ('"args"', '"params":{"a":{"i":1},"a":{"i":2}},"args"', "description.params.a"),
    "data": ('"size"', '"error":{"data":{"b":1,"b":1}},"size"', "error.data.b"),
    "beside escaped quotes": ('"size"', '"duration":1,"user":"\\u0022\\u0022","size"', "duration"),
    "beside them in a part": (
        '"id"',
        '"id":"","localized":"\\u0022\\u0022\\u0022\\u0022","id"',
        "description.id",
    ),
}


@pytest.mark.parametrize(("before", "after", "field"), REPEATED.values(), ids=REPEATED)
def test_repeated_member_is_a_finding(before: str, after: str, field: str) -> None:
    """A member that occurs twice in an object is kept both times; its last value counts."""
    raw = text(job("FAILED"), separators=(",", ":")).replace(before.encode(), after.encode(), 1)
    read = parse.parse(raw)
    assert read.irregular is not None
    assert ("repeated_member", field) in [(found.code, found.field) for found in read.findings]
    assert json_numbers.has_repeated(json_numbers.loads(read.irregular))
    again = parse.parse(read.irregular.encode())
    assert (again.digest, again.findings) == (read.digest, read.findings)
    line = b'{"appliance":"a","job":"k","info":' + raw + b"}"
    assert parse.parse_line(line) is None


@given(st.dictionaries(st.text(min_size=3, max_size=5), JSON, min_size=2), st.randoms())
def test_findings_do_not_depend_on_the_order_of_fields(
    unknown: dict[str, Any], random: Any
) -> None:
    """Documents with one canonical form have the same findings in the same order."""
    raw = job() | {f"x_{name}": value for name, value in unknown.items()}
    fields = list(raw.items())
    random.shuffle(fields)
    assert parse.parse(text(dict(fields))) == parse.parse(text(raw))
    document = canonical.read(raw)
    assert canonical.read(json_numbers.loads(document.text)).findings == document.findings


@pytest.mark.parametrize("raw", [b'{"a":1,[]:2}', b"{", b"", b"nul", b'"\\x"'])
def test_text_that_is_not_json_is_refused(raw: bytes) -> None:
    """Text that is not JSON cannot be a job."""
    with pytest.raises(NotAJobError, match="not JSON"):
        parse.parse(raw)
    assert parse.parse_line(b'{"appliance":"a","job":"k","info":' + raw + b"}") is None


def test_long_status_is_refused() -> None:
    """A status is a key of a table: one that is too long cannot be archived."""
    assert parse.parse(text(job() | {"status": "x" * 255})).status == "x" * 255
    with pytest.raises(NotAJobError, match="longer than 255"):
        parse.parse(text(job() | {"status": "x" * 256}))


def test_long_type_is_set_aside() -> None:
    """A type is a key of a table, but a job can be without one: its document is kept whole."""
    assert parse.parse(text(job(type="x" * 255))).rows.job.type == "x" * 255
    read = parse.parse(text(job(type="x" * 256)))
    assert read.rows.job.type is None
    assert read.irregular is not None
    assert json.loads(read.irregular)["type"] == "x" * 256
    assert ("bad_value", "type") in [(found.code, found.field) for found in read.findings]
    assert plain(read) == plain(parse.by_value(text(job(type="x" * 256))))


def test_deep_nesting_is_refused() -> None:
    """A document nested too deeply for the parsers cannot be a job."""
    with pytest.raises(NotAJobError):
        parse.parse(b'{"status":"PENDING","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


DEEP = {
    "params": ('"messages":[]', '"messages":[{"args":[],"default_message":"","id":"m","params":', '{"p":{"l":{"id":"n","params":', "{}", "}}}", "}]"),
    "with an escape": ('"messages":[]', '"messages":[{"args":[],"default_message":"","id":"\\u00e4","params":', '{"p":{"l":{"id":"n","params":', "{}", "}}}", "}]"),
    "lists": ('"messages"', '"error":{"data":', "[", "", "]", '},"messages"'),
    "maps": ('"messages"', '"error":{"data":', '{"a":', "1", "}", '},"messages"'),
    "unknown": ('"messages"', '"new":', '{"a":', "1", "}", ',"messages"'),
}  # fmt: skip


@pytest.mark.parametrize("depth", [60, 200, 253, 254, 255, 300, 400])
@pytest.mark.parametrize("form", DEEP)
def test_what_is_archived_can_be_written_again_however_deep(form: str, depth: int) -> None:
    """A document that is nested more deeply than the schema can write is refused."""
    place, before, opening, inner, closing, after = DEEP[form]
    whole = before + opening * depth + inner + closing * depth + after
    raw = text(job("FAILED"), separators=(",", ":")).replace(place.encode(), whole.encode(), 1)
    try:
        expected = parse.by_value(raw)
    except NotAJobError:
        assert depth > 200
        with pytest.raises(NotAJobError, match="nested too deeply"):
            parse.parse(raw)
    else:
        assert plain(parse.parse(raw)) == plain(expected)
        assert expected.irregular or rebuild(expected.rows).to_json()


def test_observation_times_are_parsed() -> None:
    """The times of an exported job are parsed; instants get their fixed width."""
    first, last = "2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"
    seen = {"first": first, "last": last, "status": {"SUCCEEDED": last}}
    line = {"appliance": "a", "job": "k", "info": job(), "seen": seen}
    read = parse.parse_line(text(line))
    assert read is not None
    assert read[:3] == (
        "a",
        "k",
        (
            "2026-03-01T00:00:00.000000Z",
            "2026-03-02T00:00:00.000000Z",
            {"SUCCEEDED": "2026-03-02T00:00:00.000000Z"},
        ),
    )
    assert parse.parse_line(text(line | {"seen": None})) is not None
    for wrong in (seen | {"last": "2026-02-01T00:00:00.000Z"}, seen | {"first": "x"}, {}, 5):
        assert parse.parse_line(text(line | {"seen": wrong})) is None
    assert parse.parse_line(text(line | {"new": 1})) is None


def test_rows_are_those_of_the_schema() -> None:
    """Nested params become rows below their parent, in the order of their names at each depth."""
    inner = {"z": {"i": 1, "precision": 2}, "a": {"dt": "2026-03-01T02:15:30.000Z"}}
    raw = with_message(
        params={"y": {"l": {"id": "n", "params": inner}}, "b": {"l": {"id": "m"}}, "c": {"s": "x"}}
    )
    rows = parse.parse(text(raw)).rows
    assert plain(rows) == plain(normalise(canonical.read(raw).info))
    assert [row[:3] for row in rows.messages[-1][1][5]] == [
        (0, None, "b"), (1, None, "c"), (2, None, "y"), (3, 2, "a"), (4, 2, "z")
    ]  # fmt: skip
