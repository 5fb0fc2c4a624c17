"""What options say in words: days, instants, times, sizes, and appliances by their tags."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from archive.cli.options import GREATEST
from archive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.config.entries import Fleet

_SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,19})?) ?(?:([kmgtpe])?(i)?b)?", re.ASCII | re.IGNORECASE)
_POWERS = "kmgtpe"


def instant(text: str | None) -> str:
    """Return an instant (RFC 3339); the current one if none is given. Raises UsageError."""
    from archive import timestamps

    if text is None:
        return timestamps.now()
    try:
        return timestamps.parse(text)
    except timestamps.TooFineError as error:
        return error.truncated
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not an instant; write it as 2026-03-01T12:00:00Z, or with an offset"
        ) from error


def days(
    connection: Connection, since: str | None, until: str | None, now: str
) -> tuple[str | None, str | None]:
    """Return the first and the last day that are meant, by the archive's calendar.

    Raises UsageError with the forms that there are.
    """
    if since is None and until is None:
        return None, None
    from archive.reports.core import date_ranges
    from archive.store import settings

    calendar = settings.calendar(connection)
    return (
        None if since is None else date_ranges.first_day(since, calendar, now),
        None if until is None else date_ranges.last_day(until, calendar, now),
    )


def seconds(text: str | None) -> int | None:
    """Return the seconds of a time such as `25h` or `1d`. Raises UsageError."""
    if text is None:
        return None
    from archive.config import values

    try:
        return values.whole_seconds(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time: {error}") from error


def size(text: str | None) -> int | None:
    """Return the bytes of a size in decimal or binary units, such as `2TB` or `500 GiB`.

    Parts of a byte are left off. Raises UsageError.
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is not None and (match[2] or not match[3]):
        power = _POWERS.index(match[2].lower()) + 1 if match[2] else 0
        found = int(Fraction(match[1]) * (1024 if match[3] else 1000) ** power)
        if 0 < found <= GREATEST:
            return found
    raise UsageError(f"{text!r} is not a size; write it as 2TB, 1.5PB, 500GiB or in bytes")


def tagged(tags: Sequence[str], config: str | None) -> frozenset[str] | None:
    """Return the names of the appliances with tags of the configuration; None if none is given.

    Those that are disabled are among them: their history is there. Raises UsageError for a tag that
    no appliance has, or without a configuration.
    """
    if not tags:
        return None
    from archive.config import file
    from archive.config.selection import select

    fleet = configuration(config)
    if fleet is None:
        raise UsageError(
            f"--tag {tags[0]}: tags stand in the configuration, and there is none at"
            f" {file.users_own()} or {file.SYSTEM}; name one with --config or ${file.VARIABLE}"
        )
    return frozenset(entry.name for entry in select(fleet, (), tags, disabled=True))


def cadences(config: str | None) -> tuple[tuple[str, int], ...]:
    """Return how often backups are expected, in seconds, of the appliances that have a cadence.

    There are none without a configuration.
    """
    fleet = configuration(config)
    return tuple(
        (entry.name, entry.cadence_seconds)
        for entry in (fleet.entries if fleet else ())
        if entry.cadence_seconds is not None
    )


def tags(config: str | None) -> dict[str, Mapping[str, str]]:
    """Return the tags of appliances by name, of those that have any; none without a configuration."""
    fleet = configuration(config)
    return {entry.name: entry.tags for entry in (fleet.entries if fleet else ()) if entry.tags}


def configuration(config: str | None) -> Fleet | None:
    """Return the configuration that is meant; None if there is none."""
    from archive.config import file

    path = file.find(config)
    return None if path is None else file.read(path)
