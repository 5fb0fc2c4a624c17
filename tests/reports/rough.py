"""A fleet whose jobs break every pattern, unlike those of the demonstration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from tests.laws.recomputed.compared import Answer
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTIL = datetime(2025, 6, 20, 2, 20, tzinfo=UTC)
DAYS = 130
_DAY = timedelta(days=1)
_COLLECTED = tuple(UNTIL - days * _DAY for days in (62, 31, 30, 0))


class _Habit(NamedTuple):
    """Every so many days at these minutes of the day, roughly; its last import was `until` days ago."""

    every: int
    minutes: tuple[int, ...]
    jitter: int = 20
    type: str = "SCHEDULED"
    not_reporting: int = 0
    first: int = 0
    kept: float = 0.85
    weekdays: tuple[int, ...] = tuple(range(7))


_HABITS = {
    "daily": _Habit(1, (23 * 60 + 40,), 60),
    "early": _Habit(1, (5,), 40),
    "few": _Habit(30, (600,)),
    "manual": _Habit(1, (720,), 700, "MANUAL", kept=0.3),
    "monthly": _Habit(40, (180,), kept=1.0),
    "new": _Habit(1, (200,), first=120),
    "quiet": _Habit(1, (90,), not_reporting=30),
    "second": _Habit(2, (130,)),
    "third": _Habit(3, (1430,), 120),
    "twice": _Habit(1, (120, 840), 200),
    "weekdays": _Habit(1, (90,), weekdays=(0, 1, 2, 3, 4)),
    "weekly": _Habit(7, (1300,), 1500),
}


NAMES = tuple(_HABITS)


def answers(seed: int) -> Iterator[Answer]:
    """Yield the answers of the fleet, in order of time; the same for a seed."""
    made = {name: list(_jobs(Random(f"{seed} {name}"), habit)) for name, habit in _HABITS.items()}  # noqa: S311 - made up
    for at in _COLLECTED:
        for name, habit in _HABITS.items():
            answer = {key: info for created, key, info in made[name] if created <= at}
            if answer and at <= UNTIL - habit.not_reporting * _DAY:
                yield Answer(name, timestamps.from_datetime(at), answer)


def _jobs(chance: Random, habit: _Habit) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    number = 0
    midnight = (UNTIL - DAYS * _DAY).replace(hour=0, minute=0)
    for day in range(habit.first, DAYS + 1, habit.every):
        if (midnight + day * _DAY).weekday() not in habit.weekdays:
            continue
        for minute in habit.minutes:
            overdue = minute + chance.randint(-habit.jitter, habit.jitter)
            at = midnight + day * _DAY + timedelta(minutes=overdue)
            while chance.random() < habit.kept and at <= UNTIL:
                number += 1
                stamp = at - timedelta(seconds=chance.randint(0, 90))
                odd = chance.random() < 0.03
                key = f"odd-{number}" if odd else f"{stamp:%Y%m%d-%H%M%S}-{number}"
                yield stamp, key, _info(chance, at, habit.type)
                if chance.random() < 0.75:
                    break
                at += timedelta(minutes=chance.choice((0, 10, 300, 900)))


def _info(chance: Random, at: datetime, kind: str) -> dict[str, Any]:
    status = chance.choices(
        ("SUCCEEDED", "FAILED", "RUNNING", "PENDING", "BLOCKED"), (70, 22, 3, 3, 2)
    )[0]
    info = job(status, type=kind if chance.random() < 0.9 else "MANUAL")
    info["start_time"] = _instant(at)
    if status in ("SUCCEEDED", "FAILED"):
        seconds = chance.choice((60, 900, 4000, 4000, 100_000, -30))
        info |= {"end_time": _instant(at + timedelta(seconds=seconds)), "duration": max(seconds, 0)}
        info["size"] = chance.choice((0, 1024, 10**12))
    for name in ("start_time", "end_time", "duration", "size"):
        if chance.random() < 0.06:
            info.pop(name, None)
    if status == "FAILED":
        info["messages"] = _messages(chance)
        error = {"messages": _messages(chance), "error_type": "ERROR"}
        wrapped = {"type": "com.vmware.vapi.std.errors.error", "value": error}
        chosen = chance.choice((None, {}, error, wrapped))
        info |= {} if chosen is None else {"error": chosen}
    if chance.random() < 0.5:
        build = chance.choice("12")
        info["build"] = {"build_number": build, "version": "8.0.3", "version_name": "8.0"}
    return info


def _messages(chance: Random) -> list[dict[str, Any]]:
    found = []
    for _ in range(chance.choice((0, 1, 1, 2))):
        name, value = chance.choice("abcd"), chance.choice(("x", "y"))
        message: dict[str, Any] = {"id": name, "default_message": f"{name} {value}", "args": []}
        if name in "ab":
            message["args"] = [value] * chance.randint(1, 2)
        if name in "bc":
            message["params"] = {"part": {"s": value}, "number": {"i": chance.randint(1, 2)}}
        found.append(message)
    return found


def _instant(at: datetime) -> str:
    return timestamps.document_form(timestamps.from_datetime(at))
