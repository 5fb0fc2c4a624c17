"""A stream of JSON text, read piece by piece: one value at a time is in memory, not the whole."""

from __future__ import annotations

import codecs
import json
from json.decoder import JSONDecodeError
from typing import TYPE_CHECKING, Any

from archive.errors import DeliveryError
from archive.numbers import DECODER

if TYPE_CHECKING:
    import io

_CHUNK = 1 << 18
_SPACE = " \t\n\r"
# An error this close to the end of what has been read may only mean that more is to come.
_CUT = 64


class JsonText:
    """A cursor over JSON text.

    Bytes that are not UTF-8 become lone surrogates, which JSON text itself cannot have, so that the
    original bytes of any piece can be had again from `encode`.
    """

    def __init__(self, stream: io.BufferedIOBase, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors_of(encoding))
        self._buffer = ""
        self._place = 0
        self._dropped = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            while self._place < len(self._buffer) and self._buffer[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._buffer):
                return self._buffer[self._place]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Step over the next character if it is the wanted one."""
        if self.peek() != wanted:
            return False
        self._place += 1
        return True

    def expect(self, wanted: str) -> None:
        """Step over the next character. Raises DeliveryError if it is not the wanted one."""
        if not self.take(wanted):
            raise self.broken(f"{wanted!r} is missing")

    def value(self) -> tuple[Any, str]:
        """Return the next value and its text. Raises DeliveryError if there is none."""
        if not self.peek():
            raise self.broken("it ends too early")
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._place)
            except JSONDecodeError as error:
                may_be_cut = "Unterminated" in error.msg or error.pos > len(self._buffer) - _CUT
                if may_be_cut and self._more():
                    continue
                raise self.broken(error.msg, error.pos, cut=may_be_cut) from error
            except (ValueError, RecursionError) as error:
                raise self.broken(str(error)) from error
            # A number may go on in what has not been read yet.
            if end < len(self._buffer) or not self._more():
                text = self._buffer[self._place : end]
                self._place = end
                self._drop()
                return value, text

    def broken(self, what: str, place: int | None = None, *, cut: bool = False) -> DeliveryError:
        """Return the error that says where the text stops being JSON."""
        position = self._dropped + (self._place if place is None else place)
        if (cut or not self.peek()) and self._ended:
            return DeliveryError(
                f"it is cut off: the JSON ends too early, at character {position:,}; get it again"
            )
        return DeliveryError(f"it is not JSON: {what} at character {position:,}")

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            data = self._stream.read(max(_CHUNK, len(self._buffer) - self._place))
            self._ended = not data
            self._buffer += self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise DeliveryError(f"it is not text in {error.encoding}") from error
        return not self._ended or self._place < len(self._buffer)

    def _drop(self) -> None:
        if self._place > _CHUNK:
            self._dropped += self._place
            self._buffer = self._buffer[self._place :]
            self._place = 0


def sniff_encoding(head: bytes) -> str:
    """Return the encoding of JSON text from its first bytes (PowerShell writes UTF-16)."""
    return json.detect_encoding(head)


def errors_of(encoding: str) -> str:
    """Return how bytes that are not of the encoding are decoded."""
    return "surrogateescape" if encoding.startswith("utf-8") else "strict"


def encode(text: str) -> bytes:
    """Return the bytes that a piece of text came from (as UTF-8 if it was in another encoding)."""
    return text.encode("utf-8", "surrogateescape")


def is_utf8(text: str) -> bool:
    """Say whether a piece of text came from valid UTF-8."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
