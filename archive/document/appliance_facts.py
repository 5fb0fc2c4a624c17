"""An appliance's facts: its version, time zone and backup schedules.

An answer is JSON as `json_numbers.loads` gives it, in either wire shape: plain (`/api`), or below
`value`, with maps as lists of `key` and `value` (`/rest`). Reading is lenient: a field may be missing,
a number may be a string. Values without a column, or that do not fit into it, are kept in `other`.
Source: vSphere Automation API, `appliance/system/version`, `appliance/system/time/timezone`,
`appliance/recovery/backup/schedules`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar

from archive import json_numbers
from archive.document import schema
from archive.errors import InputError
from archive.masking import mask_text
from archive.text import storable

# As many digits as a signed 64-bit integer has.
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_INT32_MAX = 2**31 - 1
# Our limit, not vSphere's: the key is part of a primary key, which databases limit.
_KEY_LENGTH = 255
_T = TypeVar("_T")
# vSphere's enumeration DayOfWeek, in the order of ISO 8601.
_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Version(NamedTuple):
    """The vCenter Server version of an appliance, vSphere's `VersionStruct`; texts as answered.

    `type` is the kind of deployment, `name` that of the release. `summary` and `release_date` are
    of the last patch, and empty texts without one; `install_time` stays that of the first
    installation. `other` is JSON.
    """

    version: str
    product: str | None
    build_number: str | None
    type: str | None
    summary: str | None
    release_date: str | None
    install_time: str | None
    name: str | None
    other: str | None


class Schedule(NamedTuple):
    """One backup schedule. `hour` and `minute` are in the appliance's time zone; no `days`: daily.

    `days` are sorted from Monday, `parts` by name; the API has sets. `max_count` is the number of
    retained copies. `other` is JSON.
    """

    key: str
    enabled: bool
    hour: int | None
    minute: int | None
    days: tuple[str, ...] | None
    max_count: int | None
    parts: tuple[str, ...] | None
    fast_backup: bool | None
    location: str | None
    location_user: str | None
    other: str | None


class Facts(NamedTuple):
    """The facts of an appliance; None: not answered. `schedules` is `()` if it has no schedule."""

    version: Version | None
    time_zone: str | None
    schedules: tuple[Schedule, ...] | None


def read_version(answer: Any) -> Version:
    """Read an answer of `appliance/system/version`. Raises InputError if it is not one."""
    fields = _Fields(_unwrap(answer), "a version")
    version = fields.text("version")
    if version is None:
        raise InputError("the answer has no `version`")
    return Version(
        version,
        fields.text("product"),
        fields.text("build"),
        fields.text("type"),
        fields.text("summary"),
        fields.text("releasedate"),
        fields.text("install_time"),
        fields.text("name"),
        fields.other(),
    )


def read_time_zone(answer: Any) -> str:
    """Read an answer of `appliance/system/time/timezone`. Raises InputError if it is not one."""
    zone = _unwrap(answer)
    if not isinstance(zone, str) or not zone:
        kind = "an empty string" if zone == "" else _kind(zone)
        raise InputError(f"the answer is {kind}, not a time zone")
    return storable(zone)


def read_schedules(answer: Any) -> tuple[Schedule, ...]:
    """Read an answer of `appliance/recovery/backup/schedules`; sort the schedules by key.

    Raises InputError if it is not one, or if a schedule does not say whether it is enabled.

    A schedule's key may be any text of 1 to 255 characters, such as `default`. An answer without
    schedules, `{}` or `[]`, is an empty tuple, which differs from no answer.
    """
    schedules = answer
    # `value` may also be the key of a schedule.
    if isinstance(answer, dict) and not _is_schedule(answer.get("value")):
        schedules = _unwrap(answer)
    schedules = schema.entries_to_map(schedules)
    if not isinstance(schedules, dict):
        raise InputError(f"the answer is {_kind(schedules)}, not backup schedules")
    return tuple(_schedule(key, schedules[key]) for key in sorted(schedules))


def _schedule(key: str, value: Any) -> Schedule:
    """Return one schedule. Raises InputError for an unusable key, and if `enable` is no boolean."""
    if not 1 <= len(key) <= _KEY_LENGTH or storable(key) != key:
        raise InputError(f"invalid key of a backup schedule: {key[:60]!r}")
    if not _is_schedule(value):
        raise InputError(f"backup schedule {key!r} does not say whether it is enabled")
    fields = _Fields(value, "a schedule")
    recurrence, retention = fields.below("recurrence_info"), fields.below("retention_info")
    days, parts = recurrence.texts("days"), fields.texts("parts")
    return Schedule(
        key,
        value["enable"],
        recurrence.integer("hour", _INT32_MAX),
        recurrence.integer("minute", _INT32_MAX),
        None if days is None else tuple(sorted(days, key=_place_in_week)),
        retention.integer("max_count", schema.INT64_MAX),
        None if parts is None else tuple(sorted(parts)),
        fields.flag("fast_backup"),
        fields.text("location"),
        fields.text("location_user"),
        fields.other("enable"),
    )


def _is_schedule(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("enable"), bool)


def _place_in_week(day: str) -> tuple[int, str]:
    """Return a sort key: days from Monday, then unknown names in alphabetical order."""
    return (_WEEK.index(day) if day in _WEEK else len(_WEEK), day)


def _unwrap(answer: Any) -> Any:
    """Return the inside of a `/rest` answer, any other answer unchanged."""
    if isinstance(answer, dict) and answer.keys() == {"value"}:
        return answer["value"]
    return answer


def _kind(value: Any) -> str:
    """Return the JSON type of a value for an error: `an object`, `null`, `a number`."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


class _Fields:
    """The fields of an object, taken one by one; what is not taken unchanged stays for `other`.

    Nulls count as absent. Raises InputError if `value` is not an object; `what` is its name in the
    error.
    """

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"the answer is {_kind(value)}, not {what}")
        self._left = {name: item for name, item in value.items() if item is not None}
        self._below: dict[str, _Fields] = {}

    def text(self, name: str) -> str | None:
        """Take a string; a whole number is converted. None if it is neither.

        Passwords are hidden, except in `location`, which the database has masked besides. A text in
        which something was hidden or replaced stays in `other` as it was answered; exports mask
        that column.
        """
        value = self._left.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            return None
        kept = storable(value) if name == "location" else mask_text(storable(value))
        return self._taken(name, kept, exact=kept == value)

    def texts(self, name: str) -> list[str] | None:
        """Take a list of strings; None if it is not one."""
        value = self._left.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return None
        kept = [mask_text(storable(item)) for item in value]
        return self._taken(name, kept, exact=kept == value)

    def integer(self, name: str, greatest: int) -> int | None:
        """Take a whole number from -`greatest` to `greatest`, also from a string; None otherwise."""
        value = self._left.get(name)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > greatest:
            return None
        return self._taken(name, value)

    def flag(self, name: str) -> bool | None:
        """Take a boolean; None if it is not one."""
        value = self._left.get(name)
        return self._taken(name, value) if isinstance(value, bool) else None

    def below(self, name: str) -> _Fields:
        """Take an object, and return its fields to take."""
        value = self._left.get(name)
        fields = _Fields(value if isinstance(value, dict) else {}, name)
        if isinstance(value, dict):
            self._below[name] = fields
        return fields

    def other(self, *known: str) -> str | None:
        """Return the fields neither taken nor `known` as JSON; None if there are none."""
        left = self._rest()
        for name in known:
            left.pop(name, None)
        try:
            return json_numbers.dumps(left) if left else None
        except RecursionError:
            raise InputError("the answer is nested too deeply") from None

    def _rest(self) -> dict[str, Any]:
        """Return the fields left, nested ones within their objects; objects with nothing left are gone."""
        below = {name: fields._rest() for name, fields in self._below.items()}  # noqa: SLF001 - its own kind
        return {
            name: below.get(name, value)
            for name, value in self._left.items()
            if name not in below or below[name]
        }

    def _taken(self, name: str, value: _T, *, exact: bool = True) -> _T:
        """Return a value; one that is `exact` needs no copy in `other`."""
        if exact:
            del self._left[name]
        return value
