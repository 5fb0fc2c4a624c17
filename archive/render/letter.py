"""Sections of a mail as HTML and as plain text.

The HTML is limited to what all mail programs show alike: styles are inline and nothing is loaded. There
are no rounded corners, grids or style sheets, since some mail programs render HTML with a word
processor. Two columns, of which the first takes all the room there is, fit a phone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from archive.render.units import text as printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Maximum characters of a line: messages can be of any length, and mail programs cut off long mails.
_LONGEST = 300
# Only longer words may be broken. If all could, many mail programs would make columns of text as
# narrow as one letter.
_WORD = 30
_WIDEST = 640
_FONT = "Arial,Helvetica,sans-serif"
_INK, _SOFT = "#1f2328", "#57606a"
# Repeated in each cell, so it is short.
_CELL = f"font:14px/19px {_FONT};color:{_INK};padding:5px 8px;border-bottom:1px solid #d0d7de"
# The colours of rows and of the verdict: background, and the verdict's own background and text.
_COLOURS = {
    "critical": ("#ffe5e1", "#b42318", "#ffffff"),
    "warning": ("#fff4cf", "#ffd34d", "#000000"),
    "no data": ("#eceff2", "#6a737d", "#ffffff"),
    "ok": ("#ffffff", "#d5e8f4", "#12405e"),
}


class Entry(NamedTuple):
    """A row: a title with lines of text below it, and a value beside it.

    `severity` is critical, warning, no data or ok, and colours the row.
    """

    title: str
    value: str
    lines: tuple[str, ...] = ()
    severity: str = "ok"


@dataclass(frozen=True)
class Section:
    """Entries under a heading; `more` counts those that are left out."""

    heading: str
    entries: Sequence[Entry]
    more: int = 0


def html(
    title: str,
    verdict: tuple[str, str],
    sections: Iterable[Section],
    notes: Iterable[str],
) -> str:
    """Return a document; `verdict` is a severity and a sentence. Any text is escaped."""
    severity, sentence = verdict
    _, paper, ink = _COLOURS[severity]
    headline = (
        f"font:bold 17px/23px {_FONT};color:{ink};background-color:{paper};padding:9px 12px;"
        f"margin:0 0 4px 0;max-width:{_WIDEST - 24}px"
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title></head>",
        '<body style="margin:0;padding:12px;background-color:#ffffff">',
        f'<h1 style="{headline}">{_words(sentence)}</h1>',
        '<table width="100%" cellpadding="0" cellspacing="0" border="0"',
        f'style="border-collapse:collapse;max-width:{_WIDEST}px">',
        *(row for section in sections for row in _section(section)),
        "</table>",
        *(
            f'<p style="font:12px/18px {_FONT};color:{_SOFT};margin:12px 0 0 0{_broken(note)}">{escape(note)}</p>'
            for note in notes
        ),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> Iterator[str]:
    """Yield the rows of a section, each on one line."""
    yield (
        f'<tr><th colspan="2" scope="rowgroup" align="left" style="{_CELL};font-weight:bold;'
        f'padding-top:18px">{_words(section.heading)}</th></tr>'
    )
    for entry in section.entries:
        paper = _COLOURS[entry.severity][0]
        fill = f";background-color:{paper}" if paper != "#ffffff" else ""
        title = _words(entry.title)
        if entry.severity != "ok":
            title = f"<b>{title}</b>"
        # Lines below have the whole width, beside the value there is little room on a phone.
        open_ = f"{fill};border-bottom:0;padding-bottom:0" if entry.lines else fill
        # The attributes are for Outlook, which ignores the styles.
        yield (
            f'<tr valign="top"><td width="99%" style="{_CELL}{open_}{_broken(entry.title)}">{title}</td>'
            f'<td align="right" nowrap style="{_CELL}{open_};text-align:right;white-space:nowrap">'
            f"{escape(printable(entry.value))}</td></tr>"
        )
        if entry.lines:
            below = "<br>".join(_words(_cut(line)) for line in entry.lines)
            yield (
                f'<tr><td colspan="2" style="{_CELL}{fill}{_broken(*entry.lines)};font-size:12px;color:{_SOFT};'
                f'padding-top:0">{below}</td></tr>'
            )
    if section.more:
        yield f'<tr><td colspan="2" style="{_CELL};color:{_SOFT}">and {section.more:,} more</td></tr>'


def _broken(*texts: str) -> str:
    """Return the style of a cell, whose words may be broken if one is too long for a line."""
    longest = max(len(word) for text in texts for word in re.split(r"[\s.]", text))
    return ";word-break:break-word" if longest > _WORD else ""


def _words(text: str) -> str:
    """Return a text escaped; names may be broken at dots, but not a percentage before its sign."""
    whole = re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", escape(printable(text)))
    return re.sub(r"(?<=\w)\.(?=[^\W\d])", ".<wbr>", whole)


def _cut(text: str) -> str:
    """Return a text of limited length; what is escaped counts as it is shown."""
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def plain(verdict: tuple[str, str], sections: Iterable[Section]) -> str:
    """Return the same as plain text, a line for each title and value, with lines below."""
    found = [verdict[1], ""]
    for section in sections:
        found.append(printable(section.heading))
        for entry in section.entries:
            value = f": {printable(entry.value)}" if entry.value else ""
            found.append(f"  {printable(entry.title)}{value}")
            found += [f"      {_cut(line)}" for line in entry.lines]
        if section.more:
            found.append(f"  and {section.more:,} more")
        found.append("")
    return "\n".join(found)
