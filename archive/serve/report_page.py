"""A report as a page, with a form of its parameters, and the list of all reports.

The page has no script, and its style is in it: `POLICY` allows that style alone, by its digest.
Every text is escaped here.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from archive.columns import NUMERIC, Kind, Role
from archive.judgement.standing import NEVER, OVERDUE
from archive.render.units import moment, readable
from archive.reports.appliances import CRITICAL
from archive.serve.access import POLICY as STRICT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.columns import Column
    from archive.reports import Report
    from archive.reports.answer import Answer
    from archive.serve.parameters import Parameter
    from archive.serve.site import Site

# Values of columns, by name, that highlight a row.
_WRONG: dict[str, tuple[Any, ...]] = {
    "severity": (CRITICAL,),
    "state": (OVERDUE, NEVER),
    "not_reporting": (True,),
    "stuck": (True,),
}
_STYLE = """\
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1f2328; --rule: #d0d7de; --soft: #57606a; --wrong: #ff411822; --link: #0550ae;
  --shade: #00000038;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --text: #e6edf3; --rule: #3d444d; --soft: #9da7b3; --wrong: #ff3c2d54; --link: #79c0ff;
    --shade: #ffffff40;
  }
}
html { background: var(--ground); color: var(--text); }
body { font: 15px/1.5 system-ui, sans-serif; background: var(--ground); margin: 1rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: .6rem 0; }
a { color: var(--link); }
.soft, small { color: var(--soft); }
/* A shadow at an edge says that there is more beyond it. */
.scroll {
  overflow-x: auto; background-repeat: no-repeat; background-attachment: local, local, scroll, scroll;
  background-image: linear-gradient(var(--ground), var(--ground)), linear-gradient(var(--ground), var(--ground)), linear-gradient(to right, var(--shade), transparent), linear-gradient(to left, var(--shade), transparent);
  background-position: left, right, left, right; background-size: 1.2rem 100%;
}
table { border-collapse: collapse; }
caption { text-align: left; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--rule); padding: .25rem .7rem; text-align: left; vertical-align: top; }
th { white-space: nowrap; }
.t { white-space: nowrap; }
td:last-child:not(.n, .t) { min-width: 14rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wrong { background: var(--wrong); }
.wrong td:nth-child(-n+2) { font-weight: 600; }
form { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .8rem; }
label { display: block; }
input:not([type=checkbox]), select { width: 100%; box-sizing: border-box; font: inherit; }
"""
# The policy names the style by the digest of its exact text.
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"{STRICT}; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'"


def page(
    site: Site,
    found: Answer,
    heading: dict[str, Any],
    rows: Sequence[Sequence[Any]],
    query: str,
    zone: str,
    *,
    cut: bool,
) -> str:
    """Return the page of a report; `cut` says that there are more rows. `query` is what was asked.

    Instants are on the clocks of an IANA zone.
    """
    report = found.report
    asked = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[1]]
    links = " · ".join(
        _link(f"{report.name}.{form}", asked, form.upper()) for form in ("csv", "json")
    )
    number = f"The first {len(rows):,} rows" if cut else f"{len(rows):,} rows"
    span = heading["collection"]
    imports = ""
    if span:
        first, last = (moment(span[name], zone) for name in ("first", "last"))
        imports = f"Imports from {first} to {last}. Times are in {zone}."
    return _document(
        f"{report.name}: {report.question}",
        f"<p>{_link('../reports', (), 'all reports')} · {links}</p>",
        _form(site.supported(report), report, asked),
        f'<div class="scroll" tabindex="0" role="region" aria-label="Rows of {escape(report.name)}">',
        f"<table><caption>{number}</caption>",
        *_table(found.columns, rows, zone),
        "</table></div>",
        *(f'<p class="soft">{escape(note)}</p>' for note in (*heading["notes"], imports) if note),
    )


def index(site: Site, reports: Sequence[Report]) -> str:
    """Return the page with the list of reports."""
    rows = (
        f'<tr><th scope="row">{_link(f"reports/{one.name}", (), one.name)}</th>'
        f"<td>{escape(one.question)}</td>"
        f"<td>{_link(f'reports/{one.name}.csv', (), 'CSV')}</td>"
        f"<td>{_link(f'reports/{one.name}.json', (), 'JSON')}</td></tr>"
        for one in reports
    )
    return _document(
        f"Reports: {site.title}",
        f"<p>{_link('./', (), 'the page of the fleet')} ·"
        f" {_link('openapi.json', (), 'description of all addresses')}</p>",
        '<div class="scroll" tabindex="0" role="region" aria-label="Reports"><table>',
        '<thead><tr><th scope="col">report</th><th scope="col">question</th>'
        '<th scope="col" colspan="2">data</th></tr></thead><tbody>',
        *rows,
        "</tbody></table></div>",
    )


def _document(title: str, *parts: str) -> str:
    """Return a page of HTML; the title is escaped here, the parts are HTML already."""
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>",
            f"<body><main><h1>{escape(title)}</h1>",
            *parts,
            "</main></body></html>\n",
        )
    )


def _link(place: str, query: Iterable[tuple[str, str]], text: str) -> str:
    """Return a link to a place of this site, relative to the page, with its query."""
    whole = urlencode(list(query))
    return f'<a href="{escape(place + (f"?{whole}" if whole else ""))}">{escape(text)}</a>'


def _form(parameters: Sequence[Parameter], report: Report, asked: Sequence[tuple[str, str]]) -> str:
    """Return the form with a field for each parameter, open if anything was asked."""
    given: dict[str, str] = dict(asked)
    fields = "\n".join(
        _field(one, report, given.get(one.name, "")) for one in parameters if one.name != "by" or report.groups
    )  # fmt: skip
    opened = " open" if asked else ""
    return (
        f"<details{opened}><summary>Options</summary>"
        f'<form method="get" action="{escape(report.name)}.html">\n{fields}\n'
        "<p><button>Show</button></p></form></details>"
    )


def _field(one: Parameter, report: Report, value: str) -> str:
    """Return the field of a parameter: a checkbox, a choice, or a text with its present value."""
    name = escape(one.name)
    if one.type is bool:
        checked = " checked" if value in ("true", "1", "yes") else ""
        control = f'<input type="checkbox" id="{name}" name="{name}" value="true"{checked}>'
    elif one.choices:
        choices = report.groups if one.name == "by" else one.choices
        options = "".join(
            f"<option{' selected' if choice == value else ''}>{escape(choice)}</option>"
            for choice in ("", *choices)
        )
        control = f'<select id="{name}" name="{name}">{options}</select>'
    else:
        control = f'<input id="{name}" name="{name}" value="{escape(value)}">'
    return (
        f'<div><label for="{name}">{name}</label>{control}<small>{escape(one.help)}</small></div>'
    )


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], zone: str) -> Iterator[str]:
    """Yield the lines of a table.

    Optional columns that are empty have no place in it, nor have those that only serve others. A
    row that marks a problem is highlighted.
    """
    # Columns that only say the kind of the values in others.
    kinds = {one.kind_in for one in columns}
    places = {one.name: place for place, one in enumerate(columns)}
    marks = [place for place, one in enumerate(columns) if one.role is Role.MARK]
    shown = [
        (place, one)
        for place, one in enumerate(columns)
        if one.name not in kinds
        and one.role is not Role.MARK
        and (not one.optional or any(row[place] for row in rows))
    ]
    numeric = {place: _is_numeric(one, [row[place] for row in rows]) for place, one in shown}
    heads = (
        f'<th scope="col"{_class(numeric[place])}>{escape(one.label)}</th>' for place, one in shown
    )
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    for row in rows:
        cells = "".join(
            f"<td{_class(numeric[place], whole=_is_whole(one))}>{escape(_cell(one, row[place], row, places, zone))}</td>"
            for place, one in shown
        )
        is_wrong = any(row[place] for place in marks)
        is_wrong |= any(row[place] in _WRONG.get(one.name, ()) for place, one in shown)
        wrong = ' class="wrong"' if is_wrong else ""
        yield f"<tr{wrong}>{cells}</tr>"
    yield "</tbody>"


def _cell(column: Column, value: Any, row: Sequence[Any], places: dict[str, int], zone: str) -> str:
    """Return the text of a cell, a dash for None.

    The unit is that of the kind of the column, or of the row if the kind is in another column.
    """
    if value is None:
        return "-"
    kind = column.kind
    if column.kind_in is not None:
        kind = Kind(row[places[column.kind_in]])
        kind = kind.difference if column.signed else kind
    return readable(kind, value, zone, signed=column.signed)


def _is_numeric(column: Column, values: Iterable[Any]) -> bool:
    """Return whether a column is aligned as numbers, by its kind, or a text's by its values."""
    if column.kind is not Kind.TEXT or column.kind_in is not None:
        return column.kind in NUMERIC or column.kind_in is not None
    known = [value for value in values if value is not None]
    return bool(known) and all(map(isinstance, known, repeat((int, float))))


def _is_whole(column: Column) -> bool:
    """Return whether a column has times, periods or keys, which are not broken at their hyphens."""
    return column.kind in (Kind.INSTANT, Kind.DAY) or column.name in ("key", "period")


def _class(numeric: bool, *, whole: bool = False) -> str:  # noqa: FBT001 - the one thing that it says
    """Return the attribute of a cell that holds a number, or a text that stays on one line."""
    return ' class="n"' if numeric else ' class="t"' if whole else ""
