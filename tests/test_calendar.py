from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive import calendar, timestamps
from archive.calendar import Calendar, CalendarDay
from archive.errors import UsageError

# For each zone: the last second of a day and the first of the next, around its DST days.
MIDNIGHTS = [
    # Berlin: 23 hours on 29 March, 25 hours on 25 October.
    ("Europe/Berlin", "2026-03-28T22:59:59", "2026-03-28"),
    ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29"),
    ("Europe/Berlin", "2026-03-29T21:59:59", "2026-03-29"),
    ("Europe/Berlin", "2026-03-29T22:00:00", "2026-03-30"),
    ("Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25"),
    ("Europe/Berlin", "2026-10-25T22:59:59", "2026-10-25"),
    ("Europe/Berlin", "2026-10-25T23:00:00", "2026-10-26"),
    # New York: 8 March and 1 November.
    ("America/New_York", "2026-03-08T04:59:59", "2026-03-07"),
    ("America/New_York", "2026-03-08T05:00:00", "2026-03-08"),
    ("America/New_York", "2026-03-09T03:59:59", "2026-03-08"),
    ("America/New_York", "2026-03-09T04:00:00", "2026-03-09"),
    ("America/New_York", "2026-11-02T04:59:59", "2026-11-01"),
    ("America/New_York", "2026-11-02T05:00:00", "2026-11-02"),
    # Lord Howe Island moves by half an hour, between +10:30 and +11:00: 5 April and 4 October.
    ("Australia/Lord_Howe", "2026-04-04T12:59:59", "2026-04-04"),
    ("Australia/Lord_Howe", "2026-04-04T13:00:00", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-04-05T13:29:59", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-04-05T13:30:00", "2026-04-06"),
    ("Australia/Lord_Howe", "2026-10-04T12:59:59", "2026-10-04"),
    ("Australia/Lord_Howe", "2026-10-04T13:00:00", "2026-10-05"),
    # The Chatham Islands, +12:45 and +13:45: 5 April and 27 September.
    ("Pacific/Chatham", "2026-04-04T10:14:59", "2026-04-04"),
    ("Pacific/Chatham", "2026-04-04T10:15:00", "2026-04-05"),
    ("Pacific/Chatham", "2026-04-05T11:14:59", "2026-04-05"),
    ("Pacific/Chatham", "2026-04-05T11:15:00", "2026-04-06"),
    ("Pacific/Chatham", "2026-09-27T10:14:59", "2026-09-27"),
    ("Pacific/Chatham", "2026-09-27T10:15:00", "2026-09-28"),
    # Kathmandu, +5:45, knows no DST.
    ("Asia/Kathmandu", "2026-03-28T18:14:59", "2026-03-28"),
    ("Asia/Kathmandu", "2026-03-28T18:15:00", "2026-03-29"),
    ("UTC", "2026-03-28T23:59:59", "2026-03-28"),
    ("UTC", "2026-03-29T00:00:00", "2026-03-29"),
]
AFTERNOONS = [
    ("Europe/Berlin", "2026-03-28T14:59:59", "2026-03-27"),
    ("Europe/Berlin", "2026-03-28T15:00:00", "2026-03-28"),
    ("Europe/Berlin", "2026-03-29T13:59:59", "2026-03-28"),
    ("Europe/Berlin", "2026-03-29T14:00:00", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25T14:59:59", "2026-10-24"),
    ("Europe/Berlin", "2026-10-25T15:00:00", "2026-10-25"),
    ("America/New_York", "2026-03-08T19:59:59", "2026-03-07"),
    ("America/New_York", "2026-03-08T20:00:00", "2026-03-08"),
    ("America/New_York", "2026-11-01T20:59:59", "2026-10-31"),
    ("America/New_York", "2026-11-01T21:00:00", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05T05:29:59", "2026-04-04"),
    ("Australia/Lord_Howe", "2026-04-05T05:30:00", "2026-04-05"),
    ("Pacific/Chatham", "2026-04-05T03:14:59", "2026-04-04"),
    ("Pacific/Chatham", "2026-04-05T03:15:00", "2026-04-05"),
    ("Asia/Kathmandu", "2026-03-29T10:14:59", "2026-03-28"),
    ("Asia/Kathmandu", "2026-03-29T10:15:00", "2026-03-29"),
    ("UTC", "2026-03-29T15:59:59", "2026-03-28"),
    ("UTC", "2026-03-29T16:00:00", "2026-03-29"),
]


@pytest.mark.parametrize(
    ("zone", "day_start", "instant", "day"),
    [(zone, "00:00", instant, day) for zone, instant, day in MIDNIGHTS]
    + [(zone, "16:00", instant, day) for zone, instant, day in AFTERNOONS],
)
def test_days_end_where_the_zone_says(zone: str, day_start: str, instant: str, day: str) -> None:
    """A day has 23, 24 or 25 hours, or 23½ or 24½, depending on its zone."""
    assert calendar.calendar(zone, day_start).day(f"{instant}.000000Z") == day


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-10-25T00:29:59", "2026-10-24"),
        ("2026-10-25T00:30:00", "2026-10-25"),
        ("2026-10-25T01:00:00", "2026-10-25"),
        ("2026-10-25T01:30:00", "2026-10-25"),
        ("2026-03-29T00:59:59", "2026-03-28"),
        ("2026-03-29T01:00:00", "2026-03-29"),
    ],
)
def test_day_starts_once(instant: str, day: str) -> None:
    """A repeated start counts at its first time; a skipped one counts at the moment of the change."""
    assert Calendar("Europe/Berlin", "02:30").day(f"{instant}.000000Z") == day


@pytest.mark.parametrize(
    ("zone", "day_start", "instant", "day"),
    [
        ("Pacific/Kiritimati", "00:00", "9999-12-31T23:00:00.000000Z", "9999-12-31"),
        ("Pacific/Pago_Pago", "00:00", "0001-01-01T01:00:00.000000Z", "0001-01-01"),
        ("UTC", "16:00", "0001-01-01T15:00:00.000000Z", "0001-01-01"),
        ("UTC", "16:00", "9999-12-31T23:00:00.000000Z", "9999-12-31"),
        ("UTC", "16:00", "9999-12-31T15:00:00.000000Z", "9999-12-30"),
    ],
)
def test_there_is_no_day_outside_the_years(
    zone: str, day_start: str, instant: str, day: str
) -> None:
    """The first and the last day include all instants beyond them."""
    assert Calendar(zone, day_start).day(instant) == day


@given(
    st.sampled_from(sorted(available_timezones() - {"localtime"})),
    st.times(),
    st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=2),
)
@example("Europe/Berlin", datetime(1, 1, 1, 2, 30, tzinfo=UTC).time(), [
    datetime(2026, 10, 25, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC),
])  # fmt: skip
@example("America/St_Johns", datetime(1, 1, 1, tzinfo=UTC).time(), [
    datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC), datetime(2010, 11, 7, 2, 31, 30, tzinfo=UTC),
])  # fmt: skip
def test_later_instant_has_no_earlier_day(
    zone: str, start: object, moments: list[datetime]
) -> None:
    """Of two jobs the one that starts later never has the earlier day, in any zone."""
    chosen = calendar.calendar(zone, str(start)[:5])
    earlier, later = (timestamps.from_datetime(moment) for moment in sorted(moments))
    assert chosen.day(earlier) <= chosen.day(later)


ZONES_THAT_MOVE = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham",
                   "America/St_Johns", "Asia/Beirut", "Pacific/Apia", "Africa/Casablanca"]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(ZONES_THAT_MOVE),
    st.sampled_from(["00:00", "02:00", "02:30", "16:00", "23:45"]),
    st.integers(1990, 2037),
)
def test_days_of_a_year_are_in_order(zone: str, day_start: str, year: int) -> None:
    """In steps of a quarter of an hour, a year's days follow each other, with at most one skipped."""
    chosen = Calendar(zone, day_start)
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    # Around the months in which clocks are changed.
    for month in (59, 90, 270, 300):
        last = None
        for quarter in range(0, 40 * 96, 3):
            moment = datetime.fromtimestamp(start + month * 86400 + quarter * 900, UTC)
            found = date.fromisoformat(chosen.day(timestamps.from_datetime(moment)))
            assert last is None or 0 <= (found - last).days <= 2
            last = found


@pytest.mark.parametrize(
    ("zone", "day_start", "day", "start"),
    [
        ("UTC", "00:00", "2026-03-01", "2026-03-01T00:00"),
        ("Europe/Berlin", "16:00", "2026-03-29", "2026-03-29T14:00"),
        ("Asia/Kathmandu", "00:00", "2026-03-01", "2026-02-28T18:15"),
        # The start is skipped, or comes twice.
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:00"),
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30"),
        ("America/Santiago", "00:00", "2026-09-06", "2026-09-06T04:00"),
        # The zone skipped the whole day.
        ("Pacific/Apia", "00:00", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "00:00", "2011-12-31", "2011-12-30T10:00"),
    ],
)
def test_start_of_days(zone: str, day_start: str, day: str, start: str) -> None:
    """A day has a first instant, even if clocks change."""
    assert Calendar(zone, day_start).start(day) == f"{start}:00.000000Z"


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(available_timezones())),
    st.times().map(lambda time: f"{time:%H:%M}"),
    st.dates(date(1990, 1, 1), date(2040, 1, 1)),
)
def test_day_starts_where_the_previous_one_ends(zone: str, day_start: str, day: date) -> None:
    """The first instant of a day belongs to it, or to a later day if it is skipped; the previous does not."""
    calendar = Calendar(zone, day_start)
    start = calendar.start(day.isoformat())
    assert calendar.day(start) >= day.isoformat()
    before = timestamps.to_datetime(start) - timedelta(microseconds=1)
    assert calendar.day(timestamps.from_datetime(before)) < day.isoformat()


@pytest.mark.parametrize(
    ("key", "stamp"),
    [
        ("20260103-085630-24322831", "2026-01-03T08:56:30.000000Z"),
        ("20260103-085630", "2026-01-03T08:56:30.000000Z"),
        ("20260103-085630_x", "2026-01-03T08:56:30.000000Z"),
        ("00010101-000000-1", "0001-01-01T00:00:00.000000Z"),
        ("20260103-0856301", None),
        ("20261303-085630-24322831", None),
        ("20260103-085660-24322831", None),
        ("00000103-085630-24322831", None),
        ("x20260103-085630", None),
        ("٢٠٢٦0103-085630", None),  # noqa: RUF001 - digits, but not those of a stamp
        ("", None),
    ],
)
def test_keys_start_with_a_stamp(key: str, stamp: str | None) -> None:
    """The UTC instant at the start of a job key is used if it is valid."""
    assert calendar.key_stamp(key) == stamp


@pytest.mark.parametrize(
    ("start_time", "key", "day"),
    [
        ("2026-03-01T23:30:00.000000Z", "20260207-233000-1", "2026-03-02"),
        (None, "20260207-233000-1", "2026-02-08"),
        (None, "20261307-233000-1", "2026-07-25"),
        (None, "nightly", "2026-07-25"),
    ],
)
def test_day_of_a_job(start_time: str | None, key: str, day: str) -> None:
    """It is that of the start, or of the key's stamp, or of when the job was first seen."""
    chosen = Calendar("Europe/Berlin")
    assert chosen.job_day(start_time, key, "2026-07-24T23:30:00.000000Z") == day


def test_valid_calendars() -> None:
    """A calendar needs an existing zone and time of day; the default is UTC from midnight."""
    assert calendar.calendar("Europe/Berlin", "16:00") == ("Europe/Berlin", "16:00")
    assert Calendar() == ("UTC", "00:00")


@pytest.mark.parametrize(
    "zone", ["", "Europe", "Europe/Atlantis", "../UTC", "/etc/passwd", "CET+1", "x" * 300, "\0"]
)
def test_unknown_zones_are_refused(zone: str) -> None:
    """The error for a zone that is not in the IANA database has an example."""
    with pytest.raises(UsageError, match="use an IANA name such as Europe/Berlin"):
        calendar.calendar(zone, "00:00")


@pytest.mark.parametrize("day_start", ["", "4", "16", "16:0", "24:00", "16:60", "16:00:00", "٠٠:٠٠"])  # fmt: skip  # noqa: RUF001 - digits, but not those of a time
def test_malformed_times_are_refused(day_start: str) -> None:
    """The error for a time that is not HH:MM has an example."""
    with pytest.raises(UsageError, match="write HH:MM, for example 16:00"):
        calendar.calendar("UTC", day_start)


@pytest.mark.parametrize(
    "row",
    [
        CalendarDay(
            "2026-01-01",
            739617,
            "2026-W01",
            "2026-01",
            "2026-Q1",
            "2026",
            "2026-01-01T00:00:00.000000Z",
        ),
        CalendarDay(
            "2026-12-31",
            739981,
            "2026-W53",
            "2026-12",
            "2026-Q4",
            "2026",
            "2026-12-31T00:00:00.000000Z",
        ),
        CalendarDay(
            "2027-01-01",
            739982,
            "2026-W53",
            "2027-01",
            "2027-Q1",
            "2027",
            "2027-01-01T00:00:00.000000Z",
        ),
        CalendarDay(
            "2027-01-04",
            739985,
            "2027-W01",
            "2027-01",
            "2027-Q1",
            "2027",
            "2027-01-04T00:00:00.000000Z",
        ),
        CalendarDay(
            "2024-12-30",
            739250,
            "2025-W01",
            "2024-12",
            "2024-Q4",
            "2024",
            "2024-12-30T00:00:00.000000Z",
        ),
        CalendarDay(
            "2024-02-29",
            738945,
            "2024-W09",
            "2024-02",
            "2024-Q1",
            "2024",
            "2024-02-29T00:00:00.000000Z",
        ),
        CalendarDay(
            "0001-01-01", 1, "0001-W01", "0001-01", "0001-Q1", "0001", "0001-01-01T00:00:00.000000Z"
        ),
        CalendarDay(
            "9999-12-31",
            3652059,
            "9999-W52",
            "9999-12",
            "9999-Q4",
            "9999",
            "9999-12-31T00:00:00.000000Z",
        ),
        CalendarDay(
            "2026-04-01",
            739707,
            "2026-W14",
            "2026-04",
            "2026-Q2",
            "2026",
            "2026-04-01T00:00:00.000000Z",
        ),
    ],
)
def test_days_have_labels(row: CalendarDay) -> None:
    """Each day has its ISO week, month, quarter and year, also at the turn of the year."""
    assert row in calendar.calendar_year(int(row.year))


@given(
    st.sampled_from(sorted(available_timezones() - {"localtime"})),
    st.times(),
    st.dates(date(1, 1, 3), date(9999, 12, 29)),
)
@example("Europe/Berlin", time(2, 30), date(2026, 3, 29))
@example("Europe/Berlin", time(2, 30), date(2026, 10, 25))
@example("America/St_Johns", time(), date(2010, 11, 7))
@example("Pacific/Apia", time(16), date(2011, 12, 30))
@example("Asia/Kathmandu", time(16), date(2024, 2, 29))
def test_day_begins_at_its_start(zone: str, start: time, day: date) -> None:
    """From a day's start on it is this day, or a later one that starts then, too; before, it is not."""
    chosen, text = calendar.calendar(zone, str(start)[:5]), day.isoformat()
    begin = chosen.start(text)
    second_before = timestamps.to_datetime(begin) - timedelta(seconds=1)
    assert chosen.day(timestamps.from_datetime(second_before)) < text <= chosen.day(begin)
    following = chosen.start((day + timedelta(days=1)).isoformat())
    assert (begin == following) == (chosen.day(begin) != text)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("start", ["00:00", "16:00", "23:59"])
def test_first_and_last_day_start(zone: str, start: str) -> None:
    """The first and the last year have all their days, in order."""
    for year in (1, 9999):
        starts = [row.start_time for row in calendar.calendar_year(year, Calendar(zone, start))]
        assert starts == sorted(starts)
        assert len(set(starts)) >= 364


@pytest.mark.parametrize(("year", "length"), [(1, 365), (1900, 365), (2000, 366), (9999, 365)])
def test_year_is_complete(year: int, length: int) -> None:
    """A calendar year has all its days, and its labels sort in the order of time."""
    rows = calendar.calendar_year(year)
    assert len(rows) == length
    for label in CalendarDay._fields:
        values = [getattr(row, label) for row in rows]
        assert values == sorted(values)
