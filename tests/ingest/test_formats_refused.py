from __future__ import annotations

import json
from typing import Any

import pytest

from archive import json_numbers
from archive.errors import InputError
from archive.ingest.raw_document import RawDocument
from tests.support.readers import keys, read
from tests.support.samples import API, REST, SAMPLES, job, stream

KEY = "20260301-021500-25148086"
SEEN = {"first": "2026-03-01T02:20:00.000Z", "last": "2026-03-02T02:20:00.000Z"}


BROKEN_VALUES = [b"5", b'"x"', b"null", b"[]", b"true", b'{"a":1}']


@pytest.mark.parametrize("broken", BROKEN_VALUES)
@pytest.mark.parametrize("place", [0, 50, 99])
def test_one_of_a_hundred_is_no_object(broken: bytes, place: int) -> None:
    """A value that is no job's details is unreadable, and the others are read."""
    names = [f"20260301-0{number:05d}-1" for number in range(100)]
    values = [b"{}"] * 100
    values[place] = broken
    mapped = b",".join(
        b'"' + name.encode() + b'": ' + value for name, value in zip(names, values, strict=True)
    )
    listed = b",".join(
        b'{"key": "' + name.encode() + b'", "value": ' + value + b"}"
        for name, value in zip(names, values, strict=True)
    )
    for data in (b"{" + mapped + b"}", b"[" + listed + b"]", b'{"value": [' + listed + b"]}"):
        found = read(data)
        assert keys(found) == names
        assert json_numbers.loads(found[place].details) == json.loads(broken)
        assert found[place].raw in (
            b'"' + names[place].encode() + b'":' + broken,
            b'{"key": "' + names[place].encode() + b'", "value": ' + broken + b"}",
        )


@pytest.mark.parametrize("entry", [b"5", b'"x"', b"null", b'{"key":5,"value":{}}', b'{"key": "a"}', b"{}"])  # fmt: skip
@pytest.mark.parametrize("place", [1, 99])
def test_one_of_a_hundred_is_no_entry(entry: bytes, place: int) -> None:
    """An invalid entry of a list is unreadable, with its exact bytes, and the others are read."""
    parts = [b'{"key": "k%d", "value": {}}' % number for number in range(100)]
    parts[place] = entry
    for data in (b"[" + b" ,\n".join(parts) + b"]", b'{"value":[' + b",".join(parts) + b"]}"):
        found = read(data)
        assert [document.key for document in found if document.problem is None] == [
            f"k{number}" for number in range(100) if number != place
        ]
        assert found[place] == RawDocument(
            None,
            "",
            entry.decode(),
            f"document {place + 1}",
            problem="not an entry with a job key and job details",
        )


@pytest.mark.parametrize("entry", [b'{"key":5,"value":{}}', b'{"key":"a"}', b'{"key":"a","value":NaN}', b"[NaN]"])  # fmt: skip
def test_first_entry_can_be_broken(entry: bytes) -> None:
    """A broken first entry does not make the whole list unreadable."""
    first, second = read(b"[" + entry + b',{"key":"b","value":{}}]')
    assert first.problem is not None
    assert first.raw == entry
    assert second.key == "b"


@pytest.mark.parametrize(
    "line",
    [
        b'{"20260301-021500-1": {"status": }}',
        b'{"20260301-021500-1": {"status": "PEN',
        b"}",
        b"\xff\xfe",
        b'"a text"',
        b"17",
        b'["id"]',
        b'{"info": 5}',
        b'{"appliance":"vc01","job":"\xff","info":{}}',
        b'{"20260301-021500-1": {"user": "\xe4"}}',
        b'{"20260301-021500-1": {"size": NaN}}',
        b'{"20260301-021500-1": ' + b"[" * 11_000 + b"]" * 11_000 + b"}",
        b'{"appliance":"vc01","job":"x","info":{"size":Infinity}}',
    ],
)
@pytest.mark.parametrize("place", [1, 99])
def test_one_of_a_hundred_lines_is_broken(line: bytes, place: int) -> None:
    """A broken line is unreadable, with its exact bytes, and reading goes on."""
    parts = [b'{"k%d": {}}' % number for number in range(100)]
    parts[place] = line
    found = read(b"\r\n\n".join(parts))
    assert [document.key for document in found if document.problem is None] == [
        f"k{number}" for number in range(100) if number != place
    ]
    bad = found[place]
    assert (bad.key, bad.details) == (None, "")
    assert bad.raw in (line, line[1:-1].replace(b": ", b":", 1))
    assert bad.position.startswith(f"line {2 * place + 1}")


def test_one_of_a_hundred_has_an_invalid_number() -> None:
    """In a map, only the document with a number that JSON does not have is unreadable."""
    parts = [b'"k%d": {}' % number for number in range(100)]
    parts[50] = b'"k50": {"size": [NaN, "}"]}'
    found = read(b"{" + b",".join(parts) + b"}")
    assert len([document for document in found if document.problem is None]) == 99
    assert found[50].raw == b'"k50":{"size": [NaN, "}"]}'
    assert found[50].problem is not None
    assert "unsupported number" in found[50].problem


@pytest.mark.parametrize("text", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_bytes_that_are_not_utf_8_are_kept(text: bytes) -> None:
    """A document that is not UTF-8 is unreadable, and keeps its bytes; the others are read."""
    bad = b'"x": {"user": "' + text + b'"}'
    for data in (b'{"a":{},' + bad + b"}", b'{"a":{}}\n{' + bad + b"}\n"):
        good, found = read(data)
        assert (good.key, good.problem) == ("a", None)
        assert found.problem == "not valid UTF-8"
        assert found.raw == bad.replace(b": {", b":{")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "the job key must have 1 to 255 characters"),
        ("x" * 256, "the job key must have 1 to 255 characters"),
        ("a\0b", "the job key has invalid characters"),
        ("a\ud800b", "the job key has invalid characters"),
    ],
)
def test_keys_must_be_text(key: str, problem: str) -> None:
    """A key that no table can store makes its document unreadable."""
    _, found = read(json.dumps({"first": {}, key: {}}).encode())
    assert (found.key, found.problem) == (None, problem)
    assert found.raw == json.dumps(key).encode() + b":{}"


MESSAGES = [{"id": "x", "default_message": "Authentication required.", "args": []}]
IDS = "a list of job IDs without details; expected the answer of GET"
ERROR = "an error answer from vCenter (UNAUTHENTICATED: Authentication required.); expected"
OLDER = "an answer of the older .../job/{id} request; expected"
BARE = 'job details without a job key; write them as {"<job key>": <details>}'
STATUS = "a status, but no backup job ("
NONE = "JSON without job details ("


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ([KEY], IDS),
        ({"value": [KEY]}, IDS),
        ({"error_type": "UNAUTHENTICATED", "messages": MESSAGES}, ERROR),
        ({"messages": MESSAGES, "error_type": "UNAUTHENTICATED"}, ERROR),
        ({"data": {"a": 1}, "messages": MESSAGES, "error_type": "UNAUTHENTICATED"}, ERROR),
        ({"type": "UNAUTHENTICATED", "value": {"messages": MESSAGES}}, ERROR),
        ({"value": {"messages": MESSAGES}, "type": "UNAUTHENTICATED"}, ERROR),
        (
            {"type": "com.vmware.x", "value": {"messages": []}},
            "answer from vCenter (com.vmware.x);",
        ),
        ({"id": KEY, "state": "INPROGRESS", "messages": [], "progress": 5}, OLDER),
        ({"value": {"id": KEY, "state": "INPROGRESS"}}, OLDER),
        ({"messages": [], "state": "FAILED"}, OLDER),
        (job(), BARE),
        (dict(sorted(SAMPLES["20260723-021500-25148086"].items())), BARE),
        ({"value": job()}, BARE),
        ({"progress": {"total": 1}, "status": "PENDING"}, BARE),
        ({"type": "about:blank", "title": "Not Found", "status": 404}, STATUS + "404 Not Found);"),
        ({"metadata": {}, "status": "Failure", "code": 404}, STATUS + "Failure 404);"),
        ({"error": {"code": 404, "status": "NOT_FOUND"}}, NONE + 'an object with "error");'),
        ({"reply": {"code": 5, "status": "NOT_FOUND"}}, NONE + 'an object with "reply");'),
        ({"status": "UP", "description": "x", "messages": []}, STATUS + "UP);"),
        ({"json": {"value": [{"key": KEY, "value": job()}]}}, "details are below .json.value:"),
        ([{}, {"a-b": {KEY: job()}}], 'details are below .[1]["a-b"]:'),
        (json.dumps({KEY: job()}), "a text that contains JSON;"),
        (5, NONE + "a number); expected the answer of GET /api/appliance/"),
        ("token", NONE + "a text);"),
        (None, NONE + "null);"),
        ({"value": None}, NONE + 'an object with "value");'),
        ([5], NONE + "a list whose first value is a number);"),
        ([[]], NONE + "a list whose first value is an empty list);"),
        ({"value": "token"}, NONE + "a text);"),
        ({"version": "8.0.3.00400", "product": "vCenter"}, NONE + 'an object with "version", '),
        ([{"id": "common", "name": {}}], NONE),
        ({f"member{number}": number for number in range(1000)}, '"member3", ...);'),
    ],
)
def test_other_json_is_refused(answer: Any, sentence: str) -> None:
    """JSON that is no details answer is refused as a whole, and the error says what it is."""
    with pytest.raises(InputError) as refused:
        read(json.dumps(answer, indent=1).encode())
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the input is empty"),
        (b" \r\n", "the input is empty"),
        (b"\xef\xbb\xbf", "the input is empty"),
        (b"\xff\xfe\r\0\n\0", "the input is empty"),
        (b"NaN", "invalid JSON: unsupported number"),
        (b"<html>no healthy upstream</html>", "invalid JSON: Expecting value at character 0"),
        (API[: len(API) // 2], "cut off: the JSON ends early, at character"),
        (REST[: len(REST) // 2], "cut off: the JSON ends early, at character"),
        (API[:-2], "cut off: the JSON ends early, at character"),
        (REST[:-2], "cut off: the JSON ends early, at character"),
        (b'{"a": {}} x', "invalid JSON: Expecting value at character"),
        (b"{5: {}}", "invalid JSON: a key is not a string"),
        (b'{"a": {}, 5: {}}', "invalid JSON: a key is not a string"),
        (b'{"a" {}}    ', "invalid JSON: missing ':' at character 5"),
        (b'{"a": {} "b": {}}', "invalid JSON: missing '}' at character 9"),
        ('{"a": {}'.encode("utf-16") + b"x", "not valid utf-16"),
        (stream({KEY: {}}, {}).decode().encode("utf-16") + b"x", "not valid utf-16"),
    ],
)
def test_invalid_json_is_refused(data: bytes, sentence: str) -> None:
    """Invalid or truncated JSON is refused as a whole, and the error has the position."""
    with pytest.raises(InputError) as refused:
        read(data)
    assert str(refused.value).startswith(sentence)
