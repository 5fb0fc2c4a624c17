"""A cursor over an answer that gets past a document which cannot be read.

Where such a document ends is seen from the job key of the next one. Only the last document has none: it
ends where its brackets do.
"""

from __future__ import annotations

import re
from typing import Any

from archive.errors import InputError
from archive.ingest import json_stream
from archive.ingest.json_stream import JsonText, Unreadable
from archive.ingest.other_json import JOB_KEY

# Characters that are kept of a document that is too long.
KEPT = 4096
# How much of a document that is too long is skipped at most, in multiples of the longest one.
_MOST_SKIPPED = 4
TOO_LONG = f"longer than {json_stream.LONGEST:,} characters; only its start is kept"
_SPACE = r"[ \t\r\n]{0,200}"
# The start of an entry of a list.
_ENTRY = re.compile(rf'\{{{_SPACE}"key"{_SPACE}:{_SPACE}"{JOB_KEY.pattern}"', re.ASCII)
_ENTRY_LENGTH = 1000
# The comma before the next document, in a map or in a list. In a text its quotes would be escaped.
_NEXT = re.compile(
    rf',{_SPACE}(?:"{JOB_KEY.pattern}"{_SPACE}:{_SPACE}\{{|{_ENTRY.pattern})', re.ASCII
)
# Strings and what stands between them, without brackets but for the innermost ones; brackets in a row;
# what a string has up to its end. Character by character it would take a minute.
_TEXT = r'(?:[^][{}"]++|"(?:[^"\\]++|\\.)*+")'
_PLAIN = re.compile(rf"(?:{_TEXT}|[\[{{]{_TEXT}*+[\]}}])++", re.DOTALL)
_BRACKETS = re.compile(r"[\[{]++|[\]}]++")
_IN_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)


class AnswerText(JsonText):
    """A cursor over the JSON text of an answer; values may be documents."""

    def is_at_entry(self) -> bool:
        """Return whether an entry of a list comes, `{"key": ..., "value": ...}`."""
        return self.peek() == "{" and _ENTRY.match(self.ahead(_ENTRY_LENGTH)) is not None

    def document_value(self) -> tuple[Any, str]:
        """Return the next value and its text, as `value`; Unreadable if it is broken, or too long.

        Of one that is too long, the text is only the start. Raises InputError if it does not show where
        the value ends, or if the text ends early.
        """
        opening = self.peek()
        try:
            return self.value()
        except InputError as error:
            if opening not in ("{", "["):
                raise
            if len(self._buffer) - self._place > json_stream.LONGEST:
                return Unreadable(TOO_LONG), self._skip_long()
            end = None if self._is_cut_off() else self._end_of_broken()
            if end is None:
                raise
            return Unreadable(str(error)), self._step_to(end)

    def _is_cut_off(self) -> bool:
        """Return whether all text that there is has been read, and does not end as an answer does."""
        return self._ended and not self._buffer.rstrip().endswith(("}", "]"))

    def _end_of_broken(self) -> int | None:
        """Return where a value ends that is no JSON; None if nothing shows it."""
        while True:
            following = _NEXT.search(self._buffer, self._place + 1)
            if following is not None:
                return following.start()
            try:
                if not self._more_of_value():
                    break
            except InputError:  # it is too long for one document
                return None
        try:
            end = self._end_of_value()
        except InputError:
            return None
        return end if self._buffer[end:].lstrip()[:1] in (",", "}", "]") else None

    def _skip_long(self) -> str:
        """Skip a value that is too long for memory, and return its start.

        Raises InputError if it does not end within a further part of the text.
        """
        start = self._buffer[self._place : self._place + KEPT]
        depth, skipped, in_string = 0, 0, False
        while True:
            place = self._place
            if in_string:
                place = _end(_IN_STRING, self._buffer, place)
                in_string = self._buffer[place : place + 1] != '"'
                place += not in_string
            elif match := _PLAIN.match(self._buffer, place):
                place = match.end()
            elif match := _BRACKETS.match(self._buffer, place):
                length = match.end() - place
                if self._buffer[place] in "]}":
                    length = min(length, depth)
                    depth -= length
                else:
                    depth += length
                place += length
            elif place < len(self._buffer):
                in_string = True
                place += 1
            skipped += place - self._place
            self._step_to(place)
            if depth == 0 and not in_string:
                return start
            if skipped > _MOST_SKIPPED * json_stream.LONGEST:
                raise InputError(
                    f"a value of more than {_MOST_SKIPPED * json_stream.LONGEST:,} characters: too long"
                    " for a backup job"
                )
            # A backslash at the end of the buffer needs the character after it.
            if len(self._buffer) - self._place <= 1 and not self._more():
                raise self.broken("a value does not end", len(self._buffer), cut=True)


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return place if match is None else match.end()
