from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archive.vcenter.certificate import Certificate

NOW = datetime(2026, 7, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], ""),
        (["vc01"], "vc01"),
        (["a", "b", "c", "d", "e"], "a, b, c, d, e"),
        ([f"vc{number:02}" for number in range(40)], "vc00, vc01, vc02, vc03, vc04 and 35 more"),
    ],
)
def test_many_names_are_counted(names: list[str], shown: str) -> None:
    """A certificate of a load balancer must not fill the terminal."""
    assert Certificate("s", "i", tuple(names), NOW, NOW, b"").for_names() == shown
