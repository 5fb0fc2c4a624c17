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
    """Equal rows keep the report's order, and NULL comes last in both directions."""
    assert "".join(row[0] for row in ordered(COLUMNS, iter(ROWS), sort, top)) == names


def test_trends_cannot_be_sorted_by() -> None:
    """The error comes before a row is read."""
    with pytest.raises(UsageError, match='cannot sort by "trend"'):
        check((*COLUMNS, Column("trend", Kind.SERIES)), "-trend")


def test_unknown_columns_are_refused_at_once() -> None:
    """The error lists the columns, before a row is read."""
    with pytest.raises(UsageError) as refused:
        ordered(COLUMNS, iter(ROWS), "-job", None)
    assert str(refused.value) == ('unknown column "job" (did you mean "jobs"?)')


def test_only_requested_rows_are_read() -> None:
    """Without sorting only the first rows are read."""

    def endless() -> Iterator[tuple[Any, ...]]:
        while True:
            yield ("a", 1)

    assert len(list(ordered(COLUMNS, endless(), None, 3))) == 3


@given(
    st.lists(st.none() | st.integers(-3, 3)),
    st.sampled_from(["jobs", "-jobs"]),
    st.none() | st.integers(1, 9),
)
def test_top_is_the_beginning_of_the_sorted_rows(
    values: list[int | None], sort: str, top: int | None
) -> None:
    """Any number of top rows are the first of all sorted rows."""
    rows = [(str(place), value) for place, value in enumerate(values)]
    known = [row for row in rows if row[1] is not None]
    sign = -1 if sort[0] == "-" else 1
    known.sort(key=lambda row: sign * (row[1] or 0))
    expected = known + [row for row in rows if row[1] is None]
    assert list(ordered(COLUMNS, rows, sort, top)) == expected[:top]
