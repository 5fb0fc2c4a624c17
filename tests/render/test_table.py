from __future__ import annotations

import io
from typing import Any

import pytest

from archive.columns import Column, Kind, Role
from archive.render import table, units

COLUMNS = (Column("location"), Column("size_total_bytes", Kind.BYTES))
ROWS = [("sftp://nas.example.com/backups", 2048), (None, None)]


class Terminal(io.StringIO):
    """A text stream that pretends to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a colour terminal 24 characters wide."""
    monkeypatch.setenv("COLUMNS", "24")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def plain(columns: tuple[Column, ...], rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    table.write(columns, rows, out)
    return out.getvalue()


def test_only_one_column_is_folded(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folded texts never stand side by side: a long first cell has a line of its own."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "50")
    columns = (Column("appliance"), Column("size_bytes", Kind.BYTES), Column("message"))
    message = "The location sftp://nas.example.com is full after 2 GB"
    table.write(columns, [("vc1", 2048, message), ("v" * 55, None, message)], terminal)
    assert terminal.getvalue().splitlines() == [
        "appliance     size  message",
        "─" * 50,
        "vc1        2.0 KiB  The location",
        "                    sftp://nas.example.com is full",
        "                    after 2 GB",
        "v" * 50,
        "v" * 5,
        "                 -  The location",
        "                    sftp://nas.example.com is full",
        "                    after 2 GB",
    ]


def test_expendable_columns_are_left_out(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most expendable go first, those that fit stay, and a last line names those without room."""
    monkeypatch.setenv("NO_COLOR", "1")
    columns = (
        Column("name"),
        Column("a" * 9, Kind.COUNT, expendable=1),
        Column("b", Kind.COUNT, expendable=3),
        Column("c" * 9, expendable=2),
    )
    table.write(columns, [("x", 1, 2, "y")], terminal)
    assert terminal.getvalue().splitlines() == [
        f"name  {'a' * 9}  b",
        "─" * 18,
        "x             1  2",
        "No room at 24 columns",
        "for: ccccccccc.",
    ]


def test_wanted_columns_stay_beside_shorter_first_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is hardly expendable, such as a day, stays: more first cells get a line of their own."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "64")
    for expendable, heads in ((1, ["appliance", "day", "message"]), (2, ["appliance", "message"])):
        columns = (Column("appliance"), Column("day", expendable=expendable), Column("message"))
        out = Terminal()
        table.write(columns, [("v" * 28, "2026-11-30", "m" * 40)], out)
        lines = out.getvalue().splitlines()
        assert lines[0].split() == heads
        assert (lines[2] == "v" * 28) is (expendable == 1)


def test_long_first_cells_do_not_make_records(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first cell that leaves no room for the numbers stands on its own line; the table stays a table."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "30")
    table.write(COLUMNS, [("x" * 28, 1), ("y" * 10, 2)], terminal)
    lines = terminal.getvalue().splitlines()
    assert [line.split() for line in lines[3:]] == [["x" * 28], ["1", "B"], ["y" * 10, "2", "B"]]


def test_records_where_columns_do_not_fit(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without expendable columns, rows become lines of a label and a value, and nothing is lost."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "36")
    rows = [(*row, "n" * 24) for row in (*ROWS, ("x" * 30, 1))]
    table.write((*COLUMNS, Column("note")), rows, terminal)
    assert terminal.getvalue() == (
        f"─[ 1 ]{'─' * 30}\n"
        "location    sftp://nas.example.com/b\n"
        "            ackups\n"
        "size total  2.0 KiB\n"
        f"note        {'n' * 24}\n"
        f"─[ 2 ]{'─' * 30}\n"
        "location    -\n"
        "size total  -\n"
        f"note        {'n' * 24}\n"
        f"─[ 3 ]{'─' * 30}\n"
        f"location    {'x' * 24}\n"
        f"            {'x' * 6}\n"
        "size total  1 B\n"
        f"note        {'n' * 24}\n"
    )


def test_records_name_their_heading(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    table.write(SECTIONED, SECTIONS, terminal)
    rules = [line for line in terminal.getvalue().splitlines() if line.startswith("─[")]
    assert [rule.strip("─[] ") for rule in rules] == ["1, first", "2, first", "3, second"]


def test_numbers_are_never_cut(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal too narrow for the numbers gets lines that are too long, with all digits."""
    monkeypatch.setenv("COLUMNS", "5")
    table.write((Column("n", Kind.COUNT), Column("m", Kind.COUNT)), [(10**6, 1), (1, 2)], terminal)
    assert "n  1,000,000\n" in terminal.getvalue()


def test_terminal_styles(terminal: Terminal) -> None:
    """With colours, headers are bold and NULLs dim."""
    table.write((Column("a"), Column("b")), [("x", None)], terminal)
    assert terminal.getvalue() == "\x1b[1ma  b\x1b[0m\n────\nx  \x1b[2m-\x1b[0m\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_terminal_without_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """NO_COLOR and dumb terminals are respected."""
    monkeypatch.setenv(name, value)
    table.write((Column("a"),), [(None,)], terminal)
    assert "\x1b" not in terminal.getvalue()


def test_table_of_a_given_width() -> None:
    """It is like one on a terminal of that width, without colours."""
    columns = (Column("name"), Column("size_bytes", Kind.BYTES), Column("note", expendable=1))
    out = io.StringIO()
    table.write(columns, [("vc1", 2048, "n" * 30)], out, width=30)
    assert out.getvalue().splitlines() == [
        "name     size",
        "─" * 13,
        "vc1   2.0 KiB",
        "No room at 30 columns for:",
        "note.",
    ]


def test_files_are_never_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output without a terminal has lines as long as necessary, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "10")
    assert plain((Column("a"),), [("x" * 300,)]) == f"a\n{'─' * 300}\n{'x' * 300}\n"


@pytest.mark.parametrize(
    ("values", "shown"), [([0, None], False), ([0, 1], True), ([None, 2], True), ([], False)]
)
def test_empty_optional_columns_are_left_out(values: list[int | None], shown: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """An optional column is shown only with values; any other always is."""
    columns = (Column("a"), Column("other", Kind.COUNT, optional=True), Column("b", Kind.COUNT))
    header = plain(columns, [("x", value, 0) for value in values]).splitlines()[0].split()
    assert header == (["a", "other", "b"] if shown else ["a", "b"])


def test_column_that_defines_the_kind_of_values() -> None:
    """Each value has the format that its row defines, changes that of differences; it is hidden."""
    columns = (
        Column("name"),
        Column("value", kind_in="kind"),
        Column("kind"),
        Column("change", kind_in="kind", signed=True),
    )
    rows = [
        ("jobs", 1234, "count", -1),
        ("rate", 0.975, "ratio", -0.025),
        ("size", 1536, Kind.BYTES, None),
        ("time", 61, "seconds", 0),
        ("speed", 2048, "rate", 1),
        ("none", None, "count", None),
    ]
    assert plain(columns, rows) == (
        "name       value       change\n"
        "─────────────────────────────\n"
        "jobs       1,234           -1\n"
        "rate      97.5 %  -2.5 points\n"
        "size     1.5 KiB            -\n"
        "time    1 m 01 s          0 s\n"
        "speed  2.0 KiB/s       +1 B/s\n"
        "none           -            -\n"
    )
    assert plain(columns, []).splitlines()[0] == "name  value  change"


@pytest.mark.parametrize("kind", list(Kind))
def test_kind_of_values_may_be_text(kind: Kind) -> None:
    """A value is shown as in a column of its kind, or as NULL."""
    value: dict[Kind, Any] = {
        Kind.TEXT: "x",
        Kind.INSTANT: "2026-03-01T00:00:00.000000Z",
        Kind.DAY: "2026-03-01",
        Kind.SERIES: (1,),
    }
    columns = (Column("kind"), Column("value", kind_in="kind"))
    typed = [(kind, value.get(kind, 1)), (kind, None)]
    lines = plain(columns, typed).splitlines()
    alone = plain((Column("value", kind),), [(shown,) for _, shown in typed]).splitlines()
    assert [line.strip() for line in lines[2:]] == [line.strip() for line in alone[2:]]


def test_control_characters_are_escaped() -> None:
    """Control, bidirectional and invisible characters are shown as escapes."""
    text = "\x1b[2J\r\x9b\u202e\u200b\ttab"
    assert plain((Column("a"),), [(text,)]).splitlines()[2] == (
        "\\x1b[2J\\r\\x9b\\u202e\\u200b\\ttab"
    )


def test_markup_is_text() -> None:
    """Text that looks like markup or an emoji code is shown unchanged."""
    assert "[bold]x[/] :smile:" in plain((Column("a"),), [("[bold]x[/] :smile:",)])


def test_wide_characters_are_aligned() -> None:
    """A character of two cells counts twice."""
    assert plain((Column("a"), Column("b")), [("東京", "x"), ("abcd", "y")]) == (
        "a     b\n───────\n東京  x\nabcd  y\n"
    )


def test_plain_numbers_are_aligned() -> None:
    """A column with only numbers is aligned as numbers; one text makes it a column of texts."""
    assert plain((Column("n"),), [(1,), (2.5,), (None,), (1234,)]).splitlines()[2:] == [
        "    1",
        "  2.5",
        "    -",
        "1,234",
    ]
    assert plain((Column("n"),), [(1,), ("ab",)]).splitlines()[2:] == ["1", "ab"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (-1023, "-1,023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1023 * 1024, "1,023.0 KiB"),
        (-1536, "-1.5 KiB"),
        (13 * 1024**3, "13.0 GiB"),
        (2**63 - 1, "8.0 EiB"),
        (-(2**63), "-8.0 EiB"),
        (1024**8 * 5000, "5,000.0 YiB"),
    ],
)
def test_sizes(value: int, text: str) -> None:
    """Sizes have the largest binary unit in which they are at least one."""
    assert units.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 m 00 s"),
        (252, "4 m 12 s"),
        (3599, "59 m 59 s"),
        (3600, "1 h 00 m"),
        (3780, "1 h 03 m"),
        (3839, "1 h 04 m"),
        (86369, "23 h 59 m"),
        (86370, "1 d 00 h"),
        (86400 * 3 + 3600 * 4, "3 d 04 h"),
        (-252, "-4 m 12 s"),
    ],
)
def test_durations(value: int, text: str) -> None:
    """Durations have their two largest units, rounded to the smaller one."""
    assert units.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (2 / 3, "66.7 %"),
        (0.9994, "99.94 %"),
        (0.999999, "99.99 %"),
        (0.0004, "0.04 %"),
        (0.000001, "0.01 %"),
        (2.3, "230.0 %"),
    ],
)
def test_percentages(value: float, text: str) -> None:
    """No rate is rounded to 0 % or 100 %."""
    assert units.percent(value) == text


SECTIONED = (
    Column("section", role=Role.HEADING),
    Column("name"),
    Column("jobs", Kind.COUNT),
    Column("change", Kind.COUNT, signed=True),
    Column("trend", Kind.SERIES),
    Column("detail"),
    Column("problem", Kind.FLAG, role=Role.MARK),
)
SECTIONS: list[tuple[Any, ...]] = [
    ("first", "a", 1, 5, (0, 1, None, 8), "said of it", False),
    ("first", "b", 2, None, None, None, True),
    ("second", "c", 3, None, None, None, None),
]


def test_rows_under_headings() -> None:
    """Marks separate sections; a column without a value in a section is empty there."""
    assert plain(SECTIONED, SECTIONS) == (
        "  name  jobs  change  trend  detail\n"
        f"{'─' * 39}\n"
        "first\n"
        "  a        1      +5  ▁▂ █   said of it\n"
        "! b        2       -\n"
        "second\n"
        "  c        3\n"
    )


def test_text_keeps_its_room_where_a_trend_is_left_out() -> None:
    """The space that the trend would have lent to a text is not taken from it."""
    text = "last success older than the RPO"
    rows: list[tuple[Any, ...]] = [
        ("first", "a", 1, 5, None, text, False),
        ("second", "b", 2, 5, (1, 2) * 15, "short", False),
    ]
    out = io.StringIO()
    table.write(SECTIONED, rows, out, width=55)
    assert text in out.getvalue()
    assert "No room at 55 columns for: trend." in out.getvalue()


def test_unsorted_headings_become_a_column() -> None:
    """Rows in another order have the heading in each row."""
    first, *others = plain(SECTIONED, [*SECTIONS, SECTIONS[0]]).splitlines()
    assert first.split() == ["section", "name", "jobs", "change", "trend", "detail"]
    assert [line.split()[0] for line in others[1:]] == ["first", "!", "second", "first"]


def test_header_without_rows() -> None:
    assert plain(SECTIONED, []).splitlines()[0].split()[0] == "section"


def test_marks_and_headings_are_coloured(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal colours distinguish them, too."""
    monkeypatch.setenv("COLUMNS", "40")
    table.write(SECTIONED, SECTIONS, terminal)
    shown = terminal.getvalue()
    assert "\x1b[1mfirst\x1b[0m\n" in shown
    assert "\x1b[1;31m! b   \x1b[0m" in shown


@pytest.mark.parametrize(("columns", "shown"), [("60", True), ("59", False)])
def test_trend_is_left_out_first(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    shown: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The trend is left out before any other column, if texts would get less than 24 characters."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    series = (
        Column("name"), Column("trend", Kind.SERIES), Column("detail"),
        Column("n", Kind.COUNT, expendable=8),
    )  # fmt: skip
    text = "a few words of a text that goes on"
    table.write(series, [("x", tuple(range(23)), text, 100)], terminal)
    lines = terminal.getvalue().splitlines()
    assert ("trend" in lines[0]) is shown
    assert "n" in lines[0].split()
    assert max(map(len, lines)) <= int(columns)


def test_texts_are_folded_between_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that fit on a line stay whole; wide characters take two columns."""
    monkeypatch.setenv("COLUMNS", "12")
    monkeypatch.setenv("NO_COLOR", "1")
    table.write((Column("a"),), [("one two three fourteen-and-more 東京東京東京東 京",)], terminal)
    assert terminal.getvalue().splitlines()[2:] == [
        "one two", "three", "fourteen-and", "-more", "東京東京東京", "東 京",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((), ""),
        ((None, None), "  "),
        ((0, 0), "▁▁"),
        ((1, 0, None, 100, 50), "▂▁ █▅"),
        ((0.5, 1.0), "▅█"),
        ((3, 3), "██"),
    ],
)
def test_trend_is_small_bars(values: tuple[float | None, ...], shown: str) -> None:
    """Bars begin at 0, and any value above 0 is visible."""
    assert units.readable(Kind.SERIES, values) == shown


@pytest.mark.parametrize(("value", "shown"), [(2048, "+2.0 KiB"), (0, "0 B"), (-2048, "-2.0 KiB")])
def test_changes_have_their_sign(value: int, shown: str) -> None:
    assert units.readable(Kind.BYTES, value, signed=True) == shown
