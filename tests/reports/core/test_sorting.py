from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.columns import Column, Kind
from archive.errors import UsageError
from archive.reports.core.sorting import check, ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = (Column("name"), Column("jobs"))
ROWS: list[tuple[Any, ...]] = [("b", 2), ("a", None), ("c", 1), ("d", 2)]


@pytest.mark.parametrize(
    ("sort", "top", "names"),
    [
        (None, None, "bacd"),
        (None, 2, "ba"),
        ("name", None, "abcd"),
        ("-name", 3, "dcb"),
        ("jobs", None, "cbda"),
        ("-jobs", None, "bdca"),
        ("jobs", 2, "cb"),
        ("-jobs", 9, "bdca"),
    ],
)
def test_order(sort: str | None, top: int | None, names: str) -> None:
    """Equal rows keep the report's order, and what has no value comes last either way."""
    assert "".join(row[0] for row in ordered(COLUMNS, iter(ROWS), sort, top)) == names


def test_series_have_no_order() -> None:
    """It is said before a row is read."""
    with pytest.raises(UsageError, match='cannot sort by "trend"'):
        check((*COLUMNS, Column("trend", Kind.SERIES)), "-trend")


def test_unknown_columns_are_refused_at_once() -> None:
    """A column that is not there is answered with those that are, before a row is read."""
    with pytest.raises(UsageError) as refused:
        ordered(COLUMNS, iter(ROWS), "-job", None)
    assert str(refused.value) == ('unknown column "job" (did you mean "jobs"?)')


def test_no_more_is_read_than_is_wanted() -> None:
    """Without an order the first rows are all that is read."""

    def endless() -> Iterator[tuple[Any, ...]]:
        while True:
            yield ("a", 1)

    assert len(list(ordered(COLUMNS, endless(), None, 3))) == 3


@given(
    st.lists(st.none() | st.integers(-3, 3)),
    st.sampled_from(["jobs", "-jobs"]),
    st.none() | st.integers(1, 9),
)
def test_the_top_is_the_beginning_of_the_whole(
    values: list[int | None], sort: str, top: int | None
) -> None:
    """However many are wanted, they are the first of all in order."""
    rows = [(str(place), value) for place, value in enumerate(values)]
    known = [row for row in rows if row[1] is not None]
    sign = -1 if sort[0] == "-" else 1
    known.sort(key=lambda row: sign * (row[1] or 0))
    expected = known + [row for row in rows if row[1] is None]
    assert list(ordered(COLUMNS, rows, sort, top)) == expected[:top]
