"""A row of the report `summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from archive.columns import Kind


class SummaryRow(NamedTuple):
    """A figure, or something named in a list; `kind` says what the values are (see `columns.Kind`).

    `before` is that of the days before, and `change` what has been added since; NULL where there is
    none. `trend` is how the figure went over the days, up to now; see `trend.Course`. `problem`
    says that the row counts something wrong, and that there is some. In a list `name` is an appliance.
    """

    section: str
    name: str
    kind: Kind
    value: float | None
    before: float | None = None
    change: float | None = None
    trend: tuple[float | None, ...] | None = None
    detail: str | None = None
    problem: bool = False


def row(
    section: str,
    name: str,
    kind: Kind,
    value: float | None,
    before: float | None,
    *,
    trend: tuple[float | None, ...] | None = None,
    detail: str | None = None,
) -> SummaryRow:
    """Return a row with what its figure was before, None if it is not known."""
    change = None if value is None or before is None else value - before
    went = None if value is None else trend
    return SummaryRow(section, name, kind, value, before, change, went, detail)
