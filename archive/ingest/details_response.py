"""Split the JSON text of an answer into its documents.

- the answer of `/api`, a map from job key to details;
- the answer of `/rest`, `{"value": [{"key": ..., "value": ...}, ...]}`, or the list alone;
- exported jobs, alone or in a list.

Tools that save an answer change it: they unwrap a list of one, put a count beside `value`, wrap a map
or write `Key` and `Value`. All that can mean only one thing is read; `one_job` reads single jobs.
Other JSON is refused as a whole, with an error that says how it differs.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.document import schema
from archive.errors import InputError
from archive.ingest.answer_text import AnswerText
from archive.ingest.json_stream import BOM, LONGEST, Unreadable, encode
from archive.ingest.one_job import one_job
from archive.ingest.other_json import JOB_KEY, holds_answer, looks_like_details, what_it_is
from archive.ingest.raw_document import (
    KnownDocument,
    RawDocument,
    document,
    fingerprint,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# The member that holds the answer, in any case.
_WRAPPED = "value"
_WRAPPED_MAP = re.compile(rf'\{{[ \t\r\n]*"{JOB_KEY.pattern}"[ \t\r\n]*:', re.ASCII)
_WRAPPED_MAP_LENGTH = 400
# Field names of other answers or of one job's details: not job keys, unless a job's details follow.
_FIELDS = frozenset(schema.Info.model_fields) | frozenset(schema.Failure.model_fields)
_MEMBER = re.compile(r'("(?:[^"\\]|\\.)*")\s*:\s*')
# A document starts with a job key, which starts with a digit: in a map or in an entry.
_START_LENGTH = 40
_START = re.compile(r"[^0-9]{1,30}[0-9]")
# Members or entries that may precede the first job. More are no answer.
_MOST_BEFORE = 100
_NO_ENTRY = "not an entry with a job key and job details"


def read(text: AnswerText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of one answer, or of several concatenated answers.

    Documents whose fingerprint is `known` are not parsed. Raises InputError if the text as a whole
    is not an answer.

    `known` has fingerprints of 16 bytes. Documents come in the order of the text, one at a time, so
    memory does not grow with the answer. A value in it that cannot be decoded, or is too long, becomes a
    document with a `problem`.
    """
    while opening := text.peek():
        if opening == "{":
            yield from _object(text, known)
        elif opening == "[":
            yield from _list(text, known)
        elif not text.take(BOM):  # each of several files may start with one
            value, _ = text.value()
            raise InputError(what_it_is(value))


class _Member(NamedTuple):
    """A member of an object: its name and its value, each with its text."""

    name: str
    name_text: str
    value: Any
    value_text: str

    @property
    def text(self) -> str:
        """Return the JSON text of the member: its name and its value."""
        return f"{self.name_text}:{self.value_text}"

    def document(self, number: int) -> RawDocument:
        """Return the document of a member of a map from job key to details."""
        position = f"document {number}"
        if isinstance(self.value, Unreadable):
            return unreadable(self.text, position, self.value.reason)
        return document(self.name, self.value_text, self.text, position)

    def is_document(self) -> bool:
        """Whether the member makes its object a map of details, whatever stands beside it."""
        if JOB_KEY.fullmatch(self.name):
            return True
        return self.name.lower() not in (_WRAPPED, "info") and looks_like_details(self.value)

    def may_be_document(self) -> bool:
        """Whether the member could be a document, if all members of the object could."""
        if isinstance(self.value, Unreadable):
            return True
        if self.name in _FIELDS or not isinstance(self.value, dict):
            return False
        # Without a status it goes to quarantine. With one it must not be another kind of answer.
        return "status" not in self.value or self.value.keys() <= schema.Info.model_fields.keys()


def _object(text: AnswerText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of an object: a map of details, a wrapped answer, or a single job.

    Its first members are held until one of them shows which.
    """
    text.expect("{")
    if text.take("}"):
        return
    before: list[_Member] = []
    length = 0
    gap = "{"
    while gap:
        name, name_text = _name(text)
        if name.lower() == _WRAPPED and _wraps(text):
            yield from _list(text, known) if text.peek() == "[" else _object(text, known)
            _skip_rest(text)
            return
        is_job = JOB_KEY.fullmatch(name) is not None
        member = _Member(name, name_text, *(text.document_value() if is_job else text.value()))
        before.append(member)
        length += len(member.value_text)
        gap = text.gap()
        undecided = len(before) < _MOST_BEFORE and length <= LONGEST
        if member.is_document() or (not undecided and _may_be_map(before)):
            for number, held in enumerate(before, 1):
                yield _unless_known(held.document(number), known)
            yield from _rest_of_map(text, known, len(before), gap)
            return
        if not undecided:
            raise InputError(what_it_is(_whole(before)))
    text.expect("}")
    yield from _undecided(before, known)


def _name(text: AnswerText) -> tuple[str, str]:
    """Return the name of the next member and its text."""
    name, name_text = text.value()
    text.expect(":")
    if not isinstance(name, str):
        raise text.broken("a key is not a string")
    return name, name_text


def _wraps(text: AnswerText) -> bool:
    """Return whether the value that comes is a list, or a map that starts with a job key."""
    return text.peek() == "[" or bool(_WRAPPED_MAP.match(text.ahead(_WRAPPED_MAP_LENGTH)))


def _skip_rest(text: AnswerText) -> None:
    """Skip the rest of an object after its `value`."""
    while text.take(","):
        text.value()
        text.expect(":")
        text.value()
    text.expect("}")


def _rest_of_map(
    text: AnswerText, known: Collection[bytes], number: int, gap: str
) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of a map of details after its first `number` members."""
    while gap:
        number += 1
        found: RawDocument | KnownDocument | None
        found = _skip_member(text, _boundary(text, gap), known) if known else None
        if found is None:
            name, name_text = _name(text)
            member = _Member(name, name_text, *text.document_value())
            found = _unless_known(member.document(number), known)
        gap = text.gap()
        yield found
    text.expect("}")


def _undecided(
    members: list[_Member], known: Collection[bytes]
) -> Iterator[RawDocument | KnownDocument]:
    """Read an object none of whose members tells what it is: it is a single job, or no answer."""
    whole = _whole(members)
    job = one_job(whole, f"{{{','.join(member.text for member in members)}}}", "document 1")
    if job is not None:
        yield _unless_known(job, known)
    elif _may_be_map(members) and not holds_answer(whole):
        for number, member in enumerate(members, 1):
            yield _unless_known(member.document(number), known)
    else:
        yield from _wrapped(members, whole, known)


def _wrapped(
    members: list[_Member], whole: dict[str, Any], known: Collection[bytes]
) -> Iterator[RawDocument | KnownDocument]:
    """Read the object below `value`. Raises InputError if there is none, or it is no answer."""
    values = [member for member in members if member.name.lower() == _WRAPPED]
    # An error answer of `/rest` has its type beside `value`.
    if len(values) != 1 or not isinstance(values[0].value, dict) or "type" in whole:
        raise InputError(what_it_is(whole))
    text = AnswerText(io.BytesIO(encode(values[0].value_text)), "utf-8")
    try:
        found = list(_object(text, known))
    except InputError as error:
        raise InputError(what_it_is(whole)) from error
    yield from found


def _may_be_map(members: list[_Member]) -> bool:
    return all(member.may_be_document() for member in members)


def _whole(members: list[_Member]) -> dict[str, Any]:
    return {member.name: member.value for member in members}


def _skip_member(text: AnswerText, boundary: str, known: Collection[bytes]) -> KnownDocument | None:
    """Skip a key and its details if their bytes are known.

    Nothing is skipped if it returns None, so that the member is read in the ordinary way. White
    space around the colon does not count for the fingerprint.
    """
    piece = text.until(boundary)
    member = _MEMBER.match(piece)
    if member is None:
        return None
    mark = fingerprint(encode(f"{member[1]}:{piece[member.end() :]}"))
    if mark not in known:
        return None
    text.skip(len(piece))
    return KnownDocument(mark)


def _boundary(text: AnswerText, gap: str) -> str:
    """Return the text expected between this document and the next.

    If it also occurs inside a document, the piece cut there has no known fingerprint, so the
    document is parsed instead.
    """
    start = _START.match(text.ahead(_START_LENGTH))
    return "" if start is None else f"}}{gap}{start[0]}"


def _unless_known(read: RawDocument, known: Collection[bytes]) -> RawDocument | KnownDocument:
    """Return a document, or only its fingerprint if that is known after all: it was parsed in vain."""
    if not known or read.problem is not None:
        return read
    mark = fingerprint(read.raw)
    return KnownDocument(mark) if mark in known else read


def _list(text: AnswerText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of a list of jobs, whose first entries are held until one of them is a job.

    Another entry of another form is one unreadable document; the rest of the list may be good.
    """
    text.expect("[")
    if text.take("]"):
        return
    before: list[Any] = []
    held: list[RawDocument] = []
    decided, length = False, 0
    number, gap = 0, "["
    while gap:
        number += 1
        # Only from the second entry on is it known what stands between two.
        piece = text.until(_boundary(text, gap)) if known and number > 1 else ""
        mark = fingerprint(encode(piece)) if piece else b""
        found: RawDocument | KnownDocument
        if mark in known:
            text.skip(len(piece))
            found, is_job = KnownDocument(mark), True
        else:
            starts = not decided and text.is_at_entry()
            entry, entry_text = text.document_value() if decided or starts else text.value()
            job = one_job(entry, entry_text, f"document {number}")
            found = _unless_known(job or _no_entry(entry, entry_text, number), known)
            is_job = starts or job is not None or (isinstance(entry, dict) and "key" in entry)
        gap = text.gap()
        if not decided and not is_job:
            before.append(entry)
            held.append(found)  # type: ignore[arg-type]  # it has a problem, so it is not a known one
            length += len(entry_text)
            if len(before) == _MOST_BEFORE or length > LONGEST:
                break
            continue
        yield from held
        held, decided = [], True
        yield found
    if not decided:
        raise InputError(what_it_is(before))
    text.expect("]")


def _no_entry(entry: Any, text: str, number: int) -> RawDocument:
    reason = entry.reason if isinstance(entry, Unreadable) else _NO_ENTRY
    return unreadable(text, f"document {number}", reason)
