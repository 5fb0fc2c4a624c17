"""Format instants and numbers as in the API's published examples, used without a locale.

The examples, in UTC: `2019-01-28 12:59` is SHORT_DATE_TIME, `2019 Jan 28, Mon 12:59:01 Z` is
FULL_DATE_TIME. docs/messages.md describes what the API leaves open.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from archive import timestamps

if TYPE_CHECKING:
    from datetime import datetime

# vSphere's enumeration DateTimeFormat is every width with every part: twelve names.
_WIDTHS = ("SHORT", "MED", "LONG", "FULL")
_PARTS = {"DATE": (True, False), "TIME": (False, True), "DATE_TIME": (True, True)}
# Not `strftime`, whose names depend on the locale of the process.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
# The smallest double has about this many fractional digits; more would all be zero.
_MOST_DIGITS = 324
# Wide enough for the greatest double with all fractional digits.
EXACT = Context(prec=2 * _MOST_DIGITS, rounding=ROUND_HALF_EVEN)


class Forms(Protocol):
    """Formats for the values of params.

    `Published` and `archive.messages.locale_forms.Localised` are its two forms. Instants are
    fixed-width UTC texts; they are shown in the zone that the form was made with.
    """

    def instant(self, instant: str, form: str | None) -> str:
        """Return a fixed-width instant in one of the API's twelve formats, by default SHORT_DATE_TIME."""

    def integer(self, value: int) -> str:
        """Return a whole number with digit grouping."""

    def double(self, value: float, precision: int | None) -> str:
        """Return a number with `precision` fractional digits; None: as many as it has."""


class Format(NamedTuple):
    """One of the API's formats: its width, and whether it shows date and time."""

    width: str
    date: bool
    time: bool


FORMATS = {
    f"{width}_{part}": Format(width, *shows) for width in _WIDTHS for part, shows in _PARTS.items()
}
# The API's documentation has it as the default of LocalizationParam.
_DEFAULT = FORMATS["SHORT_DATE_TIME"]


def format_named(name: str | None) -> Format:
    """Return the format of a name; SHORT_DATE_TIME for no name or an unknown one."""
    return _DEFAULT if name is None else FORMATS.get(name, _DEFAULT)


def local(instant: str, zone: ZoneInfo) -> datetime:
    """Return an instant in a zone; in UTC if the local time is outside the years 1 to 9999."""
    moment = timestamps.to_datetime(instant)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def rounded(value: float, precision: int | None) -> Decimal:
    """Return the shortest decimal of a double, rounded half to even; zero without a sign.

    `precision` is the number of fractional digits, limited to 0 to 324 whatever the document says.
    """
    exact = Decimal(repr(value))
    if precision is not None:
        digits = min(max(precision, 0), _MOST_DIGITS)
        exact = exact.quantize(Decimal((0, (1,), -digits)), context=EXACT)
    elif exact == exact.to_integral_value():
        exact = exact.quantize(Decimal(1), context=EXACT)
    return exact or exact.copy_abs()


class Published:
    """The formats of the published examples: English, independent of a locale."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def instant(self, instant: str, form: str | None) -> str:
        """Return a fixed-width instant in one of the API's twelve formats, by default SHORT_DATE_TIME."""
        wanted, moment = format_named(form), local(instant, self._zone)
        parts = []
        if wanted.date:
            parts.append(_date(moment, wanted.width))
        if wanted.time:
            parts.append(_time(moment, wanted.width))
        return " ".join(parts)

    def integer(self, value: int) -> str:
        """Return a whole number with commas between thousands."""
        return f"{value:,}"

    def double(self, value: float, precision: int | None) -> str:
        """Return a number with commas between thousands and a decimal point."""
        return f"{rounded(value, precision):,f}"


def _date(moment: datetime, width: str) -> str:
    """Return the date in a width: `2019-01-28`, `2019 Jan 28`, or with FULL `2019 Jan 28, Mon`."""
    if width == "SHORT":
        return moment.date().isoformat()
    date = f"{moment.year:04} {_MONTHS[moment.month - 1]} {moment.day}"
    return f"{date}, {_DAYS[moment.weekday()]}" if width == "FULL" else date


def _time(moment: datetime, width: str) -> str:
    """Return the time in a width: `12:59`, `12:59:01`, or from LONG on with the offset."""
    if width == "SHORT":
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S}" if width == "MED" else f"{moment:%H:%M:%S} {_offset(moment)}"


def _offset(moment: datetime) -> str:
    """Return the offset from UTC in ISO 8601 form: `Z`, `+05:45`, `-00:25:21`."""
    return moment.isoformat()[len(moment.replace(tzinfo=None).isoformat()) :].replace("+00:00", "Z")
