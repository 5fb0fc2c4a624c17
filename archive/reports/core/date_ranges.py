"""Parse the date ranges of `--since` and `--until`, such as `30d`, `2026-Q1` or `last-month`.

Each form stands for a range of days in the archive's calendar. `--since` takes its first day and
`--until` its last, so `--since 2026-Q1 --until 2026-Q1` is the whole quarter.
"""

from __future__ import annotations

import calendar as months
import re
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from archive import calendar, timestamps
from archive.errors import UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from archive.calendar import Calendar

# For the error about a range in another form.
FORMS = (
    "a day (2026-03-01), an instant (2026-03-01T12:00:00Z), a year, quarter, month or week (2026,"
    " 2026-Q3, 2026-03, 2026-W05), so long ago (30d, 12w, 6mo, 2y), today, yesterday, or this or last"
    " week, month, quarter or year (last-month)"
)
# In lower case, as the whole text is.
_LABEL = re.compile(r"(\d{4})(?:-(?:q([1-4])|w(\d\d)|(\d\d)(?:-(\d\d))?))?", re.ASCII)
# More digits would overflow Python's dates anyway.
_AGO = re.compile(r"(\d{1,7})(d|w|mo|y)", re.ASCII)
# Recognised only to be refused.
_AMBIGUOUS = re.compile(r"(\d{1,7})m", re.ASCII)
_NAMED = re.compile(r"(this|last)[ -](week|month|quarter|year)", re.ASCII)
_MONTHS = 3  # of a quarter


class Span(NamedTuple):
    """Days, both included."""

    first: date
    last: date


def first_day(text: str, calendar: Calendar, now: str) -> str:
    """Return the first day (ISO) of a date range as of the instant `now`. Raises UsageError."""
    return _span(text, calendar, now).first.isoformat()


def last_day(text: str, calendar: Calendar, now: str) -> str:
    """Return the last day (ISO) of a date range as of the instant `now`. Raises UsageError."""
    return _span(text, calendar, now).last.isoformat()


def of_label(label: str) -> Span:
    """Return the days of a period by its label, such as `2026-W05`. Raises ValueError.

    The label of a day, week (ISO 8601), month, quarter or year; letters of either case.
    """
    match = _LABEL.fullmatch(label.lower())
    if match is None:
        raise ValueError(f"invalid period label {label!r}")
    year = int(match[1])
    quarter, week, month, day = (None if part is None else int(part) for part in match.groups()[1:])
    if month is not None and day is not None:
        return _one(date(year, month, day))
    if week is not None:
        monday = date.fromisocalendar(year, week, 1)
        return Span(monday, date.fromordinal(min(monday.toordinal() + 6, date.max.toordinal())))
    first, last = 1, 12
    if quarter is not None:
        first, last = _MONTHS * quarter - 2, _MONTHS * quarter
    elif month is not None:
        first = last = month
    return Span(date(year, first, 1), date(year, last, months.monthrange(year, last)[1]))


def label_before(label: str, period: str) -> str | None:
    """Return the label of the period before this one; None before the calendar's first.

    `period` is one of `calendar.PERIODS`, and the label must be of it.
    """
    first = of_label(label).first
    if first == date.min:
        return None
    found: str = getattr(calendar.calendar_day(first - timedelta(days=1)), period)
    return found


def before(span: Span) -> Span | None:
    """Return the days before a span to compare it with.

    For a whole calendar period this is the period before, otherwise the same number of days before.
    Returns None before the calendar's first day.
    """
    for period in calendar.PERIODS:
        label = getattr(calendar.calendar_day(span.first), period)
        if of_label(label) == span:
            earlier = label_before(label, period)
            return None if earlier is None else of_label(earlier)
    width = span.last - span.first + timedelta(days=1)
    if span.first - date.min < width:
        return None
    return Span(span.first - width, span.first - timedelta(days=1))


def days_before(day: str, number: int) -> str:
    """Return the day (ISO) a number of days before another, no earlier than the calendar's first."""
    return date.fromordinal(max(date.fromisoformat(day).toordinal() - number, 1)).isoformat()


def _span(text: str, calendar: Calendar, now: str) -> Span:
    """Return the days of a range in any of its forms. Raises UsageError, with the forms."""
    word = text.strip().lower()
    if match := _AMBIGUOUS.fullmatch(word):
        raise UsageError(
            f"invalid date range {quoted(text)}: {word} is ambiguous: write {match[1]}mo for months"
            " (min, minutes, is for durations only)"
        )
    try:
        if match := _AGO.fullmatch(word):
            return _one(_ago(_today(calendar, now), int(match[1]), match[2]))
        if match := _NAMED.fullmatch(word):
            return _named(match[1], match[2], _today(calendar, now))
        if word in ("today", "yesterday"):
            return _one(_today(calendar, now) - timedelta(days=word == "yesterday"))
        # Of the other forms only an instant has a t, since names were looked for above.
        if "t" in word:
            return _one(date.fromisoformat(calendar.day(_instant(word))))
        return of_label(word)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"invalid date range {quoted(text)}: write {FORMS}") from error


def _one(day: date) -> Span:
    return Span(day, day)


def _today(calendar: Calendar, now: str) -> date:
    return date.fromisoformat(calendar.day(now))


def _instant(text: str) -> str:
    """Return the fixed-width form of an instant; digits below a microsecond are dropped."""
    try:
        return timestamps.parse(text)
    except timestamps.TooFineError as error:
        return error.truncated


def _ago(today: date, number: int, unit: str) -> date:
    """Return the day so long before today; of a month that is too short, its last day.

    Raises ValueError or OverflowError before the year 1.
    """
    if unit in "dw":
        return today - timedelta(days=number * (7 if unit == "w" else 1))
    before = today.year * 12 + today.month - 1 - number * (12 if unit == "y" else 1)
    year, month = divmod(before, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise ValueError("there is no such year")
    return date(year, month + 1, min(today.day, months.monthrange(year, month + 1)[1]))


def _named(which: str, period: str, today: date) -> Span:
    """Return the days of `this` or `last` period. Raises ValueError before the calendar's first day."""
    label: str | None = getattr(calendar.calendar_day(today), period)
    if which == "last" and label is not None:
        label = label_before(label, period)
    if label is None:
        raise ValueError("there is nothing before the first day")
    return of_label(label)
