from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import json_numbers
from archive.document.precedence import SeenInterval
from archive.ingest import formats, json_stream, raw_document
from tests.support.readers import keys, read, read_known
from tests.support.samples import API, REST, SAMPLES, exported, job, stream

KEY = "20260301-021500-25148086"
SEEN = {"first": "2026-03-01T02:20:00.000Z", "last": "2026-03-02T02:20:00.000Z"}


def test_all_answer_shapes_have_the_same_keys() -> None:
    """The map of `/api`, the list of `/rest` and the bare list name the same jobs."""
    listed = json.dumps(json.loads(REST)["value"]).encode()
    assert keys(read(API)) == keys(read(REST)) == keys(read(listed)) == list(SAMPLES)
    assert {document.key: json_numbers.loads(document.details) for document in read(API)} == SAMPLES


@pytest.mark.parametrize("indent", [None, 0, 1, "\t"])
@pytest.mark.parametrize("separators", [(",", ":"), (" ,\r\n", " : ")])
def test_white_space_does_not_matter(indent: int | str | None, separators: tuple[str, str]) -> None:
    """Pretty-printed or minified, an answer is the same."""
    text = json.dumps(SAMPLES, indent=indent, separators=separators)
    for data in (text, f"\r\n\t {text}\r\n\n"):
        found = read(data.encode())
        assert {document.key: json_numbers.loads(document.details) for document in found} == SAMPLES


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_answers_saved_by_powershell(encoding: str) -> None:
    """A byte order mark, UTF-16 and other line ends do not matter."""
    text = json.dumps(SAMPLES, indent=4, ensure_ascii=False).replace("\n", "\r\n")
    assert {
        document.key: json_numbers.loads(document.details)
        for document in read(text.encode(encoding))
    } == SAMPLES


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_json_lines_in_any_encoding(encoding: str, end: str) -> None:
    """JSON Lines are recognised in any encoding and with any line ends."""
    text = end.join(json.dumps({key: info}) for key, info in SAMPLES.items()) + end
    stream = io.BufferedReader(io.BytesIO(text.encode(encoding)), 1 << 16)
    assert formats.form(stream, "-").in_lines
    assert keys(read(text.encode(encoding), "-")) == list(SAMPLES)


@pytest.mark.parametrize(
    ("data", "name", "in_lines"),
    [
        (stream({KEY: {}}), "x.jsonl", True),
        (stream({KEY: {}}), "x.NDJSON.GZ", True),
        (stream({KEY: {}}), "x.json", False),
        (stream({KEY: {}}, {KEY: {}}), "x.json", True),
        (b"\n" + stream({KEY: {}}, {KEY: {}}), "-", True),
        (stream({KEY: {}}) + b"broken", "-", True),
        (stream({KEY: {"user": "\u010a"}}).decode().encode("utf-16-be") + b"\0x", "-", True),
        (b"[1]\n[2]\n", "-", False),
        (b'{"a":\n{}}', "-", False),
        (b"broken\n" + stream({KEY: {}}), "-", False),
        (b"[" * 5000 + b"\n1", "-", False),
    ],
)
def test_json_lines_are_recognised(data: bytes, name: str, in_lines: bool) -> None:  # noqa: FBT001 - a row
    """By the file name, or by a first line that is an object with more after it."""
    stream = io.BufferedReader(io.BytesIO(data), 1 << 16)
    assert formats.form(stream, name).in_lines is in_lines


def test_concatenated_answers() -> None:
    """Answers written one after the other, each with its own mark, are all read."""
    data = b"\xef\xbb\xbf" + json.dumps({"a": job()}, indent=1).encode()
    listed = json.dumps([{"key": "b", "value": job()}]).encode()
    rest = json.dumps({"value": [{"key": "c", "value": job()}], "x": {"y": 1}}).encode()
    assert keys(read(data + listed + b"{}[] " + rest + b"\n" + data)) == ["a", "b", "c", "a"]


def test_exported_jobs_have_their_appliance_and_times() -> None:
    """An exported job names its appliance, and optionally when it was seen."""
    seen = SEEN | {"status": {"RUNNING": SEEN["first"], "SUCCEEDED": SEEN["last"]}}
    for data in (
        stream(exported(KEY, seen=seen), exported("other")),
        json.dumps([exported(KEY, seen=seen), exported("other")]).encode(),
        json.dumps(exported(KEY, seen=seen), indent=1).encode()
        + json.dumps(exported("other"), indent=1, sort_keys=True).encode(),
        json.dumps({"info": job(), **exported(KEY, seen=seen)}, indent=1).encode()
        + json.dumps(exported("other"), indent=1, sort_keys=True).encode(),
    ):
        first, second = read(data)
        assert (first.appliance, first.key, json_numbers.loads(first.details)) == (
            "vc01",
            KEY,
            job(),
        )
        assert first.seen == SeenInterval(
            "2026-03-01T02:20:00.000000Z",
            "2026-03-02T02:20:00.000000Z",
            {
                "RUNNING": "2026-03-01T02:20:00.000000Z",
                "SUCCEEDED": "2026-03-02T02:20:00.000000Z",
            },
        )
        assert (second.appliance, second.key, second.seen) == ("vc01", "other", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"job": 5},
        {"appliance": None},
        {"more": 1},
        {"a\0b": 1},
        {"seen": {"first": SEEN["first"]}},
        {"seen": {"first": SEEN["last"], "last": SEEN["first"], "status": {}}},
        {"seen": SEEN | {"status": {"RUNNING": "2026-03-03T00:00:00Z"}}},
        {"seen": SEEN | {"status": {"RUNNING": "2026-02-28T00:00:00Z"}}},
        {"seen": SEEN | {"status": {"RUN\0": SEEN["first"]}}},
        {"seen": SEEN | {"status": {"X" * 256: SEEN["first"]}}},
        {"seen": SEEN | {"status": {"RUNNING": "yesterday"}}},
    ],
)
def test_contradictory_export_is_unreadable(fields: dict[str, Any]) -> None:
    """An exported job with a wrong field or impossible times is kept with its bytes."""
    bad = exported(KEY) | fields
    (document,) = read(stream(bad), "x.jsonl")
    assert document.problem
    assert document.problem.startswith("not an exported job: ")
    assert document.raw == stream(bad).strip()
    (document,) = read(json.dumps(bad, separators=(",", ":"), indent=None).encode())
    assert document.raw == json.dumps(bad, separators=(",", ":")).encode()


@pytest.mark.parametrize("key", ["key", "messages", "error_type", "type", "data", "info2",
                                 "status", "build", "state", "appliance", "0", 'a"b\\', "ä\n"])  # fmt: skip
@pytest.mark.parametrize("more", [{}, {"second": {}}])
def test_any_text_can_be_a_key(key: str, more: dict[str, Any]) -> None:
    """A job key that equals a field name is a key if its value is a job's details."""
    answer = {key: job(), **more}
    assert keys(read(json.dumps(answer).encode())) == [key, *more]
    entries = [{"key": name, "value": value} for name, value in answer.items()]
    assert keys(read(json.dumps({"value": entries}).encode())) == [key, *more]


def test_repeated_key() -> None:
    """A map with the same key twice gives both documents."""
    first, second = read(b'{"a": {"status": "PENDING"}, "a": {"status": "RUNNING"}}')
    assert (first.key, second.key) == ("a", "a")
    assert (json_numbers.loads(first.details), json_numbers.loads(second.details)) == (
        {"status": "PENDING"},
        {"status": "RUNNING"},
    )


def test_empty_answer() -> None:
    """An empty map or list has no documents, and is no error."""
    for data in (b"{}", b"[]", b'{"value": []}', b" { } ", b"{}\n{}\n"):
        assert read(data) == []


@given(st.integers(1, 40), st.sampled_from([API, REST, b"\xef\xbb\xbf" + API, API.decode().encode("utf-16")]))  # fmt: skip
def test_any_chunk_size_gives_the_same_documents(size: int, data: bytes) -> None:
    """However little of an import is read at a time, its documents are the same."""
    whole = read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", size)
        assert read(data, buffer=16) == whole


def test_quarantined_bytes_are_read_again() -> None:
    """The bytes of a quarantined document are read as the same document."""
    for data in (
        b'{"20260301-021500-1": {"x": 5}}',
        b'[{"key": "a", "value": 5}]',
        b'[{"value": {"status": "RUNNING"}, "key": "a"}]',
        b'{"20260301-021500-1": {"x": 5}}\n{}\n',
        b'{"appliance": "vc01", "job": "a", "info": 5}',
        b'[{"appliance": "vc01", "job": "a", "info": 5}]',
    ):
        (document,) = read(data)
        (again,) = formats.read_again(document.raw)
        assert (again.key, json_numbers.loads(again.details), again.appliance) == (
            document.key,
            json_numbers.loads(document.details),
            document.appliance,
        )
    assert keys(formats.read_again(b'{"a": {}, "b": {}}')) == ["a", "b"]
    for broken in (b"\xff", b'"a"', b"5", b'{"key": "a"}'):
        (document,) = formats.read_again(broken)
        assert document.problem


def marks(data: bytes) -> list[bytes]:
    """Return the fingerprints of the documents of an answer."""
    return [raw_document.fingerprint(document.raw) for document in read(data)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("source", [API, REST])
def test_known_documents_are_skipped(source: bytes, indent: int | None) -> None:
    """For known documents only the fingerprints are returned, in their place."""
    data = json.dumps(json.loads(source), indent=indent).encode()
    whole, found = read(data), marks(data)
    for known in (found, found[::2], found[:1], found[-1:], [], [b"x" * 16]):
        documents = read_known(data, known)
        assert documents == [
            raw_document.KnownDocument(mark) if mark in known else document
            for mark, document in zip(found, whole, strict=True)
        ]


@given(st.integers(1, 40), st.sampled_from([API, REST]), st.sets(st.integers(0, 10)))
def test_any_chunk_size_skips_the_same_documents(size: int, data: bytes, places: set[int]) -> None:
    """However little is read at a time, the same documents are skipped."""
    known = [mark for place, mark in enumerate(marks(data)) if place in places]
    whole = read_known(data, known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", size)
        assert read_known(data, known, buffer=16) == whole


def test_text_that_looks_like_a_boundary() -> None:
    """A boundary within a text or a param does not split a document."""
    odd = job(
        messages=[{"id": "m", "default_message": '},"2', "args": [], "params": {"2": {"s": "x"}}}]
    )
    data = json.dumps({"20260101-000000-1": odd, "20260102-000000-2": odd}, separators=(",", ":"))
    whole, found = read(data.encode()), marks(data.encode())
    assert read_known(data.encode(), found) == list(map(raw_document.KnownDocument, found))
    assert read_known(data.encode(), found[:1]) == [raw_document.KnownDocument(found[0]), whole[1]]
