from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import UsageError
from archive.monitoring.ranges import PERCENT, PLAIN, SECONDS, Range, parse


# The examples of the Monitoring Plugins Development Guidelines, with the values that alert.
@pytest.mark.parametrize(
    ("text", "found", "alarming", "fine"),
    [
        ("10", Range(0, 10), (-1, 11), (0, 10)),
        ("10:", Range(10, inf), (9,), (10, 10**9)),
        ("~:10", Range(-inf, 10), (11,), (-(10**9), 10)),
        ("10:20", Range(10, 20), (9, 21), (10, 20)),
        ("@10:20", Range(10, 20, inside=True), (10, 20), (9, 21)),
        ("@10", Range(0, 10, inside=True), (0, 10), (-1, 11)),
        ("0", Range(0, 0), (1, -1), (0,)),
        ("-5:-1", Range(-5, -1), (0, -6), (-5, -1)),
        ("0:", Range(0, inf), (-1,), (0, 10**9)),
        ("~:", Range(-inf, inf), (), (-(10**9), 10**9)),
        (" 2.5 ", Range(0, 2.5), (3,), (2,)),
    ],
)
def test_ranges(text: str, found: Range, alarming: tuple[int, ...], fine: tuple[int, ...]) -> None:
    """Both ends are included; values outside alert, or with @ values inside."""
    assert parse(text, PLAIN) == found
    assert all(found.alarms(value) for value in alarming)
    assert not any(found.alarms(value) for value in fine)
    assert str(found) == text.strip()


@pytest.mark.parametrize(
    ("text", "units", "written"),
    [
        ("26h", SECONDS, "93600"),
        ("90min:2d", SECONDS, "5400:172800"),
        ("@30s:1.5min", SECONDS, "@30:90"),
        ("~:1h", SECONDS, "~:3600"),
        ("0:5", PLAIN, "5"),
        (":5", PLAIN, "5"),
        ("30%", PERCENT, "30"),
        ("12.5%:", PERCENT, "12.5:"),
    ],
)
def test_units(text: str, units: dict[str, int], written: str) -> None:
    """Ranges are written in base units, as performance data requires."""
    assert str(parse(text, units)) == written


@pytest.mark.parametrize(
    ("text", "units", "said"),
    [
        ("", PLAIN, 'invalid range "": write it as 10, 10:, ~:10, 10:20 or @10:20'),
        ("@", PLAIN, "invalid range"),
        ("~", PLAIN, "invalid range"),
        ("1:2:3", PLAIN, "invalid range"),
        ("1e9", PLAIN, "invalid range"),
        ("1\n", SECONDS, None),
        ("ten", PLAIN, "invalid range"),
        ("٣", PLAIN, "invalid range"),
        ("20:10", PLAIN, 'invalid range "20:10": the end is before the start'),
        ("2d:1h", SECONDS, "the end is before the start"),
        ("5h", PLAIN, 'invalid range "5h": unknown unit "h" (valid: none)'),
        ("5w", SECONDS, "(valid: s, min, h, d)"),
        (
            "90m",
            SECONDS,
            'invalid range "90m": 90m is ambiguous: write 90min for minutes (mo, months,',
        ),
        ("5s", PERCENT, "(valid: %)"),
    ],
)
def test_invalid_ranges_are_refused(text: str, units: dict[str, int], said: str | None) -> None:
    """Impossible ranges are refused with the right form; surrounding space is ignored."""
    if said is None:
        assert parse(text, units) == Range(0, 1)
        return
    with pytest.raises(UsageError) as refused:
        parse(text, units)
    assert said in str(refused.value)


@given(
    start=st.one_of(st.just(-inf), st.integers(-(10**9), 10**9)),
    width=st.one_of(st.just(inf), st.integers(0, 10**9)),
    inside=st.booleans(),
)
def test_written_range_is_read_back(*, start: float, width: float, inside: bool) -> None:
    """Performance data repeats the thresholds."""
    found = Range(start, width if start == -inf else start + width, inside)
    assert parse(str(found), PLAIN) == found
