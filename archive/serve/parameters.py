"""The parameters of addresses: those of the options of `archive report`, read from a query string.

A name without a value is true for a flag, as in `?compare`. `read` ignores nothing: an unknown
name, a second value and an invalid one are errors, each with what is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.errors import UsageError
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRUE, _FALSE = ("", "true", "1", "yes"), ("false", "0", "no")


@dataclass(frozen=True)
class Parameter:
    """A parameter: `name` is that of the option without `--`, `argument` that of the function behind it.

    `type` is str, int or bool. Integers are from `least` to `greatest`.
    """

    name: str
    argument: str
    help: str
    type: type = str
    choices: tuple[str, ...] = ()
    repeatable: bool = False
    least: int | None = None
    greatest: int | None = None

    def value(self, texts: list[str]) -> Any:
        """Return the value that texts of a query string have. Raises UsageError."""
        if self.repeatable:
            return texts
        if len(texts) > 1:
            raise UsageError(f"parameter {self.name} is given {len(texts)} times; give it once")
        (text,) = texts
        if self.choices and text not in self.choices:
            raise self._invalid(text, f"one of {', '.join(self.choices)}")
        if self.type is bool:
            if text.lower() not in _TRUE + _FALSE:
                raise self._invalid(text, "true or false")
            return text.lower() in _TRUE
        return self._integer(text) if self.type is int else text

    def _integer(self, text: str) -> int:
        """Return a whole number within the limits, 0 or more without one. Raises UsageError."""
        # Longer than any number of 64 bits is no number here, nor are digits of other scripts.
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        least, greatest = self.least or 0, self.greatest
        if number < least or (greatest is not None and number > greatest):
            raise self._invalid(text, f"a whole number from {least} on")
        return number

    def _invalid(self, text: str, valid: str) -> UsageError:
        """Return the error for a value, with what to write instead."""
        return UsageError(f"invalid {self.name} {quoted(text)}: write {valid}")


def read(parameters: Iterable[Parameter], query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the values of a query string by argument. Raises UsageError for unknown parameters.

    A name that is not in the query has no entry in the result, so that the default of its option
    applies.
    """
    known = {one.name: one for one in parameters}
    texts: dict[str, list[str]] = {}
    for name, text in query:
        if name not in known:
            raise UsageError(f"unknown parameter {quoted(name)}{suggestion(name, known)}")
        texts.setdefault(name, []).append(text)
    return {known[name].argument: known[name].value(found) for name, found in texts.items()}
