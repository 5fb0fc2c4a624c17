"""Instants as text in one fixed-width UTC form, which sorts in order of time.

Inside the package an instant is a string such as `2026-07-23T02:15:00.041000Z`, whichever database
it came from. Documents are written with milliseconds where these are exact, as vCenter does.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)[Tt ](\d\d)(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d+))?)?"
    r" ?(?:([Zz]|UTC|GMT)|([+-])(\d\d)(?::?(\d\d))?)(?:\[[\w/+-]+\])?",
    re.ASCII,
)
# Milliseconds since 1970, as some serializers write them; an offset after them changes no instant.
_EPOCH = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/", re.ASCII)
# As in RFC 5322 and HTTP, with four digits of the year.
_MAIL_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} [1-9]\d{3} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})",
    re.ASCII,
)
MICROSECOND_DIGITS = 6
# vCenter's form, `2026-07-23T02:15:00.041Z`.
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z").fullmatch


class TooFineError(ValueError):
    """The timestamp has digits below a microsecond; `truncated` is without them."""

    def __init__(self, text: str, truncated: str) -> None:
        super().__init__(f"{text!r} is finer than a microsecond")
        self.truncated = truncated


def parse(text: str) -> str:
    """Return the fixed-width form of an RFC 3339 timestamp with any offset.

    Other forms that can mean only one instant are read, too: without separators or seconds, a space
    instead of `T`, a comma before the fraction, `+0200`, `+02`, ` UTC`, a zone in brackets after the
    offset, `/Date(MILLISECONDS)/`, and dates as in mails with GMT or an offset. Raises ValueError for
    anything else, for leap seconds, and for instants outside the years 1 to 9999 in UTC; TooFineError
    for digits below a microsecond that are not zero.
    """
    if epoch := _EPOCH.fullmatch(text):
        return _since_epoch(int(epoch[1]), text)
    match = _RFC3339.fullmatch(text)
    if match is None:
        return _mail_date(text)
    year, _, month, day, hour, _, minute, second, fraction, zulu, sign, hours, minutes = (
        match.groups()
    )
    numbers = (year, month, day, hour, minute, second or "0")
    fraction = fraction or ""
    kept = fraction[:MICROSECOND_DIGITS].ljust(MICROSECOND_DIGITS, "0")
    moment = datetime(*map(int, numbers), int(kept), tzinfo=UTC)  # type: ignore[misc, arg-type]  # six numbers, by the pattern
    if not zulu:
        moment = _shift(moment, sign, int(hours), int(minutes or 0), text)
    instant = from_datetime(moment)
    if fraction[MICROSECOND_DIGITS:].strip("0"):
        raise TooFineError(text, instant)
    return instant


def _since_epoch(milliseconds: int, text: str) -> str:
    """Return the fixed-width form of milliseconds since 1970. Raises ValueError."""
    from datetime import timedelta

    try:
        return from_datetime(
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        )
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from error


def _mail_date(text: str) -> str:
    """Return the fixed-width form of a date as in mail and HTTP headers. Raises ValueError."""
    if _MAIL_DATE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp with an offset")
    from email.utils import parsedate_to_datetime

    try:
        return from_datetime(parsedate_to_datetime(text))
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from error


def canonical(text: str) -> str:
    """Return the document form of an RFC 3339 timestamp; raises as `parse` does.

    It runs for each instant of every document, so the usual form is checked first.
    """
    # In vCenter's form a valid timestamp is canonical already.
    if _USUAL(text):
        if text[11:13] == "24":  # ISO 8601's midnight, which RFC 3339 does not have
            raise ValueError(f"{text!r} has an impossible hour")
        datetime.fromisoformat(text)
        return text
    return document_form(parse(text))


def _shift(moment: datetime, sign: str, hours: int, minutes: int, text: str) -> datetime:
    """Return a moment without its offset from UTC. Raises ValueError."""
    from datetime import timedelta

    if hours > 23 or minutes > 59:
        raise ValueError(f"{text!r} has an impossible offset")
    offset = timedelta(hours=hours, minutes=minutes)
    try:
        return moment - offset if sign == "+" else moment + offset
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from error


def from_datetime(moment: datetime) -> str:
    """Return the fixed-width form of an aware datetime.

    Raises OverflowError outside the years 1 to 9999 in UTC.
    """
    text = moment.isoformat(timespec="microseconds")
    if not text.endswith("+00:00"):  # the session's time zone is UTC, so most need no conversion
        text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text[:26] + "Z"


def to_datetime(instant: str) -> datetime:
    """Return the aware UTC datetime of a fixed-width instant."""
    return datetime.fromisoformat(instant)


def document_form(instant: str) -> str:
    """Return the form used in documents: milliseconds, or microseconds where needed."""
    return instant[:23] + "Z" if instant[23:26] == "000" else instant


def fixed_form(text: str) -> str:
    """Return the fixed-width form of an instant in document form."""
    return text[:23] + "000Z" if len(text) == 24 else text


def now() -> str:
    """Return the current instant.

    It is that of this machine's clock, with microseconds.
    """
    return from_datetime(datetime.now(UTC))


def is_future(instant: str, now: str | None = None) -> bool:
    """Whether an instant is more than ten minutes ahead: no two clocks differ by that for long.

    What claims to have been seen then would count as the newest import until that day. `now` is that
    of this machine's clock if it is None.
    """
    from datetime import timedelta

    moment = datetime.now(UTC) if now is None else to_datetime(now)
    return instant > from_datetime(moment + timedelta(minutes=10))


def just_before(instant: str) -> str:
    """Return the instant a microsecond earlier; the first instant of the year 1 stays."""
    from datetime import timedelta

    try:
        return from_datetime(to_datetime(instant) - timedelta(microseconds=1))
    except OverflowError:
        return instant
