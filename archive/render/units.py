"""Readable forms of values: sizes, durations, rates, percentages.

The page formats in the browser: `dashboard/parts/show.js`, and the axes in `dashboard/charts.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from archive import timestamps
from archive.columns import Kind
from archive.render.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# The zone of an archive whose calendar has no other.
UTC = "UTC"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
# IEC 80000-13: powers of 1,024.
_BINARY = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
# From here on `1024.0` of a unit would be shown, so the next unit is used.
_ROUNDS_UP = 1023.95


def size(value: int) -> str:
    """Return a number of bytes in binary units, such as `1.2 GiB`; below 1,024 bytes it is exact."""
    if abs(value) < 1024:
        return f"{value:,} B"
    power = min((abs(value).bit_length() - 1) // 10, len(_BINARY))
    if power < len(_BINARY) and abs(value) / 1024**power >= _ROUNDS_UP:
        power += 1
    return f"{value / 1024**power:,.1f} {_BINARY[power - 1]}"


def duration(value: int) -> str:
    """Return a number of seconds in its two largest units, such as `4 m 12 s`.

    Below an hour it is exact; above, it is rounded to minutes, and from a day on to hours.
    """
    if value < 0:
        return f"-{duration(-value)}"
    if value < 60:
        return f"{value} s"
    if value < 3600:
        return f"{value // 60} m {value % 60:02} s"
    minutes = (value + 30) // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} m"
    hours = (value + 1800) // 3600
    return f"{hours // 24:,} d {hours % 24:02} h"


def rate(value: int) -> str:
    """Return a number of bytes a second in binary units, such as `12.3 MiB/s`."""
    return f"{size(value)}/s"


def percent(value: float) -> str:
    """Return a ratio as a percentage. Only 1 is shown as 100.0 % and only 0 as 0.0 %."""
    if value < 0:
        return f"-{percent(-value)}"
    hundredths = value * 100
    if 0 < hundredths < 0.1:
        return f"{max(hundredths, 0.01):.2f} %"
    if 99.9 < hundredths < 100:
        return f"{min(hundredths, 99.99):.2f} %"
    return f"{hundredths:,.1f} %"


def points(value: float) -> str:
    """Return the difference of two ratios in percentage points, such as `-1.6 points`."""
    return percent(value).replace("%", "points")


def moment(value: str, zone: str, precision: Literal["minutes", "seconds"] = "seconds") -> str:
    """Return an instant on the clocks of an IANA zone, with its offset: `2026-07-24 04:15:00+02:00`.

    In the zone UTC, and at the ends of the years that datetime knows, it is in UTC:
    `2026-07-24 02:15:00Z`. Smaller parts than the precision are cut off.
    """
    utc = f"{value[:10]} {value[11 : 19 if precision == 'seconds' else 16]}Z"
    if zone == UTC:
        return utc
    shown = _on_clocks(value, zone)
    return utc if shown is None else shown.isoformat(" ", precision)


def local(value: str, zone: str) -> str:
    """Return an instant on the clocks of an IANA zone, to the minute, such as `2026-07-24 04:15`.

    The zone must be named elsewhere. At the ends of the years that datetime knows, the instant is in
    UTC, with a Z.
    """
    shown = _on_clocks(value, zone)
    if shown is None:
        return moment(value, UTC, "minutes")
    return shown.replace(tzinfo=None).isoformat(" ", "minutes")


def _on_clocks(value: str, zone: str) -> datetime | None:
    """Return an instant in a zone; None if its year there is not from 1 to 9999."""
    try:
        return timestamps.to_datetime(value).astimezone(ZoneInfo(zone))
    except OverflowError:
        return None


def text(value: str) -> str:
    """Return a text on one line, with control characters escaped."""
    if value.isprintable():
        return value
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value
    )


_WHOLE: dict[Kind, Callable[[int], str]] = {
    Kind.BYTES: size,
    Kind.SECONDS: duration,
    Kind.RATE: rate,
}
_READABLE: dict[Kind, Callable[[Any], str]] = {
    Kind.RATIO: percent,
    Kind.POINTS: points,
    Kind.FLAG: lambda value: "yes" if value else "no",
    Kind.SERIES: sparkline,
}


def readable(kind: Kind, value: Any, zone: str = UTC, *, signed: bool = False) -> str:
    """Return a value (not None) as a table shows it; `signed` adds a plus to positive numbers.

    Numbers of bytes and seconds are rounded, instants are on the clocks of `zone`. A value that does
    not fit its kind, as the column of a user's query may have, is shown as it is.
    """
    if signed and value > 0:
        return f"+{readable(kind, value)}"
    if kind is Kind.INSTANT and isinstance(value, str) and _INSTANT.fullmatch(value):
        return moment(value, zone)
    if kind in _WHOLE and isinstance(value, int | float):
        return _WHOLE[kind](round(value))
    if kind in _READABLE and not isinstance(value, str):
        return _READABLE[kind](value)
    if isinstance(value, int):
        return f"{value:,}"
    return text(str(value))
