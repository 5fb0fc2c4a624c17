"""A row of the report `summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from archive.columns import Kind


class SummaryRow(NamedTuple):
    """A figure, or an entry of a list; `kind` is the kind of its values (see `columns.Kind`).

    In a list, `name` is an appliance. `before` is the value in the period before, `change` the
    difference; NULL without one. `trend` holds the values over the days up to now (see `core.trend`).
    `problem` marks a row that counts problems, if there are any.

    Values are in the base unit of their kind: bytes, seconds, numbers, or ratios from 0 to 1.
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
    """Return a row with its value before and the change; `before` is None if it is unknown."""
    change = None if value is None or before is None else value - before
    shown = None if value is None else trend
    return SummaryRow(section, name, kind, value, before, change, shown, detail)
