"""JSON numbers by value: a double where it is exact, otherwise a Decimal."""

from __future__ import annotations

import json
from decimal import Decimal
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


DECODER = json.JSONDecoder(parse_float=parse_float, parse_constant=refuse_constant)


def dumps(value: Any) -> str:
    """Return ASCII JSON with sorted keys and no white space; a Decimal is written as a number.

    Lone surrogates and NUL are escaped, so any database can store any text.
    """
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key)}:{dumps(value[key])}" for key in sorted(value)) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value)


def loads(text: str) -> Any:
    """Return the value of a JSON text, with numbers by value. Raises ValueError."""
    return DECODER.decode(text)
