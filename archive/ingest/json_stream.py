"""Read JSON text from a stream, one value at a time in memory.

Python's decoder needs the whole text of a value, so the buffer grows until a value fits, and
doubles each time: the time is proportional to the size of the text.
"""

from __future__ import annotations

import codecs
import json
import re
from json.decoder import JSONDecodeError
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.errors import InputError
from archive.json_numbers import DECODER, SYNTAX_DECODER

if TYPE_CHECKING:
    import io

# Programs of Windows put it before UTF-8.
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# Characters of one document. The longest that was seen has a few thousand.
LONGEST = 16 << 20
# Characters, or bytes, of white space in a row. A file of nothing else would be read without end.
LONGEST_SPACE = 1 << 20
# Bytes read at a time, and characters after which the part already read is dropped.
_CHUNK = 1 << 18
# White space of JSON (RFC 8259); Python's `\s` is more.
_SPACE = re.compile(r"[ \t\n\r]*")
# Characters in which a boundary between documents is looked for. A boundary that does not occur
# must not be looked for in the whole rest of the text, again for each document.
_WINDOW = 1 << 16
# Characters. An error this close to the end of the buffer may only mean that more must be read.
_CUT = 64
# Characters that may follow the digits of a number cut at the end: a point, or `e+`.
_NUMBER_CUT = 2
TOO_DEEP = "nested too deeply"
_NO_NUMBER = "unsupported number (NaN, infinite or too long)"
# Strings, whose content does not count, and brackets: together they show where a value ends.
MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"|[][{},"]', re.DOTALL)


class Unreadable(NamedTuple):
    """A value in JSON syntax that cannot be decoded, and why.

    Its text can be kept for quarantine, since its end is known.
    """

    reason: str


class JsonText:
    """A cursor over JSON text.

    Bytes that are not UTF-8 become lone surrogates, which JSON text itself cannot contain, so that
    `encode` gives the original bytes of any piece.

    The cursor is between two values or punctuation marks, never within one. Places in errors are
    counted in characters from the start of the stream, from 0.
    """

    def __init__(self, stream: io.BufferedIOBase, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors_of(encoding))
        self._buffer = ""
        self._place = 0
        self._dropped = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is not white space, or "" at the end."""
        start = self._place
        while True:
            self._place = _SPACE.match(self._buffer, self._place).end()  # type: ignore[union-attr]  # it always matches
            if self._place - start > LONGEST_SPACE:
                raise InputError(
                    f"more than {LONGEST_SPACE:,} characters of white space, at character"
                    f" {self._dropped + start:,}"
                )
            if self._place < len(self._buffer):
                return self._buffer[self._place]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Skip the next character if it is the wanted one, and return whether it was."""
        if self.peek() != wanted:
            return False
        self._place += 1
        return True

    def expect(self, wanted: str) -> None:
        """Skip the next character. Raises InputError if it is not the wanted one."""
        if not self.take(wanted):
            raise self.broken(f"missing {wanted!r}")

    def value(self) -> tuple[Any, str]:
        """Return the next value (or Unreadable) and its text.

        The text is exactly as in the stream, without white space around it. Of repeated members the
        value has only the last. Raises InputError if there is no value, or one of more than LONGEST
        characters.
        """
        value, end = self._decode()
        return value, self._step_to(end)

    def _decode(self) -> tuple[Any, int]:
        """Return the next value, as `value`, and the place where it ends."""
        if not self.peek():
            raise self.broken("it ends early")
        decoder = DECODER
        while True:
            try:
                value, end = decoder.raw_decode(self._buffer, self._place)
            except JSONDecodeError as error:
                may_be_cut = "Unterminated" in error.msg or error.pos > len(self._buffer) - _CUT
                if may_be_cut and self._more_of_value():
                    continue
                raise self.broken(error.msg, error.pos, cut=_is_cut(error)) from error
            except RecursionError:
                return Unreadable(TOO_DEEP), self._end_of_nested()
            except ValueError:  # of a number
                decoder = SYNTAX_DECODER
                continue
            # A number may continue in the part not read yet.
            if len(self._buffer) - end > _NUMBER_CUT or not self._more_of_value():
                return value if decoder is DECODER else Unreadable(_NO_NUMBER), end

    def gap(self) -> str:
        """Skip a comma and the white space around it, and return them; "" if there is no comma.

        The cursor is then at the next value.
        """
        start = self._place
        if not self.take(","):
            return ""
        self.peek()
        return self._buffer[start : self._place]

    def ahead(self, length: int) -> str:
        """Return up to `length` next characters without skipping them."""
        while len(self._buffer) - self._place < length and self._more():
            pass
        return self._buffer[self._place : self._place + length]

    def until(self, boundary: str) -> str:
        """Return the text up to and including the first character of a boundary; skip nothing.

        Returns "" if no boundary is given, or if it is not near.
        """
        if not boundary:
            return ""
        if len(self._buffer) - self._place < _WINDOW:
            self._more()
        end = self._buffer.find(boundary, self._place, self._place + _WINDOW)
        return self._buffer[self._place : end + 1]

    def skip(self, length: int) -> None:
        """Skip `length` characters."""
        self._step_to(self._place + length)

    def _end_of_nested(self) -> int:
        """Return the end of a value that is nested too deeply. Raises InputError if it has none."""
        return self._end_of_value()

    def _end_of_value(self) -> int:
        """Return the end of a value that cannot be decoded, from its strings and brackets."""
        place, depth = self._place, 0
        while True:
            match = MARK.search(self._buffer, place)
            if match is None or match[0] == '"':
                if self._more_of_value():
                    continue
                if match is None and depth == 0:
                    return len(self._buffer)
                raise self.broken("a value does not end", len(self._buffer), cut=True)
            place = match.end()
            if match[0] in "[{":
                depth += 1
            elif match[0] in "]}":
                depth -= 1
            if depth < 0 or (depth == 0 and match[0] == ","):
                return match.start()
            if depth == 0 and match[0] in "]}":
                return place

    def _step_to(self, end: int) -> str:
        """Move the cursor to a place in the buffer, and return the text up to it."""
        text = self._buffer[self._place : end]
        self._place = end
        if self._place > _CHUNK:
            self._dropped += self._place
            self._buffer = self._buffer[self._place :]
            self._place = 0
        return text

    def broken(self, what: str, place: int | None = None, *, cut: bool = False) -> InputError:
        """Return the error for text that is not JSON from `place` on, or is cut off there.

        `place` is within the buffer; None stands for the cursor.
        """
        position = self._dropped + (self._place if place is None else place)
        if (cut or not self.peek()) and self._ended:
            return InputError(
                f"cut off: the JSON ends early, at character {position:,}; download it again"
            )
        return InputError(f"invalid JSON: {what} at character {position:,}")

    def _more_of_value(self) -> bool:
        """Read on within a value. Raises InputError if it is already longer than any job is."""
        if len(self._buffer) - self._place > LONGEST:
            raise InputError(
                f"a value of more than {LONGEST:,} characters, at character"
                f" {self._dropped + self._place:,}: too long for a backup job"
            )
        return self._more()

    def _more(self) -> bool:
        """Read on, and return whether there is text after the cursor still to look at.

        Raises InputError for bytes that are invalid in UTF-16 or UTF-32; in UTF-8 they are kept.
        """
        if self._ended:
            return False
        try:
            data = self._stream.read(max(_CHUNK, len(self._buffer) - self._place))
            self._ended = not data
            self._buffer += self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise InputError(f"not valid {error.encoding}") from error
        return not self._ended or self._place < len(self._buffer)


def _is_cut(error: JSONDecodeError) -> bool:
    """Return whether the invalid text could be the start of valid JSON."""
    rest = error.doc[error.pos :].strip()
    return (
        "Unterminated" in error.msg
        or ("escape" in error.msg and '"' not in rest)
        or any(word.startswith(rest) for word in ("true", "false", "null", "-"))
    )


def sniff_encoding(head: bytes) -> str:
    """Return the encoding of JSON text from its first bytes (PowerShell writes UTF-16).

    RFC 4627, section 3: the zero bytes among the first four show UTF-16 and UTF-32, and so does a
    byte-order mark.
    """
    return json.detect_encoding(head)


def errors_of(encoding: str) -> str:
    """Return the error handler for bytes that are invalid in the encoding."""
    return "surrogateescape" if encoding.startswith("utf-8") else "strict"


def encode(text: str) -> bytes:
    """Return the original bytes of a piece of text; UTF-8 if it was in another encoding."""
    return text.encode("utf-8", "surrogateescape")


def is_utf8(text: str) -> bool:
    """Return whether a piece of text came from valid UTF-8.

    The lone surrogates U+DC80 to U+DCFF stand for single bytes (PEP 383).
    """
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
