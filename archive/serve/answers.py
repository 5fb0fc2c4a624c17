"""Every report at an address: as JSON, CSV or a page, by the suffix or by what the reader accepts.

An answer is made whole before its first byte is sent: an error halfway is an answer of its own,
with a status. The rows of an answer are limited, so memory is, too.
"""

from __future__ import annotations

import io
import time
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archive import db
from archive.errors import TimeLimitError, UsageError
from archive.render import delimited, records
from archive.reports import REPORTS
from archive.reports.answer import answer
from archive.serve import report_page
from archive.serve.parameters import read
from archive.store import settings
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection
    from starlette.requests import Request

    from archive.reports import Report
    from archive.reports.answer import Answer
    from archive.serve.shared import Shared
    from archive.serve.site import Site

# The forms of an answer, which are the suffixes of addresses.
JSON, CSV, HTML = "json", "csv", "html"
# By suffix. The first is what a reader gets that accepts anything.
MEDIA = {JSON: "application/json", CSV: "text/csv", HTML: "text/html"}


def report(site: Site, shared: Shared, request: Request) -> Response:
    """Answer a request for a report. Raises ArchiveError, HTTPException.

    The rows are read in one transaction of a read-only connection, which ends with the answer;
    readers of the same address may share one, see `shared`. A name without a suffix takes the form
    that the reader accepts. Unknown reports and suffixes are 404, with the known ones in the
    sentence.
    """
    name, _, suffix = request.path_params["name"].partition(".")
    if name not in REPORTS:
        raise HTTPException(404, f"unknown report {quoted(name)}{suggestion(name, REPORTS)}")
    if suffix and suffix not in MEDIA:
        raise HTTPException(404, f"unknown form {quoted(suffix)} (known: {', '.join(MEDIA)})")
    form = suffix or _accepted(request.headers.get("accept", ""))
    chosen = REPORTS[name]
    given = list(request.query_params.multi_items())
    # Forms of a page send empty fields.
    values = read(site.supported(chosen), [pair for pair in given if pair[1] or form != HTML])
    sort, top = values.pop("sort", None), values.pop("top", None)
    query = urlencode(given)

    def content() -> bytes:
        with db.reading(site.engine) as connection:
            scope, further = site.scopes.asked(connection, chosen, values)
            found = answer(connection, chosen, scope, sort, top)
            return _content(site, form, connection, found, further, query).encode()

    headers = {"Vary": "Accept"}
    if form == HTML:
        headers["Content-Security-Policy"] = report_page.POLICY
    if form == CSV:
        headers["Content-Disposition"] = f'inline; filename="{name}.csv"'
    media = f"{MEDIA[form]}; charset=utf-8" if form != JSON else MEDIA[form]
    return Response(shared.get((name, form, query), content), media_type=media, headers=headers)


def _accepted(accept: str) -> str:
    """Return the form that a reader prefers. Raises HTTPException if it accepts none.

    Media types count by their quality `q`, 1 by default; of equals the first one counts. `q=0` is a
    refusal.
    """
    wanted: list[tuple[float, str]] = []
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        media, *options = (text.strip().lower() for text in part.split(";"))
        quality = next((text[2:] for text in options if text.startswith("q=")), "1")
        try:
            wanted.append((-float(quality), media))
        except ValueError:
            continue
    for order, media in sorted(wanted, key=lambda one: one[0]):
        for form, its in MEDIA.items():
            if order and media in (its, f"{its.partition('/')[0]}/*", "*/*"):
                return form
    raise HTTPException(406, f"available: {', '.join(MEDIA.values())}")


def _content(
    site: Site,
    form: str,
    connection: Connection,
    found: Answer,
    further: dict[str, Any],
    query: str,
) -> str:
    """Return a report in a form. Raises UsageError if it has more rows than the limit, TimeLimitError.

    A page shows the first rows instead, and says so. `query` is the query string of the request.
    """
    limits, deadline = site.limits, time.monotonic() + site.limits.seconds
    rows = _timely(found.rows, deadline, limits.seconds)
    if form == HTML:
        shown = list(islice(rows, limits.rows_shown + 1))
        heading = found.heading(connection, further)
        zone = settings.calendar(connection).zone
        cut = len(shown) > limits.rows_shown
        return report_page.page(
            site, found, heading, shown[: limits.rows_shown], query, zone, cut=cut
        )
    every = list(islice(rows, limits.rows + 1))
    if len(every) > limits.rows:
        raise UsageError(
            f"the report has more than {limits.rows:,} rows, the limit of this server: ask for fewer"
            f" with top or other parameters, or run `archive report {found.report.name}`"
        )
    out = io.StringIO(newline="")
    if form == CSV:
        delimited.write(found.columns, every, out)
    else:
        heading = found.heading(connection, further)
        records.write_within(heading, "rows", found.columns, every, out)
    return out.getvalue()


def _timely(
    rows: Iterator[tuple[Any, ...]], deadline: float, seconds: float
) -> Iterator[tuple[Any, ...]]:
    """Yield rows. Raises TimeLimitError if they take longer altogether than statements may."""
    for row in rows:
        if time.monotonic() > deadline:
            raise TimeLimitError(
                f"the report took longer than {seconds:g} s, the limit of this server"
            )
        yield row


def index(site: Site, request: Request) -> Response:
    """Answer a request for the list of reports. Raises UsageError, HTTPException."""
    read((), request.query_params.multi_items())
    form = _accepted(request.headers.get("accept", ""))
    if form == HTML:
        headers = {"Content-Security-Policy": report_page.POLICY, "Vary": "Accept"}
        content = report_page.index(site, list(REPORTS.values()))
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)
    found = [_listed(site, one) for one in REPORTS.values()]
    columns, rows = list(found[0]), [list(one.values()) for one in found]
    return _list(form, columns, rows)


def _listed(site: Site, one: Report) -> dict[str, str]:
    """Return a row of the list of reports; `parameters` are names with spaces between."""
    names = " ".join(parameter.name for parameter in site.supported(one))
    return {"name": one.name, "question": one.question, "parameters": names}


def _list(form: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Response:
    """Return the list as CSV or JSON; all values are texts."""
    from archive.columns import Column

    out = io.StringIO(newline="")
    write = delimited.write if form == CSV else records.write
    write([Column(name) for name in columns], rows, out)
    charset = "; charset=utf-8" if form == CSV else ""
    return Response(
        out.getvalue(), media_type=f"{MEDIA[form]}{charset}", headers={"Vary": "Accept"}
    )
