"""The description of all addresses, in the form of OpenAPI 3.1.

It is made from the same declarations as the answers: parameters are those that `Site.supported`
returns, the properties of a row are the columns of its report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import archive
from archive.columns import Kind
from archive.reports import REPORTS, Scope
from archive.serve.answers import CSV, HTML, JSON, MEDIA
from archive.serve.failures import STATUSES

if TYPE_CHECKING:
    from archive.columns import Column
    from archive.reports import Report
    from archive.serve.parameters import Parameter
    from archive.serve.site import Site

_TYPES = {str: "string", int: "integer", bool: "boolean"}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.FLAG: {"type": ["boolean", "null"]},
    Kind.INSTANT: {"type": ["string", "null"]},
    Kind.DAY: {"type": ["string", "null"]},
    Kind.SERIES: {"type": ["array", "null"], "items": {"type": ["number", "null"]}},
    # Such as the name of a group, or figures whose kind is in another column.
    Kind.TEXT: {"type": ["string", "number", "null"]},
}
# Of all other kinds: counts, ratios, bytes, seconds and rates.
_NUMBER = {"type": ["number", "null"]}


def description(site: Site) -> dict[str, Any]:
    """Return the description of a site as a JSON value."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"archive: {site.title}",
            "version": archive.__version__,
            "summary": "Reports on the backups of a vCenter fleet. Nothing can be written.",
        },
        "servers": [{"url": site.root_path or "/"}],
        "paths": {
            "/": _get("the page of the fleet", _content(MEDIA[HTML])),
            "/reports": _get(
                "the list of reports", {MEDIA[form]: {"schema": {}} for form in MEDIA}
            ),
            **{path: one for report in REPORTS.values() for path, one in _report(site, report)},
            "/metrics": _get("metrics for Prometheus", _content("text/plain")),
            "/healthz": _get("whether the archive can be read", _content("text/plain")),
            "/openapi.json": _get(
                "this description", {MEDIA[JSON]: {"schema": {"type": "object"}}}
            ),
        },
    }
    if site.token is not None:
        schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["components"] = {"securitySchemes": schemes}
        document["security"] = [{"bearer": []}]
        # The one address that needs none.
        document["paths"]["/healthz"]["get"]["security"] = []
    return document


def _report(site: Site, report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Return the addresses of a report: one that goes by what the reader accepts, one for each form."""
    content = {
        JSON: {MEDIA[JSON]: {"schema": _answer(report)}},
        CSV: _content(MEDIA[CSV]),
        HTML: _content(MEDIA[HTML]),
    }
    parameters = [_parameter(one, report) for one in site.supported(report)]
    path = f"/reports/{report.name}"
    every: dict[str, Any] = {}
    for one in content.values():
        every |= one
    found = [(path, _get(report.question, every, parameters))]
    found += [
        (f"{path}.{form}", _get(report.question, one, parameters)) for form, one in content.items()
    ]
    return found


def _get(
    summary: str, content: dict[str, Any], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the description of an address that answers to GET.

    Its errors are those of `failures.STATUSES`, the same for every address.
    """
    answers: dict[str, Any] = {"200": {"description": summary, "content": content}}
    answers |= {
        str(status): {"description": words, "content": _TEXT} for status, words in STATUSES.items()
    }
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if parameters:
        operation["parameters"] = parameters
    return {"get": operation}


def _parameter(one: Parameter, report: Report) -> dict[str, Any]:
    """Return the description of a parameter; the choices of `by` are the groups of the report."""
    schema: dict[str, Any] = {"type": _TYPES[one.type]}
    choices = report.groups if one.name == "by" else one.choices
    if choices:
        schema["enum"] = list(choices)
    if one.least is not None:
        schema["minimum"] = one.least
    if one.greatest is not None:
        schema["maximum"] = one.greatest
    if one.repeatable:
        schema = {"type": "array", "items": schema}
    return {"name": one.name, "in": "query", "description": one.help, "schema": schema}


def _answer(report: Report) -> dict[str, Any]:
    """Return the schema of a report in JSON; a grouped or compared one has further columns."""
    columns = {one.name: _column(one) for one in report.columns_of(Scope())}
    row = {"type": "object", "properties": columns}
    return {
        "type": "object",
        "required": ["report", "question", "scope", "collection", "notes", "rows"],
        "properties": {
            "report": {"const": report.name},
            "question": {"type": "string"},
            "scope": {"type": "object"},
            "collection": {"type": ["object", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": row},
        },
    }


def _column(one: Column) -> dict[str, Any]:
    """Return the schema of the values of a column; any of them can be null."""
    return _KINDS.get(one.kind, _NUMBER)


def _content(media: str) -> dict[str, Any]:
    """Return the description of an answer that is a text."""
    return {media: {"schema": {"type": "string"}}}
