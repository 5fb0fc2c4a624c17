"""Instants and numbers as the API publishes examples of them: what is shown without a locale.

The examples, in UTC: `2019-01-28 12:59` is SHORT_DATE_TIME, `2019 Jan 28, Mon 12:59:01 Z` is
FULL_DATE_TIME. What the API leaves open is decided here, and described in docs/messages.md.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from archive import timestamps

if TYPE_CHECKING:
    from datetime import datetime

_WIDTHS = ("SHORT", "MED", "LONG", "FULL")
_PARTS = {"DATE": (True, False), "TIME": (False, True), "DATE_TIME": (True, True)}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
# The least double has so many fractional digits; more could only be zeros.
_MOST_DIGITS = 324
# Wide enough for the greatest double with all of them.
EXACT = Context(prec=2 * _MOST_DIGITS, rounding=ROUND_HALF_EVEN)


class Forms(Protocol):
    """How the values of params are written."""

    def instant(self, instant: str, form: str | None) -> str:
        """Return a fixed-width instant in one of the API's twelve formats, else SHORT_DATE_TIME."""

    def integer(self, value: int) -> str:
        """Return a whole number with its digits in groups."""

    def double(self, value: float, precision: int | None) -> str:
        """Return a number with so many fractional digits; with those that it has, if None."""


class Format(NamedTuple):
    """One of the API's formats: how wide, and what of an instant is shown."""

    width: str
    date: bool
    time: bool


FORMATS = {
    f"{width}_{part}": Format(width, *shows) for width in _WIDTHS for part, shows in _PARTS.items()
}
_UNTOLD = FORMATS["SHORT_DATE_TIME"]


def format_named(name: str | None) -> Format:
    """Return the format of a name; SHORT_DATE_TIME where there is none or nobody knows it."""
    return _UNTOLD if name is None else FORMATS.get(name, _UNTOLD)


def local(instant: str, zone: ZoneInfo) -> datetime:
    """Return an instant in a zone; in UTC where that would leave the years 1 to 9999."""
    moment = timestamps.to_datetime(instant)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def rounded(value: float, precision: int | None) -> Decimal:
    """Return the shortest decimal that is a double, rounded half to even; zero has no sign."""
    exact = Decimal(repr(value))
    if precision is not None:
        digits = min(max(precision, 0), _MOST_DIGITS)
        exact = exact.quantize(Decimal((0, (1,), -digits)), context=EXACT)
    elif exact == exact.to_integral_value():
        exact = exact.quantize(Decimal(1), context=EXACT)
    return exact or exact.copy_abs()


class Published:
    """The forms of the published examples; they are English and know no locale."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def instant(self, instant: str, form: str | None) -> str:
        """Return a fixed-width instant in one of the API's twelve formats, else SHORT_DATE_TIME."""
        wanted, moment = format_named(form), local(instant, self._zone)
        said = []
        if wanted.date:
            said.append(_date(moment, wanted.width))
        if wanted.time:
            said.append(_time(moment, wanted.width))
        return " ".join(said)

    def integer(self, value: int) -> str:
        """Return a whole number with commas between thousands."""
        return f"{value:,}"

    def double(self, value: float, precision: int | None) -> str:
        """Return a number with commas between thousands and a decimal point."""
        return f"{rounded(value, precision):,f}"


def _date(moment: datetime, width: str) -> str:
    if width == "SHORT":
        return moment.date().isoformat()
    date = f"{moment.year:04} {_MONTHS[moment.month - 1]} {moment.day}"
    return f"{date}, {_DAYS[moment.weekday()]}" if width == "FULL" else date


def _time(moment: datetime, width: str) -> str:
    if width == "SHORT":
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S}" if width == "MED" else f"{moment:%H:%M:%S} {_offset(moment)}"


def _offset(moment: datetime) -> str:
    """Return the offset from UTC as ISO 8601 has it: `Z`, `+05:45`, `-00:25:21`."""
    return moment.isoformat()[len(moment.replace(tzinfo=None).isoformat()) :].replace("+00:00", "Z")
