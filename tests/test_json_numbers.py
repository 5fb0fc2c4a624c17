from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from archive import json_numbers
from tests.support.strategies import DOUBLE, JSON

ONE_THIRD = "0.333333333333333333333333333333"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.0E-2", 0.1),
        ("1.5E0", 1.5),
        ("1e2", 100.0),
        ("0.100", 0.1),
        ("-0.0E0", 0.0),
        ("1.7976931348623157e308", sys.float_info.max),
        (ONE_THIRD, Decimal(ONE_THIRD)),
        ("1e400", Decimal("1e400")),
        ("1e-400", Decimal("1e-400")),
    ],
)
def test_numbers_are_exact(text: str, value: float | Decimal) -> None:
    """A number is a double if a double represents it exactly, otherwise a decimal."""
    found = json_numbers.parse_float(text)
    assert found == value
    assert type(found) is type(value)
    assert not str(found).startswith("-0")


@given(DOUBLE)
def test_doubles_are_read_back(double: float) -> None:
    """Every double is read back from its text."""
    assert json_numbers.loads(json_numbers.dumps(double)) == double


@pytest.mark.parametrize("text", [ONE_THIRD, "1E+400", "-1E-400", "123456789012345678901234567890"])
def test_exact_numbers_are_written_digit_by_digit(text: str) -> None:
    """A number that no double holds is written digit for digit."""
    assert json_numbers.dumps({"a": [json_numbers.loads(text)]}) == f'{{"a":[{text}]}}'


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}'])
def test_nan_and_infinity_are_refused(text: str) -> None:
    """NaN and the infinities are refused, though Python would read them."""
    with pytest.raises(ValueError, match="is not JSON"):
        json_numbers.loads(text)


@pytest.mark.parametrize("text", ["1e99999999999999999999", "-1.5E-99999999999999999999"])
def test_huge_exponents_are_refused(text: str) -> None:
    """A number whose exponent is too large for a decimal is a ValueError like any other."""
    with pytest.raises(ValueError, match="is too large or too small"):
        json_numbers.loads(text)


@given(JSON)
def test_output_is_ascii_with_sorted_keys(value: Any) -> None:
    """The output is ASCII without NUL, has sorted keys, and the same meaning."""
    text = json_numbers.dumps(value)
    assert text.isascii()
    assert "\0" not in text
    assert json_numbers.loads(text) == value
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"))


def test_nul_and_surrogates_are_escaped() -> None:
    """NUL and lone surrogates are written as escapes."""
    assert json_numbers.dumps({"\ud800": "\0"}) == '{"\\ud800":"\\u0000"}'
