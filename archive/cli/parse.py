"""Parse the values of options: days, instants, durations, sizes, tags, and report scopes.

Each function returns None for an option that is not given, unless it says otherwise, and raises
UsageError with the valid forms.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archive.cli.options import GREATEST, say
from archive.errors import ConfigurationError, UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.config.settings import Fleet
    from archive.reports import Scope

# Letters of either case; `kb` is 1,000 bytes, `kib` 1,024. At most 19 digits, as many as GREATEST
# has.
_SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,19})?) ?(?:([kmgtpe])?(i)?b)?", re.ASCII | re.IGNORECASE)
# In the order of their powers, from the first.
_POWERS = "kmgtpe"


def instant(text: str | None) -> str:
    """Return an instant (RFC 3339) in fixed-width form; this machine's now for None. Raises UsageError.

    Digits below a microsecond are dropped.
    """
    from archive import timestamps

    if text is None:
        return timestamps.now()
    try:
        return timestamps.parse(text)
    except timestamps.TooFineError as error:
        return error.truncated
    except ValueError as error:
        raise UsageError(
            f"invalid time {quoted(text)}: write it as 2026-03-01T12:00:00Z or with a UTC offset"
        ) from error


def days(
    connection: Connection, since: str | None, until: str | None, now: str
) -> tuple[str | None, str | None]:
    """Return the first and the last day (ISO dates) of the archive's calendar, None for no limit.

    Raises UsageError, with the valid forms.

    `now` is an instant: relative forms such as `30d` count from its day.
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
    """Return the seconds of a duration such as `25h`, `90min` or `1d`. Raises UsageError.

    None for None. A number without a unit is refused.
    """
    if text is None:
        return None
    from archive.config import values

    try:
        return values.whole_seconds(text)
    except ValueError as error:
        raise UsageError(f"invalid duration {quoted(text)}: {error}") from error


def size(text: str | None) -> int | None:
    """Return the bytes of a size in decimal or binary units, such as `2TB` or `500 GiB`.

    Fractions of a byte are dropped. Raises UsageError.
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is not None and (match[2] or not match[3]):
        power = _POWERS.index(match[2].lower()) + 1 if match[2] else 0
        # Exactly: 1.1TB is no double.
        found = int(Fraction(match[1]) * (1024 if match[3] else 1000) ** power)
        if 0 < found <= GREATEST:
            return found
    raise UsageError(f"invalid size {quoted(text)}: write 2TB, 1.5PB, 500GiB or a number of bytes")


def tagged(tags: Sequence[str], config: str | None) -> frozenset[str] | None:
    """Return the names of the appliances that have the tags (NAME=VALUE); None without tags.

    Disabled appliances are included, since they have a history. Raises UsageError for a tag that no
    appliance has, and without a configuration.
    """
    if not tags:
        return None
    from archive.config import file
    from archive.config.selection import select

    fleet = configuration(config)
    if fleet is None:
        raise UsageError(
            f"--tag {tags[0]}: no configuration with tags at {file.users_own()} or"
            f" {file.SYSTEM}; name one with --config or ${file.VARIABLE}"
        )
    return frozenset(entry.name for entry in select(fleet, (), tags, disabled=True))


def cadences(config: str | None) -> tuple[tuple[str, int], ...]:
    """Return the cadence (name, seconds) of each appliance that has one in the configuration.

    It reads the configuration; appliances have the order of the file.
    """
    fleet = configuration(config)
    return tuple(
        (entry.name, entry.cadence_seconds)
        for entry in (fleet.entries if fleet else ())
        if entry.cadence_seconds is not None
    )


def tags(config: str | None) -> dict[str, Mapping[str, str]]:
    """Return the tags in the configuration, by the names of the appliances that have any."""
    fleet = configuration(config)
    return {entry.name: entry.tags for entry in (fleet.entries if fleet else ()) if entry.tags}


def configuration(config: str | None) -> Fleet | None:
    """Return the configuration; None if there is none."""
    from archive.config import file

    path = file.find(config)
    return None if path is None else file.read(path)


def configuration_beside(database: str | None, config: str | None) -> Fleet | None:
    """Return the configuration for an archive that may be named on the command line.

    An error of the configuration is a warning, and None is returned, if the user names the archive
    but no configuration: a broken file must not hinder this user.
    """
    try:
        return configuration(config)
    except ConfigurationError as error:
        if database is None or config is not None:
            raise
        say(f"Warning: {error}")
        return None


def scope(
    config: str | None,
    connection: Connection,
    *,
    since: str | None = None,
    until: str | None = None,
    appliance: Sequence[str] | None = None,
    job_type: Sequence[str] | None = None,
    tag: Sequence[str] | None = None,
    rpo: str | None = None,
    now: str | None = None,
    with_cadences: bool = True,
    **fields: Any,
) -> Scope:
    """Return the scope that options describe; `fields` are further fields of it.

    Days are those of the archive's calendar. Cadences take time to read, so reports that do not use
    them turn them off. Raises UsageError, also for the first and the last year that datetime knows:
    `now` has days before and after it.
    """
    from archive.reports import Scope
    from archive.reports.core import as_of

    moment = as_of.current(connection) if now is None else instant(now)
    if not "0002" <= moment[:4] <= "9998":
        raise UsageError(f"invalid time {quoted(now or moment)}: its year must be from 2 to 9998")
    first, last = days(connection, since, until, moment)
    return Scope(
        since=first,
        until=last,
        appliances=tuple(appliance or ()),
        types=tuple(text.upper() for text in job_type or ()),
        named=tagged(tag or (), config),
        now=moment,
        rpo_seconds=seconds(rpo),
        cadences=cadences(config) if with_cadences else (),
        **fields,
    )
