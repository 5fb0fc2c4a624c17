from __future__ import annotations

from datetime import UTC as ZULU
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import calendar, timestamps
from archive.calendar import PERIODS, Calendar
from archive.errors import UsageError
from archive.reports.core import date_ranges

UTC = Calendar()
BERLIN = Calendar("Europe/Berlin", "16:00")
KATHMANDU = Calendar("Asia/Kathmandu")
NOW = "2026-03-31T12:00:00.000000Z"  # a Tuesday
DAYS = st.dates(date(2, 1, 1), date(9998, 12, 31))
YEARS = (datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-12-31"))


def meant(text: str, calendar: Calendar = UTC, now: str = NOW) -> tuple[str, str]:
    return date_ranges.first_day(text, calendar, now), date_ranges.last_day(text, calendar, now)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-03-01", "2026-03-01", "2026-03-01"),
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2026-03-01T23:30:00-01:00", "2026-03-02", "2026-03-02"),
        ("2026-03-01t12:00:00.1234567z", "2026-03-01", "2026-03-01"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q3", "2026-07-01", "2026-09-30"),
        ("2026-q4", "2026-10-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-W05", "2026-01-26", "2026-02-01"),
        ("2026-W01", "2025-12-29", "2026-01-04"),
        ("2020-W53", "2020-12-28", "2021-01-03"),
        ("0001-W01", "0001-01-01", "0001-01-07"),
        ("9999-W52", "9999-12-27", "9999-12-31"),
        ("today", "2026-03-31", "2026-03-31"),
        (" Yesterday ", "2026-03-30", "2026-03-30"),
        ("0d", "2026-03-31", "2026-03-31"),
        ("30d", "2026-03-01", "2026-03-01"),
        ("2w", "2026-03-17", "2026-03-17"),
        ("1mo", "2026-02-28", "2026-02-28"),
        ("25mo", "2024-02-29", "2024-02-29"),
        ("2y", "2024-03-31", "2024-03-31"),
        ("this week", "2026-03-30", "2026-04-05"),
        ("last-week", "2026-03-23", "2026-03-29"),
        ("this month", "2026-03-01", "2026-03-31"),
        ("LAST MONTH", "2026-02-01", "2026-02-28"),
        ("this-quarter", "2026-01-01", "2026-03-31"),
        ("last quarter", "2025-10-01", "2025-12-31"),
        ("this year", "2026-01-01", "2026-12-31"),
        ("last year", "2025-01-01", "2025-12-31"),
    ],
)
def test_words(text: str, first: str, last: str) -> None:
    """Each form is a range of days; `--since` takes its first, `--until` its last."""
    assert meant(text) == (first, last)


@pytest.mark.parametrize(
    ("calendar", "text", "day"),
    [
        # Clocks in Berlin go forward on 29 March, back on 25 October; a day starts at 16:00.
        (BERLIN, "2026-03-28T14:59:59Z", "2026-03-27"),
        (BERLIN, "2026-03-28T15:00:00Z", "2026-03-28"),
        (BERLIN, "2026-03-29T13:59:59Z", "2026-03-28"),
        (BERLIN, "2026-03-29T14:00:00Z", "2026-03-29"),
        (BERLIN, "2026-10-25T14:59:59Z", "2026-10-24"),
        (BERLIN, "2026-10-25T16:00:00+01:00", "2026-10-25"),
        (KATHMANDU, "2026-03-28T18:14:59Z", "2026-03-28"),
        (KATHMANDU, "2026-03-28T18:15:00Z", "2026-03-29"),
    ],
)
def test_instant_is_a_day_of_the_calendar(calendar: Calendar, text: str, day: str) -> None:
    """Instants, and ranges back from now, use the archive's zone and start of day."""
    assert meant(text, calendar) == (day, day)
    assert meant("today", calendar, timestamps.parse(text)) == (day, day)
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    assert meant("1d", calendar, timestamps.parse(text)) == (before, before)


def test_month_begins_at_the_start_of_its_first_day() -> None:
    """With days from 16:00, it is still March before 16:00 on 1 April."""
    assert meant("this month", BERLIN, "2026-04-01T13:59:59.000000Z")[0] == "2026-03-01"
    assert meant("this month", BERLIN, "2026-04-01T14:00:00.000000Z")[0] == "2026-04-01"


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-1-1", "20260101", "2026-02-30", "2026-13", "2026-00", "2026-Q5", "2026-Q0",
        "2026-W54", "2021-W53", "2026-W00", "0000", "26", "30", "3h", "-3d", "9999y", "999999d",
        "9999999mo", "last day", "this", "2026-03-01T12:00:00", "2026-03-01T25:00:00Z", "2026-03-00",
        "tomorrow", "\uff12\uff10\uff12\uff16",
    ],
)  # fmt: skip
def test_invalid_ranges_are_refused(text: str) -> None:
    """The error lists the valid forms."""
    with pytest.raises(UsageError) as refused:
        meant(text)
    said = f'invalid date range "{text}": write a day (2026-03-01), an instant'
    assert str(refused.value).startswith(said)


def test_unit_m_is_refused_as_ambiguous() -> None:
    """`m` could be minutes, so it is refused, and the error names both units."""
    with pytest.raises(UsageError) as refused:
        meant("6m")
    assert str(refused.value) == (
        'invalid date range "6m": 6m is ambiguous: write 6mo for months (min, minutes, is for'
        " durations only)"
    )


def test_nothing_precedes_the_first_day() -> None:
    """In the year 1 there is no last year."""
    with pytest.raises(UsageError):
        meant("last year", UTC, "0001-05-01T00:00:00.000000Z")


@given(st.dates(), st.sampled_from(PERIODS))
def test_label_covers_exactly_its_days(day: date, period: str) -> None:
    """A period's range has its days and no others, and the previous one ends where it begins."""
    label = getattr(calendar.calendar_day(day), period)
    first, last = date_ranges.of_label(label)
    assert first <= day <= last
    assert {getattr(calendar.calendar_day(end), period) for end in (first, last)} == {label}
    before = date_ranges.label_before(label, period)
    if first > date.min:
        assert before is not None
        assert before < label
        assert date_ranges.of_label(before).last == first - timedelta(days=1)
    else:
        assert before is None
    if last < date.max:
        assert getattr(calendar.calendar_day(last + timedelta(days=1)), period) > label


@given(DAYS, st.integers(0, 400), st.sampled_from(["d", "w", "mo", "y"]))
def test_counting_back_from_now(day: date, number: int, unit: str) -> None:
    """Days and weeks are exact; months and years keep the day of the month, if it exists."""
    now = f"{day}T12:00:00.000000Z"
    try:
        first, last = meant(f"{number}{unit}", UTC, now)
    except UsageError:
        assert day.year <= 401
        return
    assert first == last
    found = date.fromisoformat(first)
    if unit in "dw":
        assert (day - found).days == number * (7 if unit == "w" else 1)
        return
    months = number * (12 if unit == "y" else 1)
    assert (day.year - found.year) * 12 + day.month - found.month == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(1)).day == 1)


@given(
    st.datetimes(*YEARS, timezones=st.just(ZULU)),
    st.sampled_from([UTC, BERLIN, KATHMANDU, Calendar("America/New_York", "00:30")]),
)
def test_instant_is_the_day_of_a_job_at_that_time(moment: datetime, calendar: Calendar) -> None:
    """`--since` with an instant means the day of a job that starts then."""
    instant = timestamps.from_datetime(moment)
    day = calendar.job_day(instant, "", "")
    assert meant(instant, calendar) == meant("today", calendar, instant) == (day, day)


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-03-10", "2026-03-10", ("2026-03-09", "2026-03-09")),
        ("2026-01-01", "2026-01-01", ("2025-12-31", "2025-12-31")),
        ("2026-03-02", "2026-03-08", ("2026-02-23", "2026-03-01")),  # a week, from Monday
        ("2026-03-03", "2026-03-09", ("2026-02-24", "2026-03-02")),
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2024-03-01", "2024-03-31", ("2024-02-01", "2024-02-29")),
        ("2026-03-01", "2026-03-30", ("2026-01-30", "2026-02-28")),  # one day less than a month
        ("2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        ("2024-02-01", "2024-02-28", ("2024-01-04", "2024-01-31")),  # one leap day less
        ("2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31")),
        ("2026-02-01", "2026-04-30", ("2025-11-04", "2026-01-31")),  # three months, but no quarter
        ("2026-01-01", "2026-12-31", ("2025-01-01", "2025-12-31")),
        ("2025-01-01", "2025-12-31", ("2024-01-01", "2024-12-31")),  # 366 days
        ("2027-02-01", "2027-02-28", ("2027-01-01", "2027-01-31")),  # four weeks, and a month
        ("0001-01-02", "0001-01-02", ("0001-01-01", "0001-01-01")),
        ("0001-01-01", "0001-01-01", None),
        ("0001-01-01", "0001-12-31", None),
        ("0001-01-05", "0001-01-10", None),  # four days are too few
        ("0001-01-01", "9999-12-31", None),
        ("9999-12-31", "9999-12-31", ("9999-12-30", "9999-12-30")),
    ],
)
def test_previous_range(first: str, last: str, before: tuple[str, str] | None) -> None:
    """A calendar period is compared with the previous one, any other range with as many days."""
    span = date_ranges.Span(date.fromisoformat(first), date.fromisoformat(last))
    found = date_ranges.before(span)
    assert (found and tuple(day.isoformat() for day in found)) == before


@given(st.dates(), st.integers(0, 1000))
def test_previous_range_ends_the_day_before(first: date, more: int) -> None:
    """There is no gap, and as many days unless both are periods of one kind."""
    last = date.fromordinal(min(first.toordinal() + more, date.max.toordinal()))
    found = date_ranges.before(date_ranges.Span(first, last))
    if found is None:
        assert (first - date.min) <= (last - first)
        return
    assert found.last == first - timedelta(days=1)
    if found.last - found.first != last - first:
        kinds = [
            {
                period
                for period in PERIODS
                if date_ranges.of_label(getattr(calendar.calendar_day(span[0]), period)) == span
            }
            for span in (found, (first, last))
        ]
        assert kinds[0] & kinds[1]
