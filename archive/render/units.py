"""Readable forms of values: sizes, durations, rates, percentages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from archive import timestamps
from archive.columns import Kind
from archive.render.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Callable

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


def moment(value: str) -> str:
    """Return an instant to the second, such as `2026-07-24 02:15:00Z`.

    Fractions of a second are cut off.
    """
    return f"{value[:10]} {value[11:19]}Z"


def local(value: str, zone: str) -> str:
    """Return an instant on the clocks of an IANA zone, to the minute, such as `2026-07-24 04:15`.

    At the ends of the years that datetime knows, it is in UTC, with a Z.
    """
    try:
        shown = timestamps.to_datetime(value).astimezone(ZoneInfo(zone))
    except OverflowError:
        return f"{value[:10]} {value[11:16]}Z"
    return f"{shown:%Y-%m-%d %H:%M}"


def text(value: str) -> str:
    """Return a text on one line, with control characters escaped."""
    if value.isprintable():
        return value
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value
    )


_READABLE: dict[Kind, Callable[[Any], str]] = {
    Kind.RATIO: percent,
    Kind.BYTES: size,
    Kind.SECONDS: duration,
    Kind.RATE: rate,
    Kind.INSTANT: moment,
    Kind.FLAG: lambda value: "yes" if value else "no",
    Kind.SERIES: sparkline,
}


def readable(kind: Kind, value: Any, *, signed: bool = False) -> str:
    """Return a value (not None) as a table shows it; `signed` adds a plus to positive numbers.

    `value` has the type of its kind: a number for bytes and seconds, a text for instants.
    """
    if signed and value > 0:
        return f"+{readable(kind, value)}"
    if kind in _READABLE:
        return _READABLE[kind](value)
    if isinstance(value, int):
        return f"{value:,}"
    return text(str(value))
