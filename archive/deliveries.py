"""A delivery's text to its documents: every form in which job details come.

- the `/api` answer, a map from job key to details;
- the `/rest` answer, `{"value": [{"key": ..., "value": ...}, ...]}`, or the list alone;
- JSON Lines: an answer a line, or an exported job a line
  (`{"appliance": ..., "job": ..., "info": ..., "seen": ...}`).

What is JSON but no details answer is refused as a whole, with what it seems to be. In JSON Lines a
line that cannot be read is passed on as unreadable, and reading goes on.
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import instants, numbers, wire
from archive.errors import DeliveryError
from archive.jsontext import JsonText, Unreadable, encode, errors_of, is_utf8, sniff_encoding
from archive.merge import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_LENGTH = 255
_UNTEXT = re.compile("[\0\ud800-\udfff]")
_JOB_KEY = re.compile(r"\d{8}-\d{6}-\w+", re.ASCII)
# Fields of other answers, and of a single job's details: without a status below it none is a key.
_FIELDS = frozenset(wire.Info.model_fields) | frozenset(wire.Failure.model_fields)
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_LINE_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class RawDocument(NamedTuple):
    """One document as it was delivered; `appliance` and `sight` only where it says so itself.

    `problem` says why it cannot be read; then `info` is None.
    """

    key: str | None
    info: Any
    text: str
    position: str
    appliance: str | None = None
    sight: Sight | None = None
    problem: str | None = None

    @property
    def raw(self) -> bytes:
        """The document's bytes as delivered."""
        return encode(self.text)


def is_lines(name: str, head: bytes) -> bool:
    """Say whether a delivery is JSON Lines, from its name and its first bytes."""
    if name.lower().endswith(_LINE_SUFFIXES):
        return True
    line, newline, rest = head.lstrip().partition(b"\n")
    if not newline or not rest.strip():
        return False
    try:
        return isinstance(numbers.loads(line.decode(sniff_encoding(head))), dict)
    except (ValueError, RecursionError):
        return False


def read(stream: io.BufferedReader[Any], name: str) -> tuple[bool, Iterator[RawDocument]]:
    """Return whether a delivery is JSON Lines, and its documents, read as they are asked for.

    The iterator raises DeliveryError where the delivery as a whole is at fault.
    """
    head = stream.peek()
    if not head.strip():
        raise DeliveryError("it is empty")
    encoding = sniff_encoding(head)
    if is_lines(name, head):
        return True, _lines(stream, encoding)
    return False, _values(JsonText(stream, encoding))


def read_again(raw: bytes) -> list[RawDocument]:
    """Return the documents in the bytes of one that could not be read before."""
    text = raw.decode("utf-8", "surrogateescape")
    # A document of a map was kept with its key, one of a list as its entry, others as they are.
    for form in [f"{{{text}}}"] if text.startswith('"') else [f"[{text}]", text]:
        documents = list(_line(form, "quarantine"))
        if documents and not any(document.problem for document in documents):
            break
    return documents


def _lines(stream: io.BufferedReader[Any], encoding: str) -> Iterator[RawDocument]:
    text = io.TextIOWrapper(stream, encoding, errors_of(encoding), newline="\n")
    number = 0
    try:
        for number, line in enumerate(text, 1):
            if not line.isspace():
                yield from _line(line.strip().removeprefix(_BOM), f"line {number}")
    except UnicodeDecodeError as error:
        raise DeliveryError(f"after line {number} it is not text in {error.encoding}") from error
    finally:
        text.detach()  # the stream is the caller's to close


def _line(text: str, position: str) -> Iterator[RawDocument]:
    value: Any = None
    with suppress(ValueError, RecursionError):  # the cursor tells better what is wrong
        value = numbers.loads(text)
    if isinstance(value, dict) and "info" in value:
        yield _exported(value, text, position)
        return
    try:
        # Only the cursor knows the text of each document within an answer.
        documents = list(_values(JsonText(io.BytesIO(encode(text)), "utf-8")))
    except DeliveryError as error:
        yield RawDocument(None, None, text, position, problem=str(error))
    else:
        for document in documents:
            yield document._replace(position=f"{position}, {document.position}")


def _exported(value: dict[str, Any], text: str, position: str) -> RawDocument:
    for part in value.values():
        if isinstance(part, Unreadable):
            return RawDocument(None, None, text, position, problem=part.reason)
    try:
        line = wire.parse_exported_job(value)
    except wire.ShapeError as error:
        return RawDocument(
            None, None, text, position, problem=f"it is not an exported job: {error}"
        )
    sight = (
        None
        if line.seen is None
        else Sight(
            instants.fixed_form(line.seen.first),
            instants.fixed_form(line.seen.last),
            {status: instants.fixed_form(at) for status, at in line.seen.status.items()},
        )
    )
    return _document(line.job, line.info, text, position)._replace(
        appliance=line.appliance, sight=sight
    )


def _document(key: str, info: Any, text: str, position: str) -> RawDocument:
    problem = None
    if isinstance(info, Unreadable):
        problem = info.reason
    elif not is_utf8(text):
        problem = "it is not UTF-8"
    elif not 0 < len(key) <= KEY_LENGTH:
        problem = f"its job key does not have 1 to {KEY_LENGTH} characters"
    elif _UNTEXT.search(key):
        problem = "its job key has characters that are not text"
    if problem:
        return RawDocument(None, None, text, position, problem=problem)
    return RawDocument(key, info, text, position)


def _values(text: JsonText) -> Iterator[RawDocument]:
    """Yield the documents of one answer, or of several written one after the other."""
    while opening := text.peek():
        if opening == "{":
            yield from _object(text)
        elif opening == "[":
            yield from _list(text)
        elif not text.take(_BOM):  # each of several files may start with one
            value, _ = text.value()
            raise DeliveryError(_what_it_is(value))


def _object(text: JsonText) -> Iterator[RawDocument]:
    text.expect("{")
    if text.take("}"):
        return
    number = 0
    while True:
        key, key_text = text.value()
        text.expect(":")
        if not isinstance(key, str):
            raise text.broken("a key is not a text")
        if number == 0 and key == "value" and text.peek() == "[":
            yield from _list(text)
            _finish_rest(text)
            return
        info, info_text = text.value()
        number += 1
        if number == 1 and not _may_be_details(key, info):
            yield from _other(text, key, info, f"{key_text}:{info_text}")
            return
        yield _document(key, info, f"{key_text}:{info_text}", f"document {number}")
        if not text.take(","):
            text.expect("}")
            return


def _finish_rest(text: JsonText) -> None:
    """Step over what a `/rest` answer has after its list."""
    while text.take(","):
        text.value()
        text.expect(":")
        text.value()
    text.expect("}")


def _may_be_details(key: str, value: Any) -> bool:
    if _JOB_KEY.fullmatch(key):
        return True
    if key == "info" or not isinstance(value, (dict, Unreadable)):
        return False
    return key not in _FIELDS or (isinstance(value, dict) and "status" in value)


def _other(text: JsonText, key: str, value: Any, piece: str) -> Iterator[RawDocument]:
    """Read the rest of an object that is no map of details; refuse it unless it is an export."""
    whole, pieces = {key: value}, [piece]
    while text.take(","):
        name, name_text = text.value()
        text.expect(":")
        value, value_text = text.value()
        whole[name] = value
        pieces.append(f"{name_text}:{value_text}")
    text.expect("}")
    if "info" not in whole:
        raise DeliveryError(_what_it_is(whole))
    yield _exported(whole, f"{{{','.join(pieces)}}}", "document 1")


def _list(text: JsonText) -> Iterator[RawDocument]:
    text.expect("[")
    if text.take("]"):
        return
    number = 0
    while True:
        entry, entry_text = text.value()
        number += 1
        position = f"document {number}"
        if isinstance(entry, dict) and isinstance(entry.get("key"), str) and "value" in entry:
            yield _document(entry["key"], entry["value"], entry_text, position)
        elif isinstance(entry, dict) and "info" in entry:
            yield _exported(entry, entry_text, position)
        elif isinstance(entry, Unreadable):
            yield RawDocument(None, None, entry_text, position, problem=entry.reason)
        elif number == 1 and not (isinstance(entry, dict) and "key" in entry):
            raise DeliveryError(_what_it_is([entry]))
        else:
            problem = "it is not an entry with a job key and its details"
            yield RawDocument(None, None, entry_text, position, problem=problem)
        if not text.take(","):
            text.expect("]")
            return


def _what_it_is(value: Any) -> str:
    """Return a sentence about JSON that is no job details answer."""
    wanted = "what is archived is the answer of GET /api/appliance/recovery/backup/job/details"
    if isinstance(value, Unreadable):
        return f"it is not JSON: {value.reason}"
    if isinstance(value, dict) and value.keys() == {"value"}:
        return _what_it_is(value["value"])
    if isinstance(value, list) and value and isinstance(value[0], str):
        return f"it is a list of job ids, without their details; {wanted}"
    if isinstance(value, dict):
        failure = value.get("value") if "type" in value else value
        messages = failure.get("messages") if isinstance(failure, dict) else None
        kind = value.get("error_type") or value.get("type")
        if kind and isinstance(messages, list) and "status" not in value:
            texts = [m.get("default_message") for m in messages if isinstance(m, dict)]
            said = f": {texts[0]}" if texts else ""
            return f"it is an error answer of vCenter ({kind}{said}); {wanted}"
        if "state" in value:
            return f"it is an answer of the older .../job/{{id}} request; {wanted}"
        if "status" in value:
            return (
                "it is the details of one job without its job key;"
                ' write it as {"<job key>": <details>}'
            )
    return f"it is JSON, but no job details; {wanted}"
