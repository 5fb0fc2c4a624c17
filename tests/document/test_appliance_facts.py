from __future__ import annotations

from typing import Any

import pytest

from archive import json_numbers
from archive.document import appliance_facts
from archive.document.appliance_facts import (
    Schedule,
    Version,
    read_schedules,
    read_time_zone,
    read_version,
)
from archive.errors import InputError

VERSION = {
    "version": "8.0.3.00400",
    "product": "VMware vCenter Server",
    "build": "24322831",
    "type": "vCenter Server with an embedded Platform Services Controller",
    "summary": "Patch",
    "releasedate": "October 21, 2024",
    "install_time": "2024-11-02T09:14:12.221Z",
}
SCHEDULE = {
    "enable": True,
    "location": "sftp://nas.example.com/backup",
    "location_user": "backup",
    "parts": ["seat", "common"],
    "fast_backup": False,
    "recurrence_info": {"hour": 2, "minute": 15, "days": ["SUNDAY", "MONDAY"]},
    "retention_info": {"max_count": 14},
}
READ = Schedule(
    key="default",
    enabled=True,
    hour=2,
    minute=15,
    days=("MONDAY", "SUNDAY"),
    max_count=14,
    parts=("common", "seat"),
    fast_backup=False,
    location="sftp://nas.example.com/backup",
    location_user="backup",
    other=None,
)


def only(value: dict[str, Any]) -> Schedule:
    """Return the only schedule of an answer with this schedule."""
    (schedule,) = read_schedules({"default": value})
    return schedule


def test_version_is_read_in_either_shape() -> None:
    """All fields of a version are texts; the name may be absent."""
    expected = Version(
        "8.0.3.00400", VERSION["product"], "24322831", VERSION["type"], "Patch",
        "October 21, 2024", "2024-11-02T09:14:12.221Z", None, None,
    )  # fmt: skip
    assert read_version(VERSION) == read_version({"value": VERSION}) == expected
    assert read_version(VERSION | {"name": "vc"}).name == "vc"


def test_version_is_read_leniently() -> None:
    """Missing fields stay missing, numbers become texts, and new fields are kept."""
    read = read_version(
        {"version": "9", "build": 24322831, "name": None, "new": {"b": 1.50, "a": []}}
    )
    assert read.build_number == "24322831"
    assert read.other == '{"new":{"a":[],"b":1.5}}'
    assert read_version({"version": "9", "type": ["x"]}).other == '{"type":["x"]}'


@pytest.mark.parametrize("wrap", [lambda zone: zone, lambda zone: {"value": zone}])
def test_time_zone_is_read_in_either_shape(wrap: Any) -> None:
    """A time zone is a text."""
    assert read_time_zone(wrap("Europe/Berlin")) == "Europe/Berlin"


@pytest.mark.parametrize(
    "answer",
    [
        {"default": SCHEDULE},
        {"value": [{"key": "default", "value": SCHEDULE}]},
        [{"key": "default", "value": SCHEDULE}],
        {"value": {"default": SCHEDULE}},
    ],
)
def test_schedules_are_read_in_either_shape(answer: Any) -> None:
    """Schedules are a map, or a list of keys and values; days and parts are sorted."""
    assert read_schedules(answer) == (READ,)


def test_no_schedule_and_several() -> None:
    """There may be none; several are in the order of their keys, whatever these are."""
    answers: list[Any] = [{}, [], {"value": []}, {"value": {}}]
    assert [read_schedules(none) for none in answers] == [()] * 4
    both = read_schedules({"z": SCHEDULE, "a": SCHEDULE})
    assert [schedule.key for schedule in both] == ["a", "z"]
    assert read_schedules({"value": SCHEDULE}) == (READ._replace(key="value"),)


def test_schedule_is_read_leniently() -> None:
    """Only the field `enable` is required; numbers may be texts."""
    bare = only({"enable": False})
    assert (bare.key, bare.enabled, set(bare[2:])) == ("default", False, {None})
    read = only(
        {"enable": True, "recurrence_info": {"hour": "2", "minute": "05"}, "retention_info": None}
    )
    assert (read.hour, read.minute, read.days, read.other) == (2, 5, None, None)


def test_unknown_fields_are_kept() -> None:
    """Unknown and unfitting values are in `other`, at the same path."""
    recurrence = {"hour": "two", "minute": 2**40, "days": ["MONDAY", 3], "week": "odd"}
    read = only(
        SCHEDULE
        | {
            "recurrence_info": recurrence,
            "retention_info": 7,
            "fast_backup": "no",
            "new": None,
            "old": 1,
        }
    )
    assert (read.hour, read.minute, read.days, read.max_count) == (None, None, None, None)
    assert json_numbers.loads(read.other or "") == {
        "recurrence_info": recurrence, "retention_info": 7, "fast_backup": "no", "old": 1,
    }  # fmt: skip


def test_texts_that_no_database_can_store() -> None:
    """NUL and lone surrogates are replaced in the columns, and kept escaped beside them."""
    read = only(SCHEDULE | {"location_user": "a\x00b", "parts": ["\ud800"]})
    assert (read.location_user, read.parts) == ("a\ufffdb", ("\ufffd",))
    assert json_numbers.loads(read.other or "") == {"location_user": "a\x00b", "parts": ["\ud800"]}
    assert read_version({"version": "9\x00"}).other == '{"version":"9\\u0000"}'
    assert read_time_zone("a\x00") == "a\ufffd"


ERROR = {
    "error_type": "UNAUTHORIZED",
    "messages": [{"id": "x", "default_message": "no", "args": []}],
}


@pytest.mark.parametrize(
    ("read", "answer", "said"),
    [
        (read_version, [VERSION], "the answer is a list, not a version"),
        (read_version, ERROR, "the answer has no `version`"),
        (read_version, {"version": 1.5}, "the answer has no `version`"),
        (read_version, None, "the answer is null, not a version"),
        (
            read_time_zone,
            {"value": {"zone": "UTC"}},
            "the answer is an object, not a time zone",
        ),
        (read_time_zone, "", "the answer is an empty string, not a time zone"),
        (read_time_zone, 1, "the answer is a number, not a time zone"),
        (read_schedules, "default", "the answer is a string, not backup schedules"),
        (read_schedules, True, "the answer is a boolean, not backup schedules"),
        (read_schedules, [{"key": "a"}], "the answer is a list, not backup schedules"),
        (
            read_schedules,
            ERROR,
            "backup schedule 'error_type' does not say whether it is enabled",
        ),
        (
            read_schedules,
            {"a": {"enable": "yes"}},
            "backup schedule 'a' does not say whether it is enabled",
        ),
        (read_schedules, {"": SCHEDULE}, "invalid key of a backup schedule: ''"),
        (read_schedules, {"\x00": SCHEDULE}, r"invalid key of a backup schedule: '\x00'"),
        (
            read_schedules,
            {"k" * 256: SCHEDULE},
            f"invalid key of a backup schedule: '{'k' * 60}'",
        ),
    ],
)
def test_other_answers_are_refused(read: Any, answer: Any, said: str) -> None:
    """The error for any other answer says what it is instead."""
    with pytest.raises(InputError) as refused:
        read(answer)
    assert str(refused.value) == said


def test_deeply_nested_answer_is_refused() -> None:
    """An answer that cannot be serialized is refused."""
    deep: Any = {}
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="nested too deeply"):
        appliance_facts.read_version({"version": "9", "new": deep})
