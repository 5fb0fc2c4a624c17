"""Format instants and numbers for a locale, with the data of Unicode's CLDR.

The data are those of the installed Babel, so a text may differ between two versions of it.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.localedata import locale_identifiers
from babel.numbers import parse_pattern

from archive.errors import UsageError
from archive.messages.forms import EXACT, format_named, local, rounded
from archive.suggestions import did_you_mean
from archive.text import quoted

if TYPE_CHECKING:
    from typing import Literal

# The API's names of widths, and those that Babel has for the same.
_WIDTHS: dict[str, Literal["short", "medium", "long", "full"]] = {
    "SHORT": "short",
    "MED": "medium",
    "LONG": "long",
    "FULL": "full",
}
# So many known locales are named for one that is not.
_SUGGESTED = 3


class Localised:
    """The formats of one locale, with Latin digits. Raises UsageError for an unknown locale.

    `zone` is an IANA time zone, `name` a locale such as `de_DE` or `de-DE`.
    """

    def __init__(self, zone: str, name: str) -> None:
        self._zone = ZoneInfo(zone)
        self._locale = _locale(name)
        self._number = self._locale.decimal_formats[None].pattern

    def instant(self, instant: str, form: str | None) -> str:
        """Return a fixed-width instant in one of the API's twelve formats, by default SHORT_DATE_TIME."""
        wanted, moment = format_named(form), local(instant, self._zone)
        width = _WIDTHS[wanted.width]
        if not wanted.time:
            return _plain(format_date(moment, width, self._locale))
        show = format_datetime if wanted.date else format_time
        return _plain(show(moment, width, moment.tzinfo, self._locale))

    def integer(self, value: int) -> str:
        """Return a whole number with digit grouping."""
        return self._show(Decimal(value), (0, 0))

    def double(self, value: float, precision: int | None) -> str:
        """Return a number with `precision` fractional digits; None: as many as it has."""
        number = rounded(value, precision)
        digits = -int(number.as_tuple().exponent)
        return self._show(number, (digits, digits))

    def _show(self, number: Decimal, digits: tuple[int, int]) -> str:
        """Return a number by the locale's pattern; `digits` are the least and the most after the point."""
        pattern = parse_pattern(self._number)
        pattern.frac_prec = digits
        # Babel rounds in the current context, which by default has 28 digits.
        with localcontext(EXACT):
            return _plain(pattern.apply(number, self._locale))


def _locale(name: str) -> Locale:
    """Return the locale of a name. Raises UsageError with the names most like it."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise UsageError(f"unknown locale {quoted(name)}{_advice(name)}") from error


def _advice(name: str) -> str:
    """Return known locales that a mistyped name may mean, of the same language if it is known."""
    wanted, known = name.replace("-", "_"), sorted(locale_identifiers())
    language = wanted.partition("_")[0]
    related = [other for other in known if other.partition("_")[0] == language]
    # Of a known language any territory is closer than another language.
    near = did_you_mean(wanted, related, _SUGGESTED, cutoff=0)
    near = near or did_you_mean(wanted, known, _SUGGESTED)
    return near or " (examples: de_DE, ja_JP)"


def _plain(text: str) -> str:
    """Return a CLDR text with plain spaces and without direction marks."""
    kinds = ((char, unicodedata.category(char)) for char in text)
    return "".join(" " if kind == "Zs" else char for char, kind in kinds if kind != "Cf")
