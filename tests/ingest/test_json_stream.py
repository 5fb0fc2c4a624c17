from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import json_numbers
from archive.errors import InputError
from archive.ingest import json_stream
from archive.ingest.json_stream import JsonText, Unreadable
from tests.support.strategies import JSON


class Drops(io.BytesIO):
    """A stream that returns only a few bytes at a time, whatever is requested."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, _size: int | None = -1) -> bytes:
        """Return a few of the next bytes."""
        return super().read(self._size)


def cursor(data: bytes | str, size: int = 1 << 18, encoding: str = "utf-8") -> JsonText:
    return JsonText(Drops(data if isinstance(data, bytes) else data.encode(), size), encoding)


def entries(text: JsonText) -> list[tuple[Any, str]]:
    """Return the entries of a list."""
    text.expect("[")
    found = [text.value()]
    while text.take(","):
        found.append(text.value())
    text.expect("]")
    return found


@given(st.lists(JSON, min_size=1, max_size=4), st.integers(1, 9), st.sampled_from([None, 1, 7]))
def test_any_chunk_size_reads_the_same(values: list[Any], size: int, drop: int | None) -> None:
    """However the bytes arrive, the same values are read, each with its text."""
    parts = [json.dumps(value, indent=drop, ensure_ascii=drop is None) for value in values]
    with pytest.MonkeyPatch.context() as patch:
        if drop:  # parsed text is dropped at every opportunity
            patch.setattr(json_stream, "_CHUNK", drop)
        text = cursor(" [" + " ,\r\n\t".join(parts) + "] ", size)
        found = entries(text)
    assert [part for _, part in found] == parts
    assert [value for value, _ in found] == [json_numbers.loads(part) for part in parts]
    assert text.peek() == ""


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_numbers_are_not_cut(size: int) -> None:
    """A number is read to its end, even across the end of a chunk."""
    text = "[-1.5,2.25e+3,-0.5E-1,1e5,-17,1234567890123]"
    assert [value for value, _ in entries(cursor(text, size))] == json.loads(text)
    assert cursor("-1.5e+3", size).value() == (-1500.0, "-1.5e+3")


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "unsupported number"),
        ('{"a": [-Infinity], "b": "}]\\""}', "unsupported number"),
        ("[" * 11_000 + "]" * 11_000, "nested too deeply"),
        ('{"a": ' * 11_000 + "1" + "}" * 11_000, "nested too deeply"),
        ('{"a": 1e99999999999999999999}', "unsupported number"),
        ("1" * 5000, "unsupported number"),
    ],
)
def test_values_that_cannot_be_represented_are_skipped(value: str, reason: str, size: int) -> None:
    """A value that cannot be represented is separated from its neighbours, with its text."""
    (_, before), (found, text), (_, after) = entries(cursor(f'["x",{value},"]"]', size))
    assert isinstance(found, Unreadable)
    assert reason in found.reason
    assert (before, text, after) == ('"x"', value, '"]"')
    assert cursor(value, size).value() == (found, value)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "cut off: the JSON ends early, at character 1"),
        ('[{"a": "b', "cut off: the JSON ends early, at character 7"),
        ('[{"a": tru', "cut off: the JSON ends early, at character 7"),
        ('["a"', "cut off: the JSON ends early, at character 4"),
        ("[[NaN", "cut off: the JSON ends early, at character 5"),
        ('[[NaN, "]', "cut off: the JSON ends early, at character 7"),
        ("x", "invalid JSON: missing '[' at character 0"),
        ('["a" "b"]' + " " * 100, "invalid JSON: missing ']' at character 5"),
        ('[{"a" 1}]' + " " * 100, "invalid JSON: Expecting ':' delimiter at character 6"),
        ("[x]" + " " * 100, "invalid JSON: Expecting value at character 1"),
    ],
)
def test_invalid_json_has_a_position(text: str, reason: str, size: int) -> None:
    """Text that ends early, or is not JSON, is refused with the position."""
    with pytest.raises(InputError, match="^" + re.escape(reason)):
        entries(cursor(text, size))


def test_positions_count_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A position is that in the whole text, even when most of it has been dropped."""
    monkeypatch.setattr(json_stream, "_CHUNK", 10)
    text = "[" + '"abcdefgh",' * 100 + "x" + " " * 100
    with pytest.raises(InputError, match=r"at character 1,101$"):
        entries(cursor(text))


@given(st.binary(max_size=20), st.integers(1, 3))
def test_bytes_that_are_not_text_are_returned(data: bytes, size: int) -> None:
    """The original bytes of a value are available, whether they were UTF-8 or not."""
    content = data.translate(None, delete=b'"\\' + bytes(range(32)))
    text = cursor(b'["' + content + b'"]', size)
    text.expect("[")
    _, found = text.value()
    assert json_stream.encode(found) == b'"' + content + b'"'
    try:
        content.decode()
    except UnicodeDecodeError:
        assert not json_stream.is_utf8(found)
    else:
        assert json_stream.is_utf8(found)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_encoding_is_detected_from_the_first_bytes(encoding: str, size: int) -> None:
    """Every encoding of Unicode is read, with and without a byte order mark."""
    data = '["ä", "\U0001f600"]'.encode(encoding)
    text = cursor(data, size, json_stream.sniff_encoding(data))
    assert [value for value, _ in entries(text)] == ["ä", "\U0001f600"]


def test_invalid_utf_16_is_refused() -> None:
    """If bytes of a wide encoding cannot be kept as text, the whole input is refused."""
    with pytest.raises(InputError, match="not valid utf-16"):
        entries(cursor('["a"]'.encode("utf-16") + b"x", encoding="utf-16"))
