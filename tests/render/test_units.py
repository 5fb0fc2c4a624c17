from __future__ import annotations

import pytest

from archive.columns import Kind, named
from archive.render import units

SUMMER = "2026-07-24T02:15:59.999999Z"


def test_moment_has_the_offset_of_its_zone() -> None:
    """In UTC it is the customary Z; elsewhere the offset tells the two hours of a clock change apart."""
    assert units.moment(SUMMER, "UTC") == "2026-07-24 02:15:59Z"
    assert units.moment(SUMMER, "Europe/Berlin") == "2026-07-24 04:15:59+02:00"
    assert units.moment(SUMMER, "Asia/Kathmandu", "minutes") == "2026-07-24 08:00+05:45"
    before, after = "2026-10-25T00:30:00.000000Z", "2026-10-25T01:30:00.000000Z"
    assert units.moment(before, "Europe/Berlin") == "2026-10-25 02:30:00+02:00"
    assert units.moment(after, "Europe/Berlin") == "2026-10-25 02:30:00+01:00"


def test_moment_beyond_the_years_of_datetime_is_in_utc() -> None:
    """The year 10000 has no datetime."""
    last = "9999-12-31T23:59:59.000000Z"
    assert units.moment(last, "Asia/Kathmandu") == "9999-12-31 23:59:59Z"
    assert units.local(last, "Asia/Kathmandu") == "9999-12-31 23:59Z"
    assert units.local("0099-01-01T00:00:00.000000Z", "UTC") == "0099-01-01 00:00"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Kind.INSTANT, "yesterday", "yesterday"),
        (Kind.INSTANT, 5, "5"),
        (Kind.BYTES, 5000.5, "4.9 KiB"),
        (Kind.SECONDS, 61.6, "1 m 02 s"),
        (Kind.BYTES, "many", "many"),
        (Kind.RATIO, "half", "half"),
    ],
)
def test_value_of_another_type_is_shown(kind: Kind, value: object, shown: str) -> None:
    """A user's query may call anything `x_time` or `mean_bytes`."""
    assert units.readable(kind, value) == shown


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (-0.016, "-1.6 points"),
        (0.25, "+25.0 points"),
        (0.0, "0.0 points"),
        (-0.00001, "-0.01 points"),
    ],
)
def test_difference_of_ratios_is_in_points(change: float, shown: str) -> None:
    """From 98.6 % to 97.0 % is not 1.6 % less."""
    assert units.readable(Kind.RATIO.difference, change, signed=True) == shown
    assert Kind.BYTES.difference is Kind.BYTES


def test_times_of_a_query_are_known_by_their_names() -> None:
    """A column of SQL has no kind of its own."""
    kinds = {
        name: named(name).kind for name in ("seen_at", "start_time", "last_seen", "size_bytes")
    }
    assert kinds == {
        "seen_at": Kind.INSTANT,
        "start_time": Kind.INSTANT,
        "last_seen": Kind.INSTANT,
        "size_bytes": Kind.BYTES,
    }
