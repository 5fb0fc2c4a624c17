from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import timestamps

MOMENTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-07-23T02:15:00Z", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T02:15:00.041Z", "2026-07-23T02:15:00.041000Z"),
        ("2026-07-23t02:15:00.5z", "2026-07-23T02:15:00.500000Z"),
        ("2026-07-23T02:15:00.000001000Z", "2026-07-23T02:15:00.000001Z"),
        ("2026-07-23T02:15:00+00:00", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T02:15:00-00:00", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T08:00:00+05:45", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-22T22:45:00.25-03:30", "2026-07-23T02:15:00.250000Z"),
        ("2026-07-23 02:15:00Z", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T04:15:00+0200", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T04:15:00+02", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23 04:15:00 +0200", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T02:15:00,041Z", "2026-07-23T02:15:00.041000Z"),
        ("2026-07-23 02:15:00 UTC", "2026-07-23T02:15:00.000000Z"),
        ("/Date(1784772900041)/", "2026-07-23T02:15:00.041000Z"),
        ("\\/Date(1784772900041+0200)\\/", "2026-07-23T02:15:00.041000Z"),
        ("2026-07-23T02:15Z", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23 04:15 +0200", "2026-07-23T02:15:00.000000Z"),
        ("20260723T021500Z", "2026-07-23T02:15:00.000000Z"),
        ("20260723T021500.041+0000", "2026-07-23T02:15:00.041000Z"),
        ("20260723T0415+02", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T04:15:00+02:00[Europe/Berlin]", "2026-07-23T02:15:00.000000Z"),
        ("2026-07-23T02:15:00Z[UTC]", "2026-07-23T02:15:00.000000Z"),
        ("Thu, 23 Jul 2026 02:15:00 GMT", "2026-07-23T02:15:00.000000Z"),
        ("23 Jul 2026 04:15:00 +0200", "2026-07-23T02:15:00.000000Z"),
        ("/Date(-1)/", "1969-12-31T23:59:59.999000Z"),
        ("2024-03-01T00:00:00+23:59", "2024-02-29T00:01:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_any_offset_becomes_utc(text: str, instant: str) -> None:
    """A timestamp with any offset and any fraction has one fixed-width form."""
    assert timestamps.parse(text) == instant


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an RFC 3339"),
        ("2026-07-23", "not an RFC 3339"),
        ("2026-07-23 02:15:00", "not an RFC 3339"),
        ("/Date(999999999999999)/", "outside the years"),
        ("/Date(1.5)/", "not an RFC 3339"),
        ("2026-0723T02:15:00Z", "not an RFC 3339"),
        ("2026-07-23T02:1500Z", "not an RFC 3339"),
        ("2026-07-23T02:15:00[Europe/Berlin]", "not an RFC 3339"),
        ("Thu, 23 Jul 2026 02:15:00 CEST", "not an RFC 3339"),
        ("Thu, 23 Jul 2026 02:15:00", "not an RFC 3339"),
        ("Thu, 31 Feb 2026 02:15:00 GMT", "day is out of range"),
        ("01 Jan 0001 00:00:00 +0100", "not an RFC 3339"),
        ("31 Dec 9999 23:59:59 -0100", "outside the years"),
        ("1784772900041", "not an RFC 3339"),
        ("2026-07-23T02:15:00", "not an RFC 3339"),
        ("2026-07-23T02:15:00+2", "not an RFC 3339"),
        ("2026-07-23T02:15:00 CET", "not an RFC 3339"),
        ("2026-07-23T02:15:00.Z", "not an RFC 3339"),
        ("2026-07-23T02:15:00Z\n", "not an RFC 3339"),
        ("\u0662026-07-23T02:15:00Z", "not an RFC 3339"),
        ("2026-02-29T00:00:00Z", "day is out of range"),
        ("2026-07-23T24:00:00Z", "hour must be in"),
        ("2026-06-30T23:59:60Z", "second must be in"),
        ("0000-01-01T00:00:00Z", "year 0 is out of range"),
        ("2026-07-23T02:15:00+24:00", "impossible offset"),
        ("2026-07-23T02:15:00+01:60", "impossible offset"),
        ("0001-01-01T00:00:00+00:01", "outside the years 1 to 9999"),
        ("9999-12-31T23:59:59-00:01", "outside the years 1 to 9999"),
    ],
)
def test_invalid_timestamps_are_refused(text: str, reason: str) -> None:
    """Anything else than an instant of the years 1 to 9999 is refused with its reason."""
    with pytest.raises(ValueError, match=reason):
        timestamps.parse(text)


def test_digits_below_a_microsecond_are_reported() -> None:
    """A timestamp finer than a microsecond is refused with its truncated value."""
    with pytest.raises(timestamps.TooFineError) as refused:
        timestamps.parse("2026-07-23T04:15:00.1234567+02:00")
    assert refused.value.truncated == "2026-07-23T02:15:00.123456Z"


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    """The texts of instants have the same order as the instants."""
    texts = timestamps.from_datetime(one), timestamps.from_datetime(other)
    assert (texts[0] < texts[1]) == (one < other)
    assert {len(text) for text in texts} == {27}


@given(MOMENTS)
def test_every_form_is_read_back(moment: datetime) -> None:
    """The document form, the fixed form and the datetime of an instant are the same moment."""
    instant = timestamps.from_datetime(moment)
    assert timestamps.to_datetime(instant) == moment
    assert timestamps.fixed_form(timestamps.document_form(instant)) == instant
    assert timestamps.parse(timestamps.document_form(instant)) == instant


def test_documents_have_milliseconds_where_they_suffice() -> None:
    """Microseconds are written only if they are not zero; vCenter writes milliseconds."""
    assert timestamps.document_form("2026-07-23T02:15:00.041000Z") == "2026-07-23T02:15:00.041Z"
    assert timestamps.document_form("2026-07-23T02:15:00.041001Z") == "2026-07-23T02:15:00.041001Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-23T02:15:00.041Z",
        "2024-02-29T23:59:59.999Z",
        "2026-02-29T00:00:00.000Z",
        "2026-07-23T24:00:00.000Z",
        "2026-07-23T02:15:60.000Z",
        "2026-07-23T02:15:00.04Zx",
        "2026-07-23t02:15:00.041Z",
        "2026-07-23T02:15:00.41zz",
        "0000-07-23T02:15:00.041Z",
        "٢٠٢٦-07-23T02:15:00.041Z",
        "2026-07-23T02:15:0+.041Z",
        "2026-07-23T02:15:00+0:0Z",
        "2026-07-23T02:15+00:000Z",
        "2026-07-23T04:15+02:00.0",
    ],
)
def test_fast_path_equals_the_general_one(text: str) -> None:
    """Timestamps in vCenter's usual form are read as all others are."""
    try:
        expected = timestamps.document_form(timestamps.parse(text))
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            timestamps.canonical(text)
    else:
        assert timestamps.canonical(text) == expected


def test_now_is_an_instant() -> None:
    """The current instant has the fixed form and lies between two readings of the clock."""
    before = datetime.now(UTC)
    found = timestamps.now()
    assert before <= timestamps.to_datetime(found) <= datetime.now(UTC)
    assert timestamps.parse(found) == found
