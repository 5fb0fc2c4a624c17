"""The scope of a report: period, filters, thresholds and the time it is evaluated at.

A new filter is a field of `Scope`, a condition in `filters` and a name in `report.JOBS`; its option is in
`cli/report_options`. Where totals cannot answer it, `from_totals` and `from_months` must say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import sqlalchemy as sa

from archive import timestamps
from archive.appliance_names import is_match, split_globs, unmatched
from archive.calendar import PERIODS
from archive.db import tables
from archive.errors import UsageError
from archive.reports.core.date_ranges import days_before
from archive.store import collection_log

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Fields that every report accepts, because they only affect how backups are judged.
_FREE = frozenset({"now", "cadences"})
# Options whose name differs from the field.
_OPTIONS = {
    "appliances": "appliance", "named": "tag", "types": "type", "locations": "location",
    "builds": "build", "statuses": "status", "rpo_seconds": "rpo", "capacity_bytes": "capacity",
}  # fmt: skip
# What the rows of a report with periods can be grouped by.
GROUPS = ("appliance", "type", "build", "location")
# Groups that include the one only reports without periods have.
ALL_GROUPS = (*GROUPS, "day")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Question(Protocol):
    """What a report supports.

    `takes` names the scope fields that the report uses; all others are refused. A report that shows
    ages takes `now`. The configuration is read only for reports that take `cadences`.
    """

    @property
    def name(self) -> str:
        """The name of the report."""

    @property
    def takes(self) -> frozenset[str]:
        """The scope fields that the report uses."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The supported values of `by`."""


def _now() -> str:
    return timestamps.now()  # looked up at call time, so that tests can stop the clock


@dataclass(frozen=True)
class Scope:
    """The jobs that a report covers, how it groups them, and the thresholds it applies.

    `appliances`, `locations` and `builds` are globs, of which those of appliances may begin with `!`; `named` are exact appliance names, None for all.
    Ages are computed as of the instant `now`. `rpo_seconds` is that of `--rpo`; `cadences`
    are pairs of appliance name and seconds between expected backups. Days are ISO dates, both
    included. Raises UsageError for an unknown period or group, or invalid days.

    `types` and `statuses` are exact, in upper case. Two scopes are equal whatever their `now`, so
    that a statement can be cached by its scope.
    """

    period: str = "month"
    since: str | None = None
    until: str | None = None
    appliances: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    by: str | None = None
    named: frozenset[str] | None = None
    locations: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    now: str = field(default_factory=_now, compare=False)
    rpo_seconds: int | None = None
    cadences: tuple[tuple[str, int], ...] = ()
    capacity_bytes: int | None = None
    keep: int | None = None
    compare: bool = False

    def __post_init__(self) -> None:
        _check("period", self.period, PERIODS)
        if self.by is not None:
            _check("group", self.by, ALL_GROUPS)
        for text in (self.since, self.until):
            if text is not None:
                _check_day(text)
        if self.since and self.until and self.since > self.until:
            raise UsageError(f"the first day {self.since} is after the last day {self.until}")

    @property
    def days(self) -> int | None:
        """The number of days in scope; None without a first or a last day."""
        if self.since is None or self.until is None:
            return None
        return (date.fromisoformat(self.until) - date.fromisoformat(self.since)).days + 1

    def last_days(self, number: int, last: str) -> Scope:
        """Return this scope limited to the `number` days up to and including the day `last`."""
        first = days_before(last, number - 1)
        return replace(self, since=max(self.since or first, first), until=last)

    def check(self, report: Question) -> None:
        """Raise UsageError for a field that a report does not support."""
        for one in fields(self):
            # An option with its default value is like one that was not given.
            if one.name not in report.takes | _FREE and getattr(self, one.name) != one.default:
                option = f"--{_OPTIONS.get(one.name, one.name)}"
                raise UsageError(f'report "{report.name}" does not support {option}')
        if self.by is not None and self.by not in report.groups:
            groups = ", ".join(report.groups)
            raise UsageError(
                f'report "{report.name}" does not support --by {self.by} (supported: {groups})'
            )

    def asked(self, report: Question) -> dict[str, Any]:
        """Return the fields that were set and that a report uses, by name.

        `period` is always included for reports with periods, and `now` for reports with ages.
        Cadences, and appliances selected other than by globs, are left out.
        """
        always = report.takes & {"period", "now"}
        found = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in always or (one.name not in _FREE | {"named"} and value != one.default):
                found[one.name] = list(value) if isinstance(value, tuple) else value
        return found

    def appliance_ids(self, connection: Connection) -> list[int] | None:
        """Return the ids of the appliances in scope, or None for all of them.

        An appliance that `archive collect` has tried but that never answered is known, and has no
        id. Raises UsageError for a glob that matches no known appliance.
        """
        if not self.appliances and self.named is None:
            return None
        table = tables.appliance
        found = connection.execute(sa.select(table.c.name, table.c.id))
        numbers = {row.name: row.id for row in found}
        if self.named is not None:
            numbers = {name: number for name, number in numbers.items() if name in self.named}
        # Each glob must match by itself: a mistyped one must not go unnoticed beside a right one.
        chosen, left_out = split_globs(self.appliances)

        def matching(glob: str) -> set[int]:
            found = {number for name, number in numbers.items() if is_match(name, glob)}
            if not found and not _was_attempted(connection, glob):
                raise UsageError(unmatched(glob, list(numbers), "the archive"))
            return found

        wanted = set().union(*map(matching, chosen)) if chosen else set(numbers.values())
        return sorted(wanted.difference(*map(matching, left_out)))


def _was_attempted(connection: Connection, glob: str) -> bool:
    """Return whether `archive collect` has ever tried an appliance that a glob matches."""
    return any(is_match(name, glob) for name in collection_log.names(connection))


def options(report: Question) -> frozenset[str]:
    """Return the names of the options that a report supports, as in `--appliance`."""
    names = (report.takes | _FREE) - {"cadences"}
    return frozenset({_OPTIONS.get(name, name) for name in names} | {"sort", "top"})


class ImportSpan(NamedTuple):
    """When the first and the last import took place, as instants.

    Instants are fixed-width UTC texts.
    """

    first: str
    last: str


def import_span(connection: Connection, scope: Scope) -> ImportSpan | None:
    """Return the times of the first and last import of the appliances in scope; None if none.

    Tags and globs count, days do not.
    """
    table = tables.appliance
    query = sa.select(sa.func.min(table.c.first_seen), sa.func.max(table.c.last_seen))
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    first, last = connection.execute(query).one()
    return None if first is None else ImportSpan(first, last)


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    """Raise UsageError, with the valid values, for any other value."""
    if value not in known:
        raise UsageError(f'invalid {what} "{value}" (valid: {", ".join(known)})')


def _check_day(text: str) -> None:
    """Raise UsageError unless a text is a day such as `2026-03-01`."""
    message = f'invalid date "{text}": write it as YYYY-MM-DD'
    if not _DAY.fullmatch(text):
        raise UsageError(message)
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(message) from error
