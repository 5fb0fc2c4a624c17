"""Split an input into its documents: an appliance's answer, or JSON Lines.

Each line of JSON Lines is an answer or an exported job. An unreadable line becomes a document with a
`problem`, and reading goes on.
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import json_numbers
from archive.appliance_names import identity
from archive.errors import InputError
from archive.ingest import details_response
from archive.ingest.answer_text import KEPT, TOO_LONG, AnswerText
from archive.ingest.json_stream import (
    BOM,
    LONGEST,
    LONGEST_SPACE,
    encode,
    sniff_encoding,
)
from archive.ingest.one_job import exported
from archive.ingest.raw_document import KnownDocument, RawDocument, fingerprint, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

# An exported job starts with its appliance; names with JSON escapes are left to the JSON parser.
_NAMED = re.compile(rb'\s*\{"appliance": ?"([ !#-\[\]-~]+)"')
# Compared without regard to case. By them an input of a single line is JSON Lines, too.
_LINE_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class Line(NamedTuple):
    """A line of JSON Lines, as UTF-8; only its start if it is too long.

    `number` counts from 1, empty lines included.
    """

    number: int
    text: bytes
    too_long: bool = False

    @property
    def fingerprint(self) -> bytes:
        """The fingerprint of the document, if the line is one document."""
        return fingerprint(self.text)

    def documents(self) -> Iterator[RawDocument]:
        """Yield the documents of the line: several if it is an answer, none if it is empty."""
        text = self.text.decode("utf-8", "surrogateescape")
        if self.too_long:
            yield unreadable(text, f"line {self.number}", TOO_LONG)
        elif not text.isspace():
            yield from _line(text.strip().removeprefix(BOM), f"line {self.number}")


class Form(NamedTuple):
    """The format of an input: JSON Lines or one answer, and the text encoding."""

    in_lines: bool
    encoding: str


def form(stream: io.BufferedReader[Any], name: str) -> Form:
    """Return the format of an input from its first bytes. Raises InputError if it is empty.

    The bytes are only peeked at, as many as the stream's buffer has; white space before them is
    skipped if it fills the buffer.
    """
    head = stream.peek()
    skipped = 0
    while head.isspace():  # as much as an empty input may have
        skipped += len(stream.read(len(head)))
        if skipped > LONGEST_SPACE:
            raise InputError(f"starts with more than {LONGEST_SPACE:,} bytes of white space")
        head = stream.peek()
    if not head:
        raise InputError("the input is empty")
    return Form(is_lines(name, head), sniff_encoding(head))


def is_lines(name: str, head: bytes) -> bool:
    """Return whether an input is JSON Lines, from its name and its first bytes.

    Without a known suffix, the first line must be a whole object and another line must follow: JSON
    printed on several lines starts with a bracket alone.
    """
    if name.lower().endswith(_LINE_SUFFIXES):
        return True
    # Decoded first: in UTF-16, a byte of another character can be that of a line end. The last one may
    # be cut.
    text = head.decode(sniff_encoding(head), "ignore")
    line, newline, rest = text.lstrip().partition("\n")
    if not newline or not rest.strip():
        return False
    try:
        return isinstance(json_numbers.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def lines(stream: io.BufferedReader[Any], encoding: str) -> Iterator[Line]:
    """Yield the lines of JSON Lines. Raises InputError where they are not text.

    Lines in UTF-8 are passed on undecoded; undecodable bytes then concern their document only.
    """
    if encoding.startswith("utf-8"):
        yield from _bounded(stream.readline)
        return
    text = io.TextIOWrapper(stream, encoding, newline="\n")
    number = 0
    try:
        for line in _bounded(lambda length: text.readline(length).encode()):
            number = line.number
            yield line
    except UnicodeDecodeError as error:
        raise InputError(f"not valid {error.encoding} after line {number}") from error
    finally:
        text.detach()  # the caller closes the stream


def _bounded(read: Callable[[int], bytes]) -> Iterator[Line]:
    """Yield lines that are not blank, from a function that reads one of at most a given length."""
    blank = 0
    for number in count(1):
        line = read(LONGEST)
        if not line:
            return
        if line.isspace():
            blank += len(line)
            if blank > LONGEST_SPACE:
                raise InputError(f"more than {LONGEST_SPACE:,} bytes of blank lines")
            continue
        blank = 0
        too_long = len(line) >= LONGEST
        yield Line(number, line[:KEPT] if too_long else line, too_long)
        while too_long and not line.endswith(b"\n"):
            line = read(LONGEST)
            if not line:
                return


def documents(
    stream: io.BufferedReader[Any], encoding: str, known: Collection[bytes] = ()
) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of an answer; those whose fingerprint is `known` are not parsed.

    Raises InputError if the input as a whole is not an answer, or nothing but a byte-order mark.
    """
    text = AnswerText(stream, encoding)
    text.take(BOM)
    if not text.peek():  # what Windows writes of a command without output
        raise InputError("the input is empty")
    return details_response.read(text, known)


def by_appliance(lines: Iterable[Line]) -> tuple[dict[str, list[Line]], list[Line]]:
    """Return lines by the appliance named at their start, as in exported jobs, and all other lines.

    The order within each is that of the input. The name is only a guess from the first bytes; the
    parsed line decides.
    """
    named: dict[str, list[Line]] = {}
    others: list[Line] = []
    start, theirs = b"", others
    for line in lines:
        # Most lines name the same appliance as the one before.
        if not (start and line.text.startswith(start)):
            match = _NAMED.match(line.text)
            start = b"" if match is None else match[0]
            theirs = others if match is None else named.setdefault(identity(match[1].decode()), [])
        theirs.append(line)
    return named, others


def read_again(raw: bytes) -> list[RawDocument]:
    """Return the documents in the stored bytes of a quarantined document.

    The three forms are tried in turn until one has no problem; at least one document is returned.
    """
    text = raw.decode("utf-8", "surrogateescape")
    # Stored with its key if it came from a map, as an entry if from a list, else as it was.
    for form in [f"{{{text}}}"] if text.startswith('"') else [f"[{text}]", text]:
        documents = list(_line(form, "quarantine"))
        if documents and not any(document.problem for document in documents):
            break
    return documents


def _line(text: str, position: str) -> Iterator[RawDocument]:
    """Yield the documents of a line; what is no answer is one unreadable document."""
    value: Any = None
    with suppress(ValueError, RecursionError):  # the cursor below gives a better error
        value = json_numbers.loads(text)
    if isinstance(value, dict) and "info" in value:
        yield exported(value, text, position)
        return
    try:
        # Only the cursor knows the text of each document within an answer.
        documents = [
            document
            for document in details_response.read(AnswerText(io.BytesIO(encode(text)), "utf-8"), ())
            if isinstance(document, RawDocument)
        ]
    except InputError as error:
        yield unreadable(text, position, str(error))
    else:
        for document in documents:
            yield document._replace(position=f"{position}, {document.position}")
