"""JSON numbers by value: a double where a double says it exactly, else the decimal itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def parse_float(text: str) -> float | Decimal:
    """Return the double that `text` denotes, or the Decimal if no double prints as that value.

    Serializers write the same double as `0.1`, `1.0E-1` or `10.0E-2`: all are 0.1. Minus zero is
    zero by value. Raises ValueError for an exponent beyond what a Decimal can have.
    """
    double = float(text)
    try:
        exact = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"the number {text:.40} cannot be held") from error
    if Decimal(repr(double)) == exact:
        return double or 0.0
    return exact


def refuse_constant(text: str) -> float:
    """Refuse NaN and Infinity, which Python would read and JSON does not have."""
    raise ValueError(f"{text} is not JSON")


DECODER = json.JSONDecoder(parse_float=parse_float, parse_constant=refuse_constant)


def dumps(value: Any) -> str:
    """Return ASCII JSON with sorted keys and no white space; a Decimal is written as a number.

    Lone surrogates and NUL are escaped, so any text of any document survives in any database.
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
