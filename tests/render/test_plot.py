from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.charts import Bar, BarFigure, Line, LineFigure, Point
from archive.columns import Kind
from archive.errors import ArchiveError
from archive.render import plot, scale

if TYPE_CHECKING:
    from archive.charts import Figure

TICKS = ((0, "2026-01"), (31, "2026-02"), (59, "2026-03"), (90, "2026-04"))
MIB = 2**20
# February has no value, so there is no line to March.
GAP = LineFigure(
    "size total",
    Kind.BYTES,
    TICKS,
    (Line("size total", (Point(0, 5 * MIB, False), Point(59, MIB, False), Point(90, 9 * MIB, True))),),  # noqa: FBT003 - whether it follows
)  # fmt: skip
BARS = BarFigure(
    "failed, did not run",
    Kind.COUNT,
    ("failed", "did not run"),
    "expected",
    (Bar("vc01", (10, 5), 20), Bar("büro", (None, None), None), Bar("vc03", (0, 1), 8)),
)


class Terminal(io.StringIO):
    """A text stream that pretends to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a colour terminal of 40 by 12."""
    for name, value in {"COLUMNS": "40", "LINES": "12", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def plain(*figures: Figure, ascii_only: bool = False) -> str:
    out = io.StringIO()
    plot.write(figures, out, ascii_only=ascii_only)
    return out.getvalue()


def test_missing_period_is_a_gap(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only consecutive periods are connected; the axis has readable units."""
    monkeypatch.setenv("NO_COLOR", "1")
    plot.write([GAP], terminal)
    assert terminal.getvalue() == (
        "size total\n"
        "10 MiB┤\n"
        "      │                             ⢀⠤⠊●\n"
        "      │                           ⡠⠒⠁\n"
        " 5 MiB┤●                       ⡠⠔⠉\n"
        "      │                     ●⠔⠊\n"
        "   0 B┤\n"
        "      └┬────────────────────┬───────────\n"
        "       2026-01           2026-03\n"
    )


def test_width_without_a_terminal_is_80() -> None:
    """A pipe and a file get 80 columns, whatever COLUMNS says, and no colours."""
    shown = plain(GAP)
    assert max(map(len, shown.splitlines())) == 80
    assert "\x1b" not in shown


def test_ascii() -> None:
    """With only ASCII all lines can still be distinguished."""
    shown = plain(BARS, ascii_only=True)
    assert shown == (
        "failed, did not run\n"
        "vc01     15 |#################################=================                |\n"
        "b\\xfcro   - |\n"
        "vc03      1 |====                      |\n"
        "            ++----------------+---------------+---------------+----------------+\n"
        "             0                5               10              15              20\n"
        "# failed  = did not run\n"
        "| expected\n"
    )
    assert plain(GAP, ascii_only=True).isascii()


def test_bars(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a bar are end to end, followed by their sum; NULL is not 0."""
    monkeypatch.setenv("NO_COLOR", "1")
    plot.write([BARS], terminal)
    assert terminal.getvalue() == (
        "failed, did not run\n"
        "vc01  15 │███████████████▒▒▒▒▒▒▒▒      ┃\n"
        "büro   - │\n"
        "vc03   1 │▒▒          ┃\n"
        "         └┬──────────────┬─────────────┬\n"
        "          0              10           20\n"
        "█ failed  ▒ did not run\n"
        "┃ expected\n"
    )


def test_one_bar(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plot of a single bar, even of length 0, is drawn like any other."""
    monkeypatch.setenv("NO_COLOR", "1")
    plot.write([BarFigure("age", Kind.SECONDS, ("age",), None, (Bar("a", (90,), None),))], terminal)
    plot.write([BarFigure("jobs", Kind.COUNT, ("jobs",), None, (Bar("-", (0,), None),))], terminal)
    assert terminal.getvalue() == (
        "age\n"
        "a  1 m 30 s │████████████████████\n"
        "            └┬────────────┬────────────┬\n"
        "             0 s         1 m         2 m\n"
        "jobs\n"
        "-  0 │\n"
        "     └┬────────────────────────────────┬\n"
        "      0                                1\n"
    )


def test_one_period(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single value is a point."""
    monkeypatch.setenv("NO_COLOR", "1")
    one = Line("rate", (Point(0, 0.75, follows=False),))
    plot.write([LineFigure("rate", Kind.RATIO, TICKS[:1], (one,))], terminal)
    assert terminal.getvalue() == (
        "rate\n"
        "75 %┤                 ●\n"
        "    │\n"
        "    │\n"
        "    │\n"
        "    │\n"
        "70 %┤\n"
        "    └─────────────────┬─────────────────\n"
        "                   2026-01\n"
    )


def test_many_lines_have_a_legend(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line has its own mark, which the legend names; plots are below one another."""
    monkeypatch.setenv("NO_COLOR", "1")
    lines = [
        Line(f"vc0{place}.example.com", (Point(0, place, follows=False), Point(59, place, follows=True)))
        for place in range(1, 7)
    ]  # fmt: skip
    plot.write([LineFigure("jobs", Kind.COUNT, TICKS, tuple(lines))] * 2, terminal)
    assert terminal.getvalue() == (
        "jobs\n"
        "10┤\n"
        "  │\n"
        "  │△⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤△\n"
        " 5┤○⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛○\n"
        "  │▲⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒▲\n"
        " 0┤\n"
        "  └┬───────────────────────┬────────────\n"
        "   2026-01              2026-03\n"
        "● vc01.example.com  ▲ vc02.example.com\n"
        "■ vc03.example.com  ◆ vc04.example.com\n"
        "○ vc05.example.com  △ vc06.example.com\n"
        "\n"
        "jobs\n"
        "10┤\n"
        "  │\n"
        "  │△⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤△\n"
        " 5┤○⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛⣛○\n"
        "  │▲⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒⣒▲\n"
        " 0┤\n"
        "  └┬───────────────────────┬────────────\n"
        "   2026-01              2026-03\n"
        "● vc01.example.com  ▲ vc02.example.com\n"
        "■ vc03.example.com  ◆ vc04.example.com\n"
        "○ vc05.example.com  △ vc06.example.com\n"
    )


def test_colours_of_the_terminal(terminal: Terminal) -> None:
    """The nearest colours of the terminal are used, in the drawing and in the legend alike."""
    plot.write([BARS], terminal)
    assert "\x1b[38;5;178m█" in terminal.getvalue()
    assert (
        "\x1b[38;5;178m█\x1b[0m failed  \x1b[38;5;74m▒\x1b[0m did not run\n" in terminal.getvalue()
    )


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_terminal_without_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """NO_COLOR and dumb terminals are respected."""
    monkeypatch.setenv(name, value)
    plot.write([GAP, BARS], terminal)
    assert "\x1b" not in terminal.getvalue()


@pytest.mark.parametrize("width", ["1", "10", "30", "33", "500"])
def test_any_width(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    """A narrow terminal gets lines that are too long rather than none; a wide one is filled."""
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("NO_COLOR", "1")
    plot.write([GAP, BARS], terminal)
    assert max(map(len, terminal.getvalue().splitlines())) == max(int(width), 30)
    assert "●" in terminal.getvalue()


def test_control_characters_in_names_are_escaped(terminal: Terminal) -> None:
    """Control characters and colour codes in names and titles are shown as escapes."""
    name = "a\x1b[31mb\r\n\x07[bold]:smile:\u202e"
    points = (Point(0, 1, follows=False),)
    lines = tuple(Line(name, points) for _ in range(2))
    plot.write([LineFigure(name, Kind.COUNT, TICKS[:1], lines)], terminal)
    plot.write([BarFigure("x", Kind.COUNT, (name, "y"), name, (Bar(name, (1, 1), 1),))], terminal)
    shown = terminal.getvalue()
    assert "\x1b[31m" not in shown
    assert shown.isascii() is False
    assert not set("\r\x07\u202e") & set(shown)
    assert "a\\x1b[31mb\\r\\n\\x07[bold]:smile:\\u202e" in shown


def test_long_and_wide_names_keep_bars_aligned() -> None:
    """Names are cut in the middle if bars would have no room; wide characters count twice."""
    names = ["com.vmware.appliance." + "x" * 60 + ".location_full", "東京", "a"]
    bars = tuple(Bar(name, (number,), None) for number, name in enumerate(names, 1))
    rows = plain(BarFigure("jobs", Kind.COUNT, ("jobs",), None, bars)).splitlines()[1:4]
    assert rows[0].startswith("com.vmware.appliance.xxxx")
    assert "...xxxx" in rows[0]
    assert "location_full" in rows[0]
    assert rows[1].index("│") == rows[0].index("│") - 2
    assert rows[2].index("│") == rows[0].index("│")


def test_library_without_a_binary_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that the library does not support, an error says so."""
    monkeypatch.setitem(sys.modules, "plotext", None)
    with pytest.raises(ArchiveError, match="cannot draw charts: plotext is not available: "):
        plain(GAP)


@pytest.mark.parametrize(
    ("kind", "least", "most", "names"),
    [
        (Kind.BYTES, 1, 3 * 2**30, ["0 B", "1 GiB", "2 GiB", "3 GiB"]),
        (Kind.BYTES, 0, 2**40, ["0 B", "512 GiB", "1 TiB"]),
        (Kind.RATE, 0, 100, ["0 B/s", "50 B/s", "100 B/s"]),
        (Kind.SECONDS, 60, 3600, ["0 s", "15 m", "30 m", "45 m", "1 h"]),
        (Kind.SECONDS, 0, 200 * 86400, ["0 s", "50 d", "100 d", "150 d", "200 d"]),
        (Kind.COUNT, 0, 1, ["0", "1"]),
        (Kind.COUNT, 0, 0, ["0", "1"]),
        (Kind.COUNT, -3, 4, ["-4", "-2", "0", "2", "4"]),
        (Kind.RATIO, 0.62, 0.99, ["60 %", "70 %", "80 %", "90 %", "100 %"]),
        (Kind.RATIO, 1.0, 1.0, ["94 %", "96 %", "98 %", "100 %"]),
        (Kind.RATIO, 0.0, 0.0, ["0 %", "2 %", "4 %", "6 %"]),
    ],
)
def test_axes_have_round_labels(kind: Kind, least: float, most: float, names: list[str]) -> None:
    """An axis has a few round labels: amounts start at 0, ratios where the data do."""
    found = scale.scale(kind, least, most, 4)
    assert [scale.name(kind, value) for value in found.ticks] == names


@given(
    st.sampled_from([Kind.BYTES, Kind.RATE, Kind.SECONDS, Kind.COUNT]),
    st.integers(0, 2**80),
    st.integers(0, 2**80),
    st.integers(1, 8),
)
def test_axes_contain_all_values(kind: Kind, one: int, other: int, number: int) -> None:
    """Any values are within the axis, whose labels are few and distinct."""
    least, most = sorted((one, other))
    found = scale.scale(kind, least, most, number)
    assert found.low <= least <= most <= found.high * (1 + 1e-12)
    names = [scale.name(kind, value) for value in found.ticks]
    assert len(set(names)) == len(names) <= number + 2


def test_outlier_leaves_the_others_readable() -> None:
    """A value far above all others is drawn at the edge, and named below the chart."""
    days = [(at, f"2026-03-{at + 1:02}") for at in range(7)]
    values = [5, 6, 5, 700, 6, 5, 6]
    points = tuple(Point(at, value * MIB, bool(at)) for at, value in enumerate(values))
    shown = plain(LineFigure("size", Kind.BYTES, tuple(days), (Line("size", points),)))
    assert "700" not in shown.splitlines()[1]
    assert "8 MiB" in shown
    assert shown.splitlines()[-1] == "Beyond the axis: size, 2026-03-04: 700.0 MiB"


def test_bars_beyond_the_axis_are_named() -> None:
    """A bar far longer than all others fills its line, and the others keep their proportions."""
    bars = tuple(Bar(f"vc{n}", (value,), None) for n, value in enumerate([900, 4, 8, 6, 2]))
    lines = plain(BarFigure("missed", Kind.COUNT, ("missed",), None, bars)).splitlines()
    assert lines[-1] == "Beyond the axis: vc0"
    longest, first, second = (lines[n].count("█") for n in (1, 2, 3))
    assert longest > second > first > 20


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([3.0], 3),
        ([1, 1, 1, 100], 100),
        ([1, 1, 1, 1, 100], 1.25),
        ([0, 0, 0, 0, 5], 5),
        ([1, 1, 1, 100, 100], 100),
        ([*[1] * 38, 100, 200], 1.25),
        ([1, 1, 1, 1, 4], 4),
    ],
)
def test_limit_of_an_axis(values: list[float], limit: float) -> None:
    """Only few values, far above all others, are ignored."""
    assert scale.limit(values) == limit
