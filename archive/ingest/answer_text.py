"""A cursor over an answer that gets past a document which cannot be read.

Where such a document ends is seen from the job key of the next one. Only the last document has none: it
ends where its brackets do; and if these are not those of JSON, before the brackets that close the answer.
"""

from __future__ import annotations

import re
from contextlib import suppress
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from archive.errors import InputError
from archive.ingest import json_stream
from archive.ingest.document_boundaries import (
    ANOTHER,
    CLOSING,
    END,
    ENTRY,
    ENTRY_LENGTH,
    FIELD_NAMES,
    MEMBER,
    MEMBER_NAME,
    NEXT,
    NEXT_KEY,
    OBJECT,
    SPACE,
    WHITE,
)
from archive.ingest.json_stream import BOM, MARK, JsonText, Unreadable
from archive.json_numbers import SYNTAX_DECODER

if TYPE_CHECKING:
    import io

# Characters that are kept of a document that is too long.
KEPT = 4096
# How much of a document that is too long is skipped at most, in multiples of the longest one.
_MOST_SKIPPED = 4
TOO_LONG = f"longer than {json_stream.LONGEST:,} characters; only its start is kept"
# Strings and what stands between them, without brackets but for the innermost ones; brackets in a row;
# what a string has up to its end. Character by character it would take a minute.
_TEXT = r'(?:[^][{}"]++|"(?:[^"\\]++|\\.)*+")'
_PLAIN = re.compile(rf"(?:{_TEXT}|[\[{{]{_TEXT}*+[\]}}])++", re.DOTALL)
_BRACKETS = re.compile(r"[\[{]++|[\]}]++")
_IN_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)


class AnswerText(JsonText):
    """A cursor over the JSON text of an answer; values may be documents."""

    def __init__(self, stream: io.BufferedIOBase, encoding: str) -> None:
        super().__init__(stream, encoding)
        # The brackets around the cursor that are still open, as those that close them.
        self._around: list[str] = []
        # No other document begins before this character of the stream; so no text is searched twice.
        self._clear = 0
        # By which brackets, up to the end of the text, no answer closes.
        self._unclosed: set[str] = set()

    def take(self, wanted: str) -> bool:
        """Skip the next character if it is the wanted one, and return whether it was."""
        taken = super().take(wanted)
        if taken and wanted in CLOSING:
            self._around.append(CLOSING[wanted])
        elif taken and wanted in CLOSING.values():
            self._around.pop()
        return taken

    def is_at_entry(self) -> bool:
        """Return whether an entry of a list comes, `{"key": ..., "value": ...}`."""
        return self.peek() == "{" and ENTRY.match(self.ahead(ENTRY_LENGTH)) is not None

    def document_value(self) -> tuple[Any, str]:
        """Return the next value and its text, as `value`; Unreadable if it is broken, or too long.

        Of one that is too long, the text is only the start. Raises InputError if it does not show where
        the value ends, or if the text ends early.
        """
        opening = self.peek()
        try:
            value, end = self._decode()
        except InputError:
            if not opening:
                raise
            if len(self._buffer) - self._place > json_stream.LONGEST:
                return Unreadable(TOO_LONG), self._skip_long()
            broken = None if self._is_cut_off() else self._end_of_broken()
            if broken is None:
                raise
            return Unreadable(self._reason()), self._step_to(broken)
        if not self._may_end(end):
            broken = self._end_of_broken(end)
            if broken is not None and broken != end:
                what = "a bracket is missing" if broken < end else "a bracket closes too early"
                return Unreadable(str(self.broken(what, min(broken, end)))), self._step_to(broken)
        return value, self._step_to(end)

    def _may_end(self, end: int) -> bool:
        """Return whether a place can be the end of a document, from what follows.

        It is not if a bracket closes the document too early, or is missing.
        """
        if NEXT_KEY[self._around[-1]].match(self._buffer, end):
            return True
        self._read_behind(end)
        around = [*self._around]
        while True:
            end = WHITE.match(self._buffer, end).end()  # type: ignore[union-attr]  # it always matches
            mark = self._buffer[end : end + 1]
            if not mark:  # a document without its last bracket takes that of the answer
                return not around or self._following() is None
            if not around:
                return mark in "{[" or mark == BOM
            if mark == ",":
                return self._may_follow(end + 1, around)
            if mark != around.pop():
                return False
            end += 1

    def _may_follow(self, place: int, around: list[str]) -> bool:
        """Return whether after a comma another document can come, or what tools write beside an answer.

        The fields of a document cannot.
        """
        if around[-1] == "]":
            return OBJECT.match(self._buffer, place) is not None
        name = MEMBER_NAME.match(self._buffer, place)
        return name is not None and name[1] not in FIELD_NAMES

    def _read_behind(self, end: int) -> None:
        """Read on until the patterns of what follows a document can match behind a place."""
        while len(self._buffer) - end < ENTRY_LENGTH and self._more():
            pass

    def _end_of_nested(self) -> int:
        """Return where a value ends that is nested too deeply, which may be broken besides.

        Raises InputError if nothing shows it.
        """
        by_brackets = None
        with suppress(InputError):
            by_brackets = self._end_of_value()
        if by_brackets is not None and self._is_followed(by_brackets):
            return by_brackets
        end = None if self._is_cut_off() else self._end_of_broken()
        if end is None and by_brackets is None:
            raise self.broken("a value does not end", len(self._buffer), cut=True)
        return by_brackets if end is None else end  # type: ignore[return-value]  # one of them is a place

    def _is_followed(self, end: int) -> bool:
        """Return whether behind a place another document comes, or the end of the answer."""
        self._read_behind(end)
        pattern = re.compile(f"{self._closing()}{END}", re.ASCII)
        return any(each.match(self._buffer, end) for each in (NEXT, pattern))

    def _is_cut_off(self) -> bool:
        """Return whether all text that there is has been read, and does not end as an answer does."""
        return self._ended and not self._buffer.rstrip().endswith(("}", "]"))

    def _end_of_broken(self, closed: int | None = None) -> int | None:
        """Return where a value ends that is no JSON; None if nothing shows it.

        `closed` is where its brackets close, if they do so at a place that cannot be its end.
        """
        while True:
            following = self._following()
            if following is not None:
                before = self._end_before_closing(ANOTHER, following.start())
                return following.start() if before is None else before
            try:
                if not self._more_of_value():
                    break
            except InputError:  # it is too long for one document
                return None
        # Where the text itself ends too early, it is cut off, whatever brackets it ends with.
        failed = None if closed is not None else self._failed()
        if closed is not None or (failed is not None and not self._is_end(failed)):
            end = self._end_before_closing(END, len(self._buffer))
            if end is not None or closed is not None:
                return end
        try:
            end = self._end_of_value()
        except InputError:
            return None
        return end if self._buffer[end:].lstrip()[:1] in (",", "}", "]") else None

    def _following(self) -> re.Match[str] | None:
        """Return the start of the next document after the cursor, as far as the text has been read."""
        start = max(self._place + 1, self._clear - self._dropped)
        found = NEXT.search(self._buffer, start)
        if found is None:
            # It may have been cut at the end.
            self._clear = self._dropped + max(len(self._buffer) - ENTRY_LENGTH, 0)
        return found

    def _is_end(self, failed: JSONDecodeError) -> bool:
        """Return whether a value only fails because the text ends; a string without a quote does not."""
        return "control" not in failed.msg and not self._buffer[failed.pos :].strip()

    def _failed(self) -> JSONDecodeError | None:
        """Return why the value that comes is no JSON; numbers that cannot be read are no reason."""
        try:
            SYNTAX_DECODER.raw_decode(self._buffer, self._place)
        except JSONDecodeError as error:
            return error
        except RecursionError:
            place = len(self._buffer) if self._is_open() else self._place
            return JSONDecodeError(json_stream.TOO_DEEP, self._buffer, place)
        return None

    def _is_open(self) -> bool:
        """Return whether the value that comes would be whole, but for brackets that close it."""
        opened: list[str] = []
        for match in MARK.finditer(self._buffer, self._place):
            mark = match[0]
            if mark in CLOSING:
                opened.append(CLOSING[mark])
            elif mark == '"' or (mark in CLOSING.values() and (not opened or opened.pop() != mark)):
                return False
        return bool(opened)

    def _reason(self) -> str:
        """Return a sentence on the value that comes, which is not cut off."""
        failed = self._failed()
        return str(
            self.broken("no value") if failed is None else self.broken(failed.msg, failed.pos)
        )

    def _end_before_closing(self, after: str, until: int) -> int | None:
        """Return where the last document ends by the brackets that close the answer; None if they do not.

        `after` is a pattern of what follows them, which begins before a place in the buffer.
        """
        bracket = re.escape(CLOSING.get(self._buffer[self._place], ""))
        pattern = f"{bracket}(?={self._closing()}{after})"
        if pattern in self._unclosed:
            return None
        found = re.compile(pattern, re.ASCII).search(self._buffer, self._place, until)
        if found is None and after is END:
            self._unclosed.add(pattern)
        return None if found is None else found.end()

    def _closing(self) -> str:
        """Return a pattern of the brackets that close the answer, with white space before what follows."""
        brackets = [SPACE + re.escape(one) for one in reversed(self._around)]
        return f"(?:{MEMBER})*+".join(brackets) + SPACE

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
