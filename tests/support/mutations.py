"""Documents changed at random: their structure, and their text."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.support.samples import SAMPLES

if TYPE_CHECKING:
    from random import Random

_TEXTS = [
    "", "x", "0", "5", "-1", "1e3", "true", "null", "NaN", "ä", "\U0001f600", "\0", "\ud83d", "\udc00x",
    "\x1b[2J", "\u202e", "ftp://u:Zq7x@nas/x", "password=Zq7x", "x" * 300, "SUCCEEDED", "RUNNING",
    "2026-07-23T02:15:00Z", "2026-07-23T02:15:00.0000001Z", "2026-07-23 02:15:00+0200", "2026-07-23",
    "/Date(1784772900041)/", "9999-12-31T23:59:59-00:01", "20260301-021500-1", "a\nb", '"', "\\u0000",
]  # fmt: skip
_VALUES: list[Any] = [None, True, False, 0, -1, 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 0.1, 1.0, -0.0, 1e308, 1e-320, [], {}, [None], {"": 0}, [[[]]]]  # fmt: skip
# Written as they are: JSON that Python would not write.
_RAW = ["1E400", "-0", "1.0e0", "0.1000", "12345678901234567890.5", "NaN", "Infinity", "9" * 5000]
_NAMES = ["new", "zone", "Status", "status ", "id", "key", "value", "params", "l", "d", "dt", "s", "", "ä", "\ud800", "\0", "messages", "error", "info", "build"]  # fmt: skip
_MARK = "\x02raw"


def mutated(random: Random) -> str:
    """Return the JSON text of a sample with some changes of its structure, or without any."""
    info = deepcopy(random.choice(list(SAMPLES.values())))
    for _ in range(random.choice([0, 1, 1, 1, 2, 3, 6])):
        _change(random, info)
    text = json.dumps(info, ensure_ascii=random.random() < 0.9)
    for raw in _RAW:
        text = text.replace(json.dumps(f"{_MARK}{raw}"), raw)
    if random.random() < 0.1:
        text = _with_repeated_member(random, text)
    return text.encode("utf-8", "replace").decode()


def damaged(random: Random, text: str) -> bytes:
    """Return a text with some bytes changed, so that it need not be JSON. It stays one line."""
    data = bytearray(text.encode())
    for _ in range(random.choice([1, 1, 2, 5])):
        place = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[place] = random.randrange(256)
            case 1:
                data.insert(place, random.choice(b'{}[],:"\\0aeEuU-+.\xff\xc3\x80'))
            case 2:
                del data[place : place + random.choice([1, 1, 10])]
            case _:
                del data[place:]
        if not data:
            data += b"{"
    return bytes(data).replace(b"\n", b" ").replace(b"\r", b" ")


def _places(value: Any) -> list[Any]:
    """Return all containers within a value."""
    found = [value]
    for holder in found:  # grows while it is read
        below = holder.values() if isinstance(holder, dict) else holder
        found += [each for each in below if isinstance(each, dict | list)]
    return found


def _change(random: Random, info: dict[str, Any]) -> None:
    holder = random.choice(_places(info))
    if not holder or random.random() < 0.15:
        if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = _value(random, info)
        else:
            holder.append(_value(random, info))
        return
    key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = holder.pop(key)
        case 2 if isinstance(holder, dict):  # another order
            holder[key] = holder.pop(key)
        case 3 if isinstance(holder[key], dict):  # as `/rest` writes maps
            holder[key] = [{"key": name, "value": each} for name, each in holder[key].items()]
        case _:
            holder[key] = _value(random, info)


def _value(random: Random, info: dict[str, Any]) -> Any:
    match random.randrange(5):
        case 0:
            return deepcopy(random.choice(_VALUES))
        case 1:
            return deepcopy(random.choice(_places(info)))
        case 2:
            return f"{_MARK}{random.choice(_RAW)}"
        case _:
            return random.choice(_TEXTS)


def _with_repeated_member(random: Random, text: str) -> str:
    """Return an object with one member more at the start of some object within it."""
    starts = [place for place, each in enumerate(text) if each == "{" and text[place + 1] == '"']
    if not starts:
        return text
    place = random.choice(starts) + 1
    name = text[place : text.index('"', place + 1) + 1]
    return f"{text[:place]}{name}: {random.choice(['1', 'null', '[]'])}, {text[place:]}"
