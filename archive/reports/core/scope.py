"""What a report is asked: the period its rows stand for, and which jobs it looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import sqlalchemy as sa

from archive import timestamps
from archive.appliance_names import unmatched
from archive.calendar import PERIODS
from archive.db import tables
from archive.errors import UsageError
from archive.store import collection_log

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# What any report may be told, since it only says how things are judged.
_FREE = frozenset({"now", "cadences"})
# The option of a field, where it is called otherwise.
_OPTIONS = {
    "appliances": "appliance", "named": "tag", "types": "type", "locations": "location",
    "builds": "build", "statuses": "status", "objective_seconds": "rpo", "capacity_bytes": "capacity",
}  # fmt: skip
GROUPS = ("appliance", "type", "build", "location")
# What a report without periods can be grouped by, too.
ALL_GROUPS = (*GROUPS, "day")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Question(Protocol):
    """What a report says of itself before it is asked.

    `takes` names the fields of a scope that it heeds; others it must not be given. One that tells
    ages takes `now`; one that takes `cadences` is told those of the configuration, which is not read
    for others. `groups` is what its rows can be grouped by.
    """

    @property
    def name(self) -> str:
        """What it is asked by."""

    @property
    def takes(self) -> frozenset[str]:
        """The fields of a scope that it heeds."""

    @property
    def groups(self) -> tuple[str, ...]:
        """What `by` may be."""


def _now() -> str:
    return timestamps.now()  # by its name, so that a test can stop the clock


@dataclass(frozen=True)
class Scope:
    """The jobs that a report looks at, how it groups them, and what it holds them against.

    `appliances`, `locations` and `builds` are globs; `named` are names of appliances, None for all.
    `now` is the instant as of which ages are told. `objective_seconds` is the greatest age that a
    last success may have; `cadences` says for appliances how often a backup is expected, in seconds.
    Raises UsageError for what cannot be understood.
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
    objective_seconds: int | None = None
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
            raise UsageError(f"the first day, {self.since}, is after the last, {self.until}")

    @property
    def days(self) -> int | None:
        """How many days there are from the first to the last; None without a first or a last one."""
        if self.since is None or self.until is None:
            return None
        return (date.fromisoformat(self.until) - date.fromisoformat(self.since)).days + 1

    def check(self, report: Question) -> None:
        """Raise UsageError if something is asked that a report does not heed."""
        for asked in fields(self):
            if (
                asked.name not in report.takes | _FREE
                and getattr(self, asked.name) != asked.default
            ):
                option = f"--{_OPTIONS.get(asked.name, asked.name)}"
                raise UsageError(f"the report {report.name} has no use for {option}")
        if self.by is not None and self.by not in report.groups:
            groups = ", ".join(report.groups) or "nothing"
            raise UsageError(f"the report {report.name} can be made --by {groups}, not {self.by}")

    def asked(self, report: Question) -> dict[str, Any]:
        """Return what a report was asked, field by field, as far as it heeds it and it was said.

        `period` stands there always, and `now` where ages are told. Appliances that were chosen
        otherwise than by globs are left out, as are cadences.
        """
        always = report.takes & {"period", "now"}
        found = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in always or (one.name not in _FREE | {"named"} and value != one.default):
                found[one.name] = list(value) if isinstance(value, tuple) else value
        return found

    def appliance_ids(self, connection: Connection) -> list[int] | None:
        """Return the numbers of the appliances, or None for all of them.

        One that was asked and has never answered is known, and has no number. Raises UsageError for
        a glob that no known appliance matches.
        """
        if not self.appliances and self.named is None:
            return None
        table = tables.appliance
        found = connection.execute(sa.select(table.c.name, table.c.id))
        numbers = {row.name: row.id for row in found}
        if self.named is not None:
            numbers = {name: number for name, number in numbers.items() if name in self.named}
        wanted: set[int] = set() if self.appliances else set(numbers.values())
        for glob in self.appliances:
            matching = {
                number
                for name, number in numbers.items()
                if name == glob or fnmatchcase(name, glob)
            }
            if not matching and not _was_asked(connection, glob):
                raise UsageError(unmatched(glob, list(numbers), "the archive"))
            wanted |= matching
        return sorted(wanted)


def _was_asked(connection: Connection, glob: str) -> bool:
    return any(name == glob or fnmatchcase(name, glob) for name in collection_log.names(connection))


class Heard(NamedTuple):
    """When the first and the last import came, as instants."""

    first: str
    last: str


def heard(connection: Connection, scope: Scope) -> Heard | None:
    """Return from when to when the scope's appliances were heard of; None if never."""
    table = tables.appliance
    query = sa.select(sa.func.min(table.c.first_seen), sa.func.max(table.c.last_seen))
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    first, last = connection.execute(query).one()
    return None if first is None else Heard(first, last)


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{value!r} is no {what}; there are: {', '.join(known)}")


def _check_day(text: str) -> None:
    message = f"{text!r} is not a day; write it as YYYY-MM-DD"
    if not _DAY.fullmatch(text):
        raise UsageError(message)
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(message) from error
