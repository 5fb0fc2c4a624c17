from __future__ import annotations

import pytest

from archive.suggestions import did_you_mean, suggestion

KNOWN = ("jobs", "size", "sized")


@pytest.mark.parametrize(
    ("name", "most", "said"),
    [
        ("job", 1, ' (did you mean "jobs"?)'),
        ("sizes", 1, ' (did you mean "size"?)'),
        ("sizes", 2, ' (did you mean "size" or "sized"?)'),
        ("zzz", 1, ""),
    ],
)
def test_similar_names_are_suggested(name: str, most: int, said: str) -> None:
    """The most similar name comes first."""
    assert did_you_mean(name, KNOWN, most) == said


def test_known_names_are_listed_if_none_is_similar() -> None:
    """A long list is cut off; an empty one gives no suggestion."""
    assert suggestion("job", KNOWN) == ' (did you mean "jobs"?)'
    assert suggestion("zzz", KNOWN) == " (known: jobs, size, sized)"
    assert suggestion("zzz", map(str, range(21))).endswith(" 18, 19, ...)")
    assert suggestion("zzz", ()) == ""
