"""JSON numbers by value: a double where it is exact, otherwise a Decimal."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter
from typing import Any


def parse_float(text: str) -> float | Decimal:
    """Return the double of a number's text, or a Decimal if no double has that value.

    `0.1`, `1.0E-1` and `10.0E-2` are the same value. Minus zero becomes zero. Raises ValueError for
    an exponent that no Decimal can have.
    """
    double = float(text)
    try:
        exact = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"the number {text:.40} is too large or too small") from error
    if Decimal(repr(double)) == exact:
        return double or 0.0
    return exact


def refuse_constant(text: str) -> float:
    """Raise ValueError for NaN and Infinity, which Python accepts and JSON does not have."""
    raise ValueError(f"{text} is not JSON")


class RepeatedMembers(dict[str, Any]):
    """An object in which a name occurs more than once; as a dict it has the last value of each."""

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        super().__init__(members)
        self.members = members

    @property
    def repeated(self) -> str:
        """The first of the repeated names in alphabetical order."""
        names = sorted(name for name, _ in self.members)
        return next(name for name, following in pairwise(names) if name == following)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    return value if len(value) == len(members) else RepeatedMembers(members)


def has_repeated(value: Any) -> bool:
    """Return whether any object within a value of `loads` has repeated members."""
    values = [value]
    for one in values:  # grows while it is read
        if isinstance(one, RepeatedMembers):
            return True
        if isinstance(one, (dict, list)):
            values += one.values() if isinstance(one, dict) else one
    return False


# Of repeated members it keeps only the last.
DECODER = json.JSONDecoder(parse_float=parse_float, parse_constant=refuse_constant)
_WHOLE_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=parse_float, parse_constant=refuse_constant
)

# It takes every number, also what only Python reads as one: for where a value ends.
SYNTAX_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def dumps(value: Any) -> str:
    """Return ASCII JSON with sorted keys and no white space; a Decimal is written as a number.

    Lone surrogates and NUL are escaped, so any database can store any text.
    """
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, RepeatedMembers):
        members = sorted(value.members, key=itemgetter(0))
        return "{" + ",".join(f"{json.dumps(name)}:{dumps(item)}" for name, item in members) + "}"
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key)}:{dumps(value[key])}" for key in sorted(value)) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value)


def loads(text: str) -> Any:
    """Return the value of a JSON text, with numbers by value. Raises ValueError.

    An object with repeated members is a RepeatedMembers.
    """
    return _WHOLE_DECODER.decode(text)
