from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from archive import timestamps
from archive.judgement.local_time import clock, instant, seconds

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - clock readings have no zone
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
    ]
)
MINUTES = st.datetimes(datetime(2010, 1, 1), datetime(2035, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(second=0, microsecond=0)
)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 1, 1)))  # noqa: DTZ001
def test_instants_are_whole_seconds(moment: datetime) -> None:
    text = timestamps.from_datetime(moment.replace(tzinfo=UTC))
    assert seconds(text) == (moment.replace(microsecond=0) - EPOCH) // timedelta(seconds=1)
    assert instant(seconds(text)) == f"{text[:19]}.000000Z"


@given(ZONES, MINUTES)
def test_readings_are_those_of_the_zone(zone: str, moment: datetime) -> None:
    shown = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    at = (moment - EPOCH) // timedelta(seconds=1)
    assert clock(zone).reading(at) == (shown - EPOCH) // timedelta(seconds=1)


@given(ZONES, MINUTES)
def test_readings_shown_twice_or_never_are_the_earlier_instant(zone: str, shown: datetime) -> None:
    plain = min(shown.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    reading = (shown - EPOCH) // timedelta(seconds=1)
    assert instant(clock(zone).at(reading)) == timestamps.from_datetime(plain)


def test_days_when_clocks_change() -> None:
    berlin = clock("Europe/Berlin")
    for shown, at in (
        ("2026-03-29T01:59", "2026-03-29T00:59"),
        ("2026-03-29T02:30", "2026-03-29T00:30"),  # skipped
        ("2026-03-29T03:00", "2026-03-29T01:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),  # twice
        ("2026-10-25T03:00", "2026-10-25T02:00"),
    ):
        assert berlin.at(seconds(shown)) == seconds(at)
