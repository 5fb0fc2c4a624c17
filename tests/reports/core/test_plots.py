from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import db, reports
from archive.charts import Ahead, Bar, BarFigure, Bars, Chart, Forecast, LineFigure, Lines
from archive.columns import Column, Kind
from archive.errors import UsageError
from archive.reports import REPORTS, Scope
from archive.reports.core import plots
from tests.reports import fleet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Engine

    from archive.charts import Figure

PLAIN = (Column("period"), Column("size_bytes", Kind.BYTES), Column("success_rate", Kind.RATIO))
GROUPED = (Column("period"), Column("appliance"), Column("jobs", Kind.COUNT))
LISTED = (Column("message_id"), Column("group"), Column("jobs", Kind.COUNT), Column("usual"))
AHEAD = (Column("appliance"), Column("size_bytes", Kind.BYTES), Column("m"), Column("l"), Column("h"))  # fmt: skip
JANUARY, FEBRUARY, MARCH = (date(2020, month, 1).toordinal() for month in (1, 2, 3))


def drawn(
    chart: Chart, columns: tuple[Column, ...], rows: Iterable[tuple[Any, ...]], **scope: Any
) -> plots.Drawing:
    return plots.drawing([chart], Scope(**scope), columns, rows)


def points(figure: Figure) -> dict[str, list[tuple[float, ...]]]:
    """Return the points of each line."""
    assert isinstance(figure, LineFigure)
    return {line.name: [tuple(point) for point in line.points] for line in figure.lines}


def test_line_breaks_at_a_missing_period() -> None:
    """NULL is no point, and neither is a missing period; the line starts again after it."""
    rows = [("2020-01", 5, None), ("2020-02", None, None), ("2020-03", 0, None), ("2020-04", 1, None)]  # fmt: skip
    (figure,), notes = drawn(Lines(("size_bytes",)), PLAIN, rows)
    assert isinstance(figure, LineFigure)
    assert (figure.title, figure.kind, notes) == ("size", Kind.BYTES, [])
    assert figure.ticks[:3] == ((JANUARY, "2020-01"), (FEBRUARY, "2020-02"), (MARCH, "2020-03"))
    assert points(figure) == {
        "size": [(JANUARY, 5, False), (MARCH, 0, False), (MARCH + 31, 1, True)]
    }
    (figure,), _ = drawn(Lines(("size_bytes",)), PLAIN, [rows[0], rows[2]])
    assert points(figure) == {"size": [(JANUARY, 5, False), (MARCH, 0, False)]}


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("day", ["2020-02-28", "2020-02-29", "2020-03-01"]),
        ("week", ["2020-W52", "2020-W53", "2021-W01"]),
        ("quarter", ["2020-Q4", "2021-Q1"]),
        ("year", ["2020", "2021"]),
    ],
)
def test_periods_of_each_length_are_consecutive(period: str, labels: list[str]) -> None:
    """Leap days and the 53rd week are no gaps."""
    (figure,), _ = drawn(
        Lines(("size_bytes",)), PLAIN, [(label, 1, None) for label in labels], period=period
    )
    assert [follows for _, _, follows in points(figure)["size"]] == [False, *[True] * (len(labels) - 1)]  # fmt: skip


def test_time_goes_from_left_to_right() -> None:
    """Rows in another order give the same line."""
    rows = [("2020-02", 2, None), ("2020-01", 1, None)]
    (figure,), _ = drawn(Lines(("size_bytes",)), PLAIN, rows)
    assert points(figure) == {"size": [(JANUARY, 1, False), (FEBRUARY, 2, True)]}


def test_many_groups() -> None:
    """The first groups in the order of rows are lines; the others are named, if there is room."""
    names = ["z", None, *(f"vc{number:02}" for number in range(18))]
    rows = [("2020-01", name, 1) for name in names] + [("2020-02", "vc00", None)]
    (figure,), notes = drawn(Lines(("jobs",)), GROUPED, rows, by="appliance")
    assert list(points(figure)) == ["z", "-", "vc00", "vc01", "vc02", "vc03"]
    (note,) = notes
    assert note == (
        "The chart shows the first 6 of 20 lines, without vc04, vc05, vc06, vc07, vc08, vc09, vc10,"
        " vc11, vc12, vc13 and 4 more. Use filters or --sort to show others."
    )


def test_groups_without_values_are_named() -> None:
    """A group without any value takes no line from another, and is mentioned in a note."""
    rows = [("2020-01", "a", None), ("2020-01", "-", 1), ("2020-01", None, 2), ("2020-02", "-", None)]  # fmt: skip
    (figure,), notes = drawn(Lines(("jobs",)), GROUPED, rows, by="appliance")
    assert isinstance(figure, LineFigure)
    assert [(line.name, line.points[0].value) for line in figure.lines] == [("-", 1), ("-", 2)]
    assert notes == ["No line for a: no jobs."]


def test_several_columns_are_lines_unless_there_are_groups() -> None:
    """With groups there is room for only one column."""
    chart = Lines(("jobs", "other"))
    columns = (*GROUPED, Column("other", Kind.COUNT))
    (figure,), _ = drawn(chart, columns, [("2020-01", None, 1, 2)])
    assert points(figure) == {"jobs": [(JANUARY, 1, False)], "other": [(JANUARY, 2, False)]}
    (figure,), _ = drawn(chart, columns, [("2020-01", "a", 1, 2)], by="appliance")
    assert (figure.title, list(points(figure))) == ("jobs", ["a"])


def test_nothing_is_drawn_without_values() -> None:
    """If all values are NULL a note says so; if there are no rows, the report's own notes do."""
    assert drawn(Lines(("success_rate",)), PLAIN, [("2020-01", 1, None)]) == (
        [],
        ["No chart of success rate: there are no values."],
    )
    for chart, columns in ((Lines(("success_rate",)), PLAIN), (Bars(("group",), ("jobs",)), LISTED)):  # fmt: skip
        assert drawn(chart, columns, []) == ([], [])


def test_bars() -> None:
    """A row is a bar, labelled with its available names; the first rows are drawn."""
    chart = Bars(("message_id", "group"), ("jobs",), "usual")
    rows = [("full", None, 3, 4), (None, None, None, None), (None, "nas", 1, 1)]
    assert drawn(chart, LISTED, rows) == (
        [
            BarFigure(
                "jobs", Kind.COUNT, ("jobs",), "usual",
                (Bar("full", (3,), 4), Bar("-", (None,), None), Bar("-, nas", (1,), 1)),
            )
        ],
        [],
    )  # fmt: skip
    (figure,), notes = drawn(chart, LISTED, rows * 400)
    assert isinstance(figure, BarFigure)
    assert len(figure.bars) == 20
    assert notes == [
        "The chart shows the first 20 of 1,200 rows. Use filters or --sort to show others."
    ]


def test_forecasts() -> None:
    """The fleet, or a single row, has its range; several rows are lines."""
    chart = Ahead("appliance", "size_bytes", (Forecast(30, "m", "l", "h"),))
    one, other, whole = ("a", 5, 6, 5, 7), ("b", 1, None, None, None), (None, 6, 7, 6, 8)
    (figure,), notes = drawn(chart, AHEAD, [one, other, whole])
    assert isinstance(figure, LineFigure)
    assert figure.ticks == ((0, "now"), (30, "in 30 d"))
    assert points(figure) == {
        "all together": [(0, 6, False), (30, 7, True)],
        "low": [(0, 6, False), (30, 6, True)],
        "high": [(0, 6, False), (30, 8, True)],
    }
    assert notes == [
        "The chart shows all appliances together. Use --top to show the first ones separately."
    ]
    (figure,), notes = drawn(chart, AHEAD, [one, other])
    assert points(figure) == {"a": [(0, 5, False), (30, 6, True)], "b": [(0, 1, False)]}
    assert notes == []
    (figure,), _ = drawn(chart, AHEAD, [one])
    assert list(points(figure)) == ["a", "low", "high"]
    (figure,), _ = drawn(chart, AHEAD, [other])
    assert list(points(figure)) == ["b"]
    (figure,), notes = drawn(chart, AHEAD, [one] * 7)
    assert notes == ["The chart shows the first 6 of 7 rows."]
    assert drawn(chart, AHEAD, []) == ([], [])


def test_reports_with_a_plot() -> None:
    """Other reports, and missing groups, are refused with the valid choices."""
    names = [name for name, report in REPORTS.items() if plots.ways(report)]
    assert names == [
        "trends", "success", "volume", "sizes", "durations", "throughput", "missed", "rpo",
        "streaks", "failures", "growth",
    ]  # fmt: skip
    with pytest.raises(UsageError) as refused:
        plots.charts(REPORTS["stuck"], Scope(), REPORTS.values())
    assert str(refused.value) == (
        f'report "stuck" does not support --plot (supported by: {", ".join(names)})'
    )
    with pytest.raises(
        UsageError, match='report "missed" supports --plot only with --by appliance'
    ):
        plots.charts(REPORTS["missed"], Scope(), REPORTS.values())
    with pytest.raises(UsageError, match="--plot does not support --compare"):
        plots.charts(REPORTS["trends"], Scope(compare=True), REPORTS.values())


def test_charts_use_existing_columns(engines: list[Engine]) -> None:
    """In any grouping the plot can be drawn, and is the same on both databases."""
    for engine in engines:
        fleet.load(engine)
    for report in REPORTS.values():
        for by in plots.ways(report):
            scope = Scope(by=by, now="2026-04-10T00:00:00.000000Z")
            found = []
            for engine in engines:
                with db.reading(engine) as connection:
                    rows = report.cells_of(scope, reports.run(connection, report.name, scope))
                    charts = report.charts_of(scope)
                    found.append(plots.drawing(charts, scope, report.columns_of(scope), rows))
            assert found[0] == found[1]
            assert found[0].figures


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 9)), unique_by=lambda one: one[0]))  # fmt: skip
def test_lines_have_every_value(cells: list[tuple[int, int | None]]) -> None:
    """Every value is a point, connected to the previous one exactly if the month before has one."""
    rows = [(f"{2020 + month // 12}-{month % 12 + 1:02}", value, None) for month, value in cells]
    found, _ = drawn(Lines(("size_bytes",)), PLAIN, rows)
    values = {month: value for month, value in cells if value is not None}
    drawn_points = [point for figure in found for point in points(figure)["size"]]
    assert [(value, follows) for _, value, follows in drawn_points] == [
        (values[month], month - 1 in values) for month in sorted(values)
    ]
