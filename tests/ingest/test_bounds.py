"""What an input may hold: no input takes memory or time without bound."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from archive.document.parse import parse
from archive.document.schema import MOST_REFUSALS
from archive.errors import InputError, NotAJobError
from archive.ingest import answer_text, batches, document_boundaries, formats, json_stream
from archive.ingest.raw_document import KnownDocument, fingerprint
from tests.support.readers import keys, read, read_known
from tests.support.samples import job

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

KEY = "20260723-021500-24322831"
GOOD = json.dumps({KEY: job()}).encode()


class Endless(io.RawIOBase):
    """A start, then the same bytes for ever; `given` counts what has been read."""

    def __init__(self, start: bytes, more: bytes) -> None:
        self._rest = start
        self._more = more
        self.given = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer."""
        times = (len(buffer) - len(self._rest)) // len(self._more) + 1
        self._rest += self._more * max(times, 0)
        buffer[:] = self._rest[: len(buffer)]
        self._rest = self._rest[len(buffer) :]
        self.given += len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("start", "more", "problem"),
    [
        (b"", b" \n", "starts with more than 1,048,576 bytes of white space"),
        (GOOD[:-1], b" ", "more than 1,000,000 characters of white space, at character"),
        (GOOD, b"\r\n", "more than 1,000,000 characters of white space, at character"),
        (b"[", b"\t", "more than 1,000,000 characters of white space, at character 1"),
        (GOOD[:-2] + b',"user":"', b"x", "a value of more than 8,000,000 characters: too long"),
        (GOOD[:-2] + b',"size":', b"9", "a value of more than 8,000,000 characters: too long"),
        (GOOD[:-2] + b',"user":', b"[", "a value of more than 8,000,000 characters: too long"),
        (GOOD[:-2] + b',"a":1', b',"a":1', "a value of more than 8,000,000 characters: too long"),
        (b'{"', b"x", "a value of more than 2,000,000 characters, at character 1"),
        (b'{"a":1', b',"b":1', "JSON without job details"),
        (b"[1", b",1", "JSON without job details"),
        (b"[{}", b",{}", "JSON without job details"),
    ],
)
def test_endless_input_is_refused(
    monkeypatch: pytest.MonkeyPatch, start: bytes, more: bytes, problem: str
) -> None:
    """An input that never ends is refused after a bounded part of it."""
    monkeypatch.setattr(json_stream, "LONGEST", 2_000_000)
    monkeypatch.setattr(json_stream, "LONGEST_SPACE", 1_000_000)
    source = Endless(start, more)
    stream = io.BufferedReader(source, 1 << 16)
    with pytest.raises(InputError) as refused:
        list(formats.documents(stream, formats.form(stream, "-").encoding))
    assert str(refused.value).startswith(problem)
    assert source.given < 6 * json_stream.LONGEST


def test_endless_blank_lines_are_refused() -> None:
    """Lines without end that hold nothing are refused; what preceded them was read."""
    stream = io.BufferedReader(Endless(GOOD + b"\n", b"\n"), 1 << 16)
    read_lines = formats.lines(stream, "utf-8")
    assert next(read_lines).number == 1
    with pytest.raises(InputError, match="more than 1,048,576 bytes of blank lines"):
        next(read_lines)


def shapes(documents: list[str]) -> list[str]:
    """Return answers of both APIs, and JSON Lines, that have these texts as details of jobs."""
    entries = [f'{{"key": "{KEY}{n}", "value": {text}}}' for n, text in enumerate(documents)]
    members = [f'"{KEY}{n}": {text}' for n, text in enumerate(documents)]
    both = "{" + ",\n ".join(members) + "}"
    return [
        both,
        f'{{"value": {both}}}',
        f'{{"value": [{", ".join(entries)}]}}',
        f"[{entries[0]}," + ",".join(entries[1:]) + "]",
    ]


# In a string: a backslash, a quote, and a bracket that does not count.
ESCAPED = r"\\\"{"
BROKEN = {
    "bad token": '{"status": nil}',
    "unescaped quote": '{"user": "the "admin", again", "a": [1]}',
    "one quote too many": '{"user": "the admin"", "status": "SUCCEEDED"}',
    "bracket too few": '{"messages": [{"id": "a"], "status": "SUCCEEDED"}',
    "bracket too many": '{"messages": []], "status": "SUCCEEDED"}',
    "comma too many": '{"status": "SUCCEEDED",}',
    "raw control": '{"user": "a\x01b"}',
    "bad escape": r'{"user": "DOM\admin"}',
    "comment": '{"status": "SUCCEEDED" /* all, {well} */}',
    "colon missing": '{"status" "SUCCEEDED"}',
    "quote too few": '{"user": "the admin, "status": "SUCCEEDED"}',
    "quote too few at the end": '{"status": "SUCCEEDED}',
    "bracket too few at the end": '{"status": "SUCCEEDED", "a": [{"b": {"c": 1}]}',
    "closed too early": '{"status": "SUCCEEDED"}, "size": 1, "build": {"version": "8"}}',
    "closed twice too early": '{"status": "SUCCEEDED"}}, "size": 1, "build": {"version": "8"}}',
    "closed before a part's field": '{"build": {"version": "8"}}, "build_number": "1", "status": "FAILED"}',
    "closed before a broken name": '{"status": "SUCCEEDED"}, "si\x14ze": {"a": 1}}',
    "closed before half a name": '{"status": "FAILED"}, "d", "size": 1}',
    "closed before an entry": '{"status": "FAILED"}, {"key": "a", "value": []}, "size": 1}',
    "closed without a comma": '{"status": "SUCCEEDED"} "size": 1}',
    "closed, and opened": '{"status": "SUCCEEDED"}, {"size": 1}',
    "all of it": '{"a": "x"", "b": [[}, "c" nil, {"d": "}',
}

NO_OBJECT = {
    "without its first bracket": '"status": "SUCCEEDED", "size": 1}',
    "a word": "nil",
    "several words": "not available, sorry",
    "two values": '"FAILED" {"status": "FAILED"}',
}
EVERY = BROKEN | NO_OBJECT


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("broken", EVERY.values(), ids=EVERY)
def test_document_that_is_no_json_does_not_take_its_neighbours(broken: str, place: int) -> None:
    """It is kept byte for byte, also if its brackets or quotes are not those of JSON."""
    documents = [json.dumps(job())] * 3
    documents[place] = broken
    for text in shapes(documents):
        found = read(text.encode())
        assert [each.problem is None for each in found] == [n != place for n in range(3)], text
        assert broken in found[place].text
        assert str(found[place].problem).startswith("invalid JSON: ")
        assert keys(found[:place] + found[place + 1 :]) == [
            f"{KEY}{n}" for n in range(3) if n != place
        ]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_last_document_that_is_no_json_ends_before_what_follows(broken: str) -> None:
    """Other members of the wrapper follow it, white space, or another answer."""
    documents = [json.dumps(job()), broken]
    plain, _, wrapped, *_ = shapes(documents)
    further = wrapped.rstrip().removesuffix("}") + ', "of": "vc01",\n "page": 1 }\n'
    for text in (further, f"{plain}\n {wrapped}", f"{wrapped}\n"):
        found = read(text.encode())
        number = 2 * text.count(broken)
        assert [each.problem is None for each in found] == [n % 2 == 0 for n in range(number)]


@pytest.mark.parametrize("place", [0, 1])
def test_document_without_its_last_bracket_does_not_take_its_neighbours(place: int) -> None:
    """It would close with the bracket of the answer."""
    documents = [json.dumps(job())] * 3
    documents[place] = '{"status": "SUCCEEDED", "build": {"version": "8"}'
    for text in shapes(documents):
        found = read(text.encode())
        assert [each.problem is None for each in found] == [n != place for n in range(3)], text
        assert documents[place] in found[place].text


@pytest.mark.parametrize(
    "beside",
    [
        '"count": 1',
        r'"\"k": {}',
        f'"{"k" * 2000}": 1',
        '"k": {"status": "FAILED"}',
        '"status": 200',
        '"messages": []',
        '"meta": {"size": 1}',
    ],
)
def test_members_beside_documents_do_not_change_them(beside: str) -> None:
    """Tools write them; they look much like what a bracket too many leaves behind."""
    plain, wrapped, *_ = shapes([json.dumps(job())] * 2)
    for text in (
        f"{plain.removesuffix('}')}, {beside}}}",
        f"{wrapped.removesuffix('}')}, {beside}}}",
        f"{wrapped.removesuffix('}')}, {beside}}}\n{wrapped}",
    ):
        found = [each for each in read(text.encode()) if str(each.key).startswith(KEY)]
        assert len(found) == text.count(KEY)
        assert {each.problem for each in found} == {None}


class _Counting:
    """A pattern that counts the characters in which it was searched for."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.searched = 0

    def search(self, text: str, start: int) -> re.Match[str] | None:
        self.searched += len(text) - start
        return self._pattern.search(text, start)

    def match(self, text: str, start: int) -> re.Match[str] | None:
        return self._pattern.match(text, start)


@pytest.mark.parametrize("member", ['"size": {}', '"a": {"b": 1}', '{"key": 1}', "nil"])
@pytest.mark.parametrize("end", ["}", "]", "} x", ', "z": 1} x'])
@pytest.mark.parametrize("start", ['{"K": {}', '[{"key": "K", "value": {}}'])
def test_no_text_is_searched_again_and_again(
    start: str, member: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many broken documents it has, which nothing separates from the next one."""
    pattern = _Counting(document_boundaries.NEXT)
    monkeypatch.setattr(answer_text, "NEXT", pattern)
    text = start.replace("K", f"{KEY}0") + f", {member}" * 3000 + end
    with suppress(InputError):
        read(text.encode())
    assert pattern.searched <= 1500 * 3000 + 10 * len(text)


REFUSED_VALUES = {
    "no number": "NaN",
    "infinite": "-Infinity",
    "exponent too large": "1e9999999999999999999",
    "too many digits": "9" * 5000,
    "too deep": "[" * 20_000 + "]" * 20_000,
}


@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_document_with_a_further_fault_does_not_take_its_neighbours(
    broken: str, value: str
) -> None:
    """Python's decoder reports the first fault it meets, and some of them as another error."""
    twice = f'{{"first": {value}, {broken.removeprefix("{")}'
    for place in range(3):
        documents = [json.dumps(job())] * 3
        documents[place] = twice
        for text in shapes(documents):
            found = read(text.encode())
            assert [each.problem is None for each in found] == [n != place for n in range(3)], text
            assert twice in found[place].text


@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_an_answer_with_a_fault_that_is_cut_off_is_refused(value: str) -> None:
    documents = [json.dumps(job()), f'{{"first": {value}, "user": "admin", "a": [{{"b": {{}}}}]}}']
    for text in shapes(documents):
        whole = text.rstrip()
        for length in range(len(whole) - 60, len(whole), 7):
            with pytest.raises(InputError):
                read(whole[:length].encode())


def test_an_answer_that_is_cut_off_is_refused_wherever_it_is() -> None:
    """It is not taken for one whose last document is broken."""
    documents = [json.dumps(job()), json.dumps(job() | {"a": [{"b": {"c": {}}}]})]
    for text in shapes(documents):
        whole = text.rstrip()
        for length in range(1, len(whole)):
            with pytest.raises(InputError):
                read(whole[:length].encode())


@pytest.mark.parametrize(
    "long",
    [
        f'{{"user": "{"x" * 17_000}"}}',
        f'{{"a": [{"[1],{}," * 2400}0]}}',
        f'{{"a": "{ESCAPED * 4200}"}}',
    ],
)
def test_document_that_is_too_long_does_not_take_its_neighbours(
    monkeypatch: pytest.MonkeyPatch, long: str
) -> None:
    """Its start is kept."""
    monkeypatch.setattr(json_stream, "LONGEST", 6000)
    monkeypatch.setattr(json_stream, "_CHUNK", 700)
    for place in range(3):
        documents = [json.dumps(job())] * 3
        documents[place] = long
        for text in shapes(documents):
            found = read(text.encode())
            assert [each.problem is None for each in found] == [n != place for n in range(3)]
            assert str(found[place].problem).endswith("characters; only its start is kept")
            assert len(found[place].text) < 5000


def test_file_that_is_no_answer_is_refused_even_if_it_is_broken() -> None:
    """Only what has a job key is kept as a document."""
    for text in ('{"server": {"port": 80,}}', '[{"port": 80,}]', '{"value": {"port": nil}}'):
        with pytest.raises(InputError, match="invalid JSON"):
            read(text.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_that_is_too_long_is_skipped(encoding: str) -> None:
    """Of a line that is too long the start is kept, and the lines beside it are read."""
    long = b'{"' + KEY.encode() + b'":{"user":"' + b"x" * (3 * json_stream.LONGEST) + b'"}}'
    data = b"\n".join([GOOD, long, GOOD]).decode().encode(encoding)
    first, refused, last = read(data, "answers.jsonl")
    assert keys([first, last]) == [KEY, KEY]
    assert refused.problem == "longer than 16,777,216 characters; only its start is kept"
    assert refused.raw == long[:4096]
    assert (refused.position, last.position) == ("line 2", "line 3, document 1")


def test_batches_are_bounded_by_the_length_of_their_documents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many long documents are merged in more batches than as many short ones."""
    monkeypatch.setattr(batches, "LONGEST_BATCH", 3 * len(GOOD))
    stream = io.BufferedReader(io.BytesIO(GOOD * 10), 1 << 16)
    found = [len(batch) for batch in batches.documents(formats.documents(stream, "utf-8"))]
    assert sum(found) == 10
    assert max(found) == 4
    lines = formats.lines(io.BufferedReader(io.BytesIO((GOOD + b"\n") * 10)), "utf-8")
    assert [len(batch) for batch in batches.LineBatches(lines)] == [3, 3, 3, 1]


@pytest.mark.parametrize("places", [MOST_REFUSALS, MOST_REFUSALS + 1])
def test_places_that_differ_from_the_schema_are_bounded(places: int) -> None:
    """Each place costs a finding: a document with too many of them is no job's."""
    info = job() | {f"new{place}": place for place in range(places)}
    text = json.dumps(info).encode()
    if places <= MOST_REFUSALS:
        assert (
            len([each for each in parse(text).findings if each.code == "unknown_field"]) == places
        )
        return
    with pytest.raises(NotAJobError, match="differs from the schema in more than 1,000 places"):
        parse(text)


def test_gaps_that_differ_are_not_looked_for_in_the_whole_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Known documents are found whatever stands between them, and the text is searched once."""
    entries = [json.dumps({"key": f"{KEY}{number}", "value": job()}) for number in range(2000)]
    data = ("[" + "".join(map("".join, _with_gaps(entries))) + "]").encode()
    known = [fingerprint(entry.encode()) for entry in entries]
    searched = 0
    until = json_stream.JsonText.until

    def counted(text: json_stream.JsonText, boundary: str) -> str:
        nonlocal searched
        piece = until(text, boundary)
        searched += len(piece)
        return piece

    monkeypatch.setattr(json_stream.JsonText, "until", counted)
    assert read_known(data, known) == list(map(KnownDocument, known))
    assert searched < 80 * len(data)


def _with_gaps(entries: list[str]) -> Iterator[tuple[str, str]]:
    for number, entry in enumerate(entries):
        yield (
            entry,
            "" if number == len(entries) - 1 else "," + " " * (number % 7) + "\n" * (number % 5),
        )
