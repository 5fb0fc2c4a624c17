"""Turn the TOML of a configuration into a Fleet: check each key, fill in defaults.

All errors are collected, so that a file can be corrected in one go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive import calendar
from archive.appliance_names import identity
from archive.config import mailing, notifying, values
from archive.config.appliance_entry import TIMES, entry
from archive.config.place import database
from archive.config.settings import Entry, Fleet, Mail, Recipient
from archive.errors import ConfigurationError, UsageError
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Keys = dict[str, Callable[[Any], Any]]

# The keys of each table, with the function that checks and converts a value; others are errors.
_TOP: Keys = {
    "database": values.text,
    "concurrency": values.number_at_once,
    "calendar": values.table,
    "defaults": values.table,
    "mail": values.table,
    "notify": values.tables,
    "serve": values.table,
    "evidence": values.table,
    "appliance": values.tables,
}
# Sections with one key, a secret, and the field of Fleet that has it.
_SECRETS = {"serve": ("token", "token"), "evidence": ("key", "evidence_key")}
_CALENDAR: Keys = {"time_zone": values.text, "day_start": values.text}
_TIMES: Keys = dict.fromkeys(TIMES, values.seconds)
_DEFAULTS: Keys = _TIMES | {
    "user": values.text,
    "secret": values.secret,
    "ca_file": values.path,
    "pin": values.pin,
    "cadence": values.cadence,
    "rpo": values.whole_seconds,
    "tags": values.tags,
    "enabled": values.flag,
    "sso": values.text,
}
_APPLIANCE: Keys = _DEFAULTS | {
    "name": values.name,
    "address": values.address,
    "verify": values.flag,
    "retired": values.day,
}
# Keys of an appliance that make no sense or do harm as a default for all.
_NOT_FOR_ALL = {
    "name": "set it for each appliance",
    "address": "set it for each appliance",
    "retired": "set it for each appliance",
    "verify": "verification can only be switched off for a single appliance",
}


class _Section(NamedTuple):
    """A table: its name for errors, its raw keys, and its well-formed values.

    A key that is in `written` but not in `given` had an error, which has been reported.
    """

    where: str
    written: Mapping[str, Any]
    given: dict[str, Any]


class _Reading:
    """One pass over a configuration, and the errors found so far."""

    def __init__(self, path: Path, unsafe: str | None) -> None:
        self._path = path
        self._folder = path.parent
        self._unsafe = unsafe
        self._problems: list[str] = []

    def fleet(self, document: Mapping[str, Any]) -> Fleet:
        """Return the checked configuration. Raises ConfigurationError with all errors found."""
        top = self._section("", document, _TOP).given
        entries = self._entries(top.get("appliance", []), self._defaults(top.get("defaults", {})))
        said: dict[str, Any] = {}
        if "database" in top:
            said["database"] = self._database(top["database"])
        if "calendar" in top:
            said["calendar"] = self._calendar(top["calendar"])
        if "mail" in top:
            said["mail"] = self._mail(top["mail"])
        if "notify" in top:
            said["notified"] = self._notified(top["notify"])
        for name, (key, field) in _SECRETS.items():
            section = self._section(f"[{name}]", top.get(name, {}), {key: values.secret})
            self._check(section)
            said[field] = section.given.get(key)
        if "concurrency" in top:
            said["concurrency"] = top["concurrency"]
        if self._problems:
            raise ConfigurationError(
                "\n".join(f"{self._path}: {problem}" for problem in self._problems)
            )
        return Fleet(path=self._path, entries=tuple(entries), **said)

    def _problem(self, *words: object) -> None:
        """Add an error: the words that are not empty, joined as `[section]: key: problem`."""
        self._problems.append(": ".join(str(word) for word in words if word))

    def _section(self, where: str, table: Mapping[str, Any], keys: Keys) -> _Section:
        """Check the keys of a table one by one; report unknown ones and malformed values."""
        given = {}
        for key, value in table.items():
            if key not in keys:
                self._unknown(where, key, keys)
                continue
            try:
                given[key] = keys[key](value)
            except ValueError as error:
                self._problem(where, key, error)
        return _Section(where, table, given)

    def _unknown(self, where: str, key: str, keys: Keys) -> None:
        """Report an unknown key, with the known key that is most like it, if one is."""
        self._problem(where, f"unknown key {quoted(key)}{suggestion(key, keys)}")

    def _database(self, value: str) -> str | None:
        """Return the database with an absolute path; None, after a report, if it is unusable."""
        try:
            return database(value, self._folder, self._unsafe)
        except ValueError as error:
            self._problem("database", error)
            return None

    def _calendar(self, table: Mapping[str, Any]) -> calendar.Calendar | None:
        """Return the calendar, with defaults for keys that are not set; None after a report.

        A table without keys is the default calendar, which is not the same as no table: None lets
        the archive keep the calendar that it has.
        """
        given = self._section("[calendar]", table, _CALENDAR).given
        plain = calendar.Calendar()
        try:
            return calendar.calendar(
                given.get("time_zone", plain.zone), given.get("day_start", plain.day_start)
            )
        except UsageError as error:
            self._problem("[calendar]", error)
            return None

    def _mail(self, table: Mapping[str, Any]) -> Mail | None:
        """Return the mail settings; None if anything in the section was reported."""
        section = self._section("[mail]", table, mailing.KEYS)
        found = len(self._problems)
        for key, problem in mailing.contradictions(table, section.given):
            self._problem("[mail]", key, problem)
        self._check(section)
        if len(self._problems) > found or section.given.keys() != table.keys():
            return None
        return mailing.mail(section.given, self._folder)

    def _notified(self, tables: list[dict[str, Any]]) -> tuple[Recipient, ...]:
        """Return the recipients that are complete, in the order of the file."""
        found: dict[str, Recipient] = {}
        for place, table in enumerate(tables, 1):
            where = _where("notify", table, place)
            section = self._section(where, table, notifying.KEYS)
            self._check(section)
            for key, problem in notifying.contradictions(table, section.given, found):
                self._problem(where, key, problem)
            if section.given.keys() >= notifying.REQUIRED:
                recipient = notifying.recipient(section.given, self._folder)
                found[recipient.name] = recipient
        return tuple(found.values())

    def _defaults(self, table: Mapping[str, Any]) -> _Section:
        """Check `[defaults]`, whose keys are those of an appliance except those that must be its own."""
        rest = dict(table)
        for key, reason in _NOT_FOR_ALL.items():
            if rest.pop(key, None) is not None:
                self._problem("[defaults]", key, reason)
        section = self._section("[defaults]", rest, _DEFAULTS)
        self._check(section)
        return section

    def _entries(self, tables: list[dict[str, Any]], defaults: _Section) -> list[Entry]:
        """Return the complete entries in the order of the file; incomplete ones have been reported."""
        sections = [
            self._section(_where("appliance", table, place), table, _APPLIANCE)
            for place, table in enumerate(tables, 1)
        ]
        for section in sections:
            self._check(section)
            self._complete(section, defaults)
        self._tell_apart(sections)
        return [
            entry(section.given, defaults.given, self._folder)
            for section in sections
            if {"name", "address", "user", "secret"} <= section.given.keys() | defaults.given.keys()
        ]

    def _complete(self, section: _Section, defaults: _Section) -> None:
        """Report missing keys; without `address`, the name is the address."""
        where, written, own = section
        if "name" not in written:
            self._problem(where, "name", "missing")
        if "name" in own and "address" not in written:
            try:
                own["address"] = values.address(own["name"])
            except ValueError as error:
                self._problem(where, "address", error)
        for key in ("user", "secret"):
            if key not in written and key not in defaults.written:
                self._problem(where, key, "missing; set it here or in [defaults]")

    def _tell_apart(self, sections: list[_Section]) -> None:
        """Report duplicate names and addresses."""
        names: set[str] = set()
        addresses: dict[tuple[str, int], str] = {}
        for where, _, own in sections:
            if "name" in own:
                name = identity(own["name"])
                if name in names:
                    self._problem(where, "name", "another appliance already has this name")
                    continue
                names.add(name)
            if "address" in own:
                host, port = own["address"]
                other = addresses.setdefault((identity(host), port), where)
                if other != where:
                    self._problem(where, "address", f"same address as {other}")

    def _check(self, section: _Section) -> None:
        """Report keys of one table that contradict each other or must not be in this file."""
        where, _, given = section
        if "pin" in given and "ca_file" in given:
            self._problem(where, "pin", "cannot be combined with ca_file; remove one of them")
        if "pin" in given and given.get("verify") is False:
            self._problem(where, "pin", "contradicts verify = false; remove one of them")
        for key, what in (
            ("secret", "password"),
            ("url", "URL"),
            ("token", "token"),
            ("key", "key"),
        ):
            if self._unsafe and key in given and given[key].value is not None:
                self._problem(where, key, f"the {what} is in this file, but {self._unsafe}")


def fleet(document: Mapping[str, Any], path: Path, unsafe: str | None) -> Fleet:
    """Return the Fleet of a configuration whose absolute path is `path`.

    `unsafe` is why the file must not contain secrets, None if it may. Raises ConfigurationError
    with all errors, one a line.
    """
    return _Reading(path, unsafe).fleet(document)


def _where(section: str, table: Mapping[str, Any], place: int) -> str:
    """Return how errors name one of several tables: by its name, or by its number in the file, from 1."""
    name = table.get("name")
    known = isinstance(name, str) and name and name.isprintable()
    return f"[[{section}]] {name if known else place}"
