from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from archive.judgement import schedules
from archive.judgement.local_time import DAY, instant, seconds
from archive.judgement.schedules import Schedule, Zone, due, zone_at

LONG_AGO = seconds("2020-01-01")
ALL_DAYS = tuple(range(7))
NIGHTLY = Schedule(LONG_AGO, None, enabled=True, minute=120, weekdays=ALL_DAYS)
BERLIN, TOKYO = Zone(LONG_AGO, "Europe/Berlin"), Zone(seconds("2026-03-10"), "Asia/Tokyo")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"])
# A month in which clocks go forward, and one in which they go back.
MONTHS = st.sampled_from([date(2026, 3, 15), date(2026, 10, 15)])


def shown(found: list[int]) -> list[str]:
    return [instant(at)[:16] for at in found]


@given(MONTHS, ZONES, st.integers(0, 1439), st.sets(st.integers(0, 6), min_size=1))
def test_due_instants_are_those_of_each_date(
    month: date, zone: str, minute: int, weekdays: set[int]
) -> None:
    """Looking up each date of a month in the zone finds the same instants."""
    first = datetime.combine(month, time(), UTC)
    last = first + timedelta(days=30)
    plain = []
    for place in range(-2, 33):
        local = month + timedelta(days=place)
        shows = datetime.combine(local, time(*divmod(minute, 60)), ZoneInfo(zone))
        at = min(shows.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        if local.weekday() in weekdays and first <= at < last:
            plain.append(at.isoformat()[:16])
    row = NIGHTLY._replace(minute=minute, weekdays=tuple(sorted(weekdays)))
    zones = (Zone(LONG_AGO, zone),)
    bounds = int(first.timestamp()), int(last.timestamp())
    assert shown(list(due(row, zones, *bounds))) == plain


@given(MONTHS, st.lists(st.integers(0, 30 * DAY), min_size=2).map(sorted))
def test_parts_of_a_time_add_up(month: date, cuts: list[int]) -> None:
    at = seconds(month.isoformat())
    parts = [
        list(due(NIGHTLY, (BERLIN,), at + first, at + until)) for first, until in pairwise(cuts)
    ]
    assert [at for part in parts for at in part] == list(
        due(NIGHTLY, (BERLIN,), at + cuts[0], at + cuts[-1])
    )


def test_due_only_while_in_force() -> None:
    row = NIGHTLY._replace(since=seconds("2026-03-02T02:00"), until=seconds("2026-03-04T02:00"))
    bounds = seconds("2026-03-01"), seconds("2026-04-01")
    assert shown(list(due(row, (), *bounds))) == ["2026-03-02T02:00", "2026-03-03T02:00"]


def test_never_due_when_switched_off_or_without_a_time() -> None:
    bounds = seconds("2026-03-01"), seconds("2026-04-01")
    for row in (NIGHTLY._replace(enabled=False), NIGHTLY._replace(minute=None)):
        assert not list(due(row, (), *bounds))


def test_zones_change() -> None:
    bounds = seconds("2026-03-08T12:00"), seconds("2026-03-11T12:00")
    assert shown(list(due(NIGHTLY, (BERLIN, TOKYO), *bounds))) == [
        "2026-03-09T01:00",
        "2026-03-09T17:00",
        "2026-03-10T17:00",
    ]


def test_zone_before_the_first_collected_one() -> None:
    at = seconds("2019-07-01T12:00")
    clocks = zone_at((BERLIN,), at)
    assert clocks is not None
    assert clocks.reading(at) == seconds("2019-07-01T14:00")
    assert zone_at((), at) is None


def test_unknown_zones_are_read_as_utc() -> None:
    bounds = seconds("2026-03-01"), seconds("2026-03-02")
    for name in ("Europe/Atlantis", "../UTC", ""):
        zones = (Zone(LONG_AGO, name),)
        assert zone_at(zones, bounds[0]) is None
        assert shown(list(due(NIGHTLY, zones, *bounds))) == ["2026-03-01T02:00"]


def test_schedules_decide_from_the_first_that_says_when() -> None:
    vague = NIGHTLY._replace(minute=None)
    later = NIGHTLY._replace(since=LONG_AGO + DAY)
    assert schedules.known_from([]) is None
    assert schedules.known_from([vague]) is None
    assert schedules.known_from([vague, later]) == LONG_AGO + DAY
    assert schedules.known_from([vague._replace(enabled=False), later]) == LONG_AGO


def test_weekdays_and_minutes() -> None:
    assert schedules.weekdays(["SUNDAY", "MONDAY", "MONDAY", "NEVERDAY"]) == (0, 6)
    assert schedules.weekdays(None) == schedules.weekdays([]) == ALL_DAYS
    assert schedules.minute(2, 15) == 135
    for hour, minute in ((None, 0), (0, None), (24, 0), (0, 60), (-1, 0)):
        assert schedules.minute(hour, minute) is None
