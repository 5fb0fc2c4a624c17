"""The charts of the page, as Vega-Lite specifications without data.

The page's script adds the data under the name `rows`, including the text of each `tooltip`. Colours
are variables of the style sheet, so that themes and print change them without a script.
"""

from __future__ import annotations

from typing import Any

# Names the version of the language; nothing is fetched from there.
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# The states of a calendar cell; each has its own colour and sign (see `page.css`).
STATES = ("success", "mixed", "failed", "missed", "nodata", "open", "pending", "none")
_CONFIG: dict[str, Any] = {
    "aria": False,  # the page has a label and a table for each chart
    "mark": {"aria": False},
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 11,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "var(--ink)", "labelFontSize": 12, "symbolStrokeColor": "var(--ink)"},
    "line": {"strokeWidth": 2},
}
# Expressions of Vega for the labels of an axis, since its own formats know no binary units.
_BYTES = " : ".join(
    f"abs(datum.value) >= {1024**power} ? format(datum.value / {1024**power}, '.3~r') + ' {unit}'"
    for power, unit in ((5, "PiB"), (4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB"))
)
_BYTES = f"{_BYTES} : format(datum.value, ',') + ' B'"
# Below a minute in seconds, below an hour in minutes.
_SECONDS = (
    "datum.value >= 3600 ? format(datum.value / 3600, '.3~r') + ' h'"
    " : datum.value >= 60 ? format(datum.value / 60, '.3~r') + ' min' : datum.value + ' s'"
)


def _chart(**parts: Any) -> dict[str, Any]:
    """Return a specification with what all charts have in common."""
    return {"$schema": _SCHEMA, "config": _CONFIG, "data": {"name": "rows"}, **parts}


def _x() -> dict[str, Any]:
    """Return the encoding of periods along the x axis, in the order of the rows."""
    axis = {
        "title": None, "labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 8, "ticks": False,
        "labelPadding": 10,  # the first label would overlap the label 0
    }  # fmt: skip
    return {"field": "period", "type": "ordinal", "sort": None, "axis": axis}


def _y(field: str, label: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the encoding of a measure along the y axis; `label` is an expression for its labels."""
    axis: dict[str, Any] = {"title": None, "tickCount": 5, "domain": False, "ticks": False}
    if label:
        axis["labelExpr"] = label
    return {"field": field, "type": "quantitative", "axis": axis, **more}


# The script writes the text into each row.
_TOOLTIP = {"field": "tooltip", "type": "nominal"}
# As wide as the page, of a fixed height.
_WIDE = {
    "width": "container",
    "height": 170,
    "autosize": {"type": "fit-x", "contains": "padding"},
    # Half of the last label extends beyond the axis.
    "padding": {"left": 5, "right": 32, "top": 5, "bottom": 5},
}


def _percentiles(label: str) -> dict[str, Any]:
    """Return the chart of the median and p95 of a measure by period; the p95 is dashed."""
    legend = {"title": None, "orient": "top", "symbolType": "stroke", "symbolSize": 600}
    dash = {
        "field": "which",
        "type": "nominal",
        "scale": {"domain": ["median", "p95"], "range": [[1, 0], [5, 3]]},
        "legend": legend,
    }
    colour = {
        "field": "which",
        "type": "nominal",
        "scale": {"domain": ["median", "p95"], "range": ["var(--series)", "var(--soft)"]},
        "legend": legend,
    }
    return _chart(
        **_WIDE,
        mark={"type": "line", "point": {"size": 18, "filled": True}},
        encoding={
            "x": _x(),
            "y": _y("value", label),
            "strokeDash": dash,
            "color": colour,
            "tooltip": _TOOLTIP,
        },
    )


def _heat() -> dict[str, Any]:
    """Return the calendar: a cell for each appliance and day or week, with a sign beside its colour."""
    states = list(STATES)
    column = {
        "field": "column",
        "type": "ordinal",
        "sort": None,
        "axis": {
            "title": None, "orient": "top", "labelAngle": 0, "labelOverlap": "greedy",
            "labelSeparation": 6, "ticks": False, "domain": False,
        },
    }  # fmt: skip
    row = {
        "field": "appliance",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "ticks": False, "domain": False, "labelLimit": 200},
    }
    colours = {
        "field": "state",
        "type": "nominal",
        "scale": {"domain": states, "range": [f"var(--{state})" for state in states]},
        "legend": None,
    }
    signs = {
        "field": "state",
        "type": "nominal",
        "scale": {"domain": states, "range": [f"var(--on-{state})" for state in states]},
        "legend": None,
    }
    return _chart(
        width={"step": 16},
        height={"step": 18},
        encoding={"x": column, "y": row},
        layer=[
            {
                "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 1.5},
                "encoding": {"color": colours, "tooltip": _TOOLTIP},
            },
            {
                "transform": [{"filter": "datum.sign != ''"}],
                "mark": {"type": "text", "fontSize": 11, "fontWeight": "bold", "baseline": "middle"},
                "encoding": {
                    "text": {"field": "sign", "type": "nominal"},
                    "color": signs,
                    "tooltip": _TOOLTIP,
                },
            },
            {
                "data": {"name": "focus"},
                "mark": {
                    "type": "rect", "fillOpacity": 0, "stroke": "var(--focus)", "strokeWidth": 2.5,
                },
            },
        ],
        resolve={"scale": {"color": "independent"}},
    )  # fmt: skip


def _outcomes() -> dict[str, Any]:
    """Return the bars of succeeded and failed jobs by period, stacked."""
    domain, legend = ["succeeded", "failed"], {"title": None, "orient": "top"}
    return _chart(
        **_WIDE,
        mark={"type": "bar", "strokeWidth": 1},
        encoding={
            "x": _x(),
            "y": _y("jobs", stack="zero"),
            "color": {
                "field": "outcome",
                "type": "nominal",
                "scale": {"domain": domain, "range": ["var(--success)", "var(--failed)"]},
                "legend": legend,
            },
            # Failed jobs have an edge, for people who cannot distinguish the colours.
            "stroke": {
                "field": "outcome",
                "type": "nominal",
                "scale": {"domain": domain, "range": ["var(--success)", "var(--ink)"]},
                "legend": legend,
            },
            "order": {"field": "place", "type": "quantitative"},
            "tooltip": _TOOLTIP,
        },
    )


def _rate() -> dict[str, Any]:
    """Return the line of the success rate by period, up to 100 %; the script sets where it starts."""
    return _chart(
        **_WIDE,
        mark={
            "type": "line",
            "color": "var(--series)",
            "point": {"size": 18, "color": "var(--series)"},
        },
        encoding={
            "x": _x(),
            "y": _y("value", "format(datum.value * 100, '.0f') + ' %'", scale={"domain": [0, 1]}),
            "tooltip": _TOOLTIP,
        },
    )


def _reasons() -> dict[str, Any]:
    """Return the bars of failed jobs by reason."""
    return _chart(
        **_WIDE,  # the page sets the height
        mark={"type": "bar", "color": "var(--failed)", "height": 16},
        encoding={
            "y": {
                "field": "reason",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "labelLimit": 300, "ticks": False, "domain": False},
            },
            "x": _y("jobs"),
            "tooltip": _TOOLTIP,
        },
    )


def _growth() -> dict[str, Any]:
    """Return the line of sizes ahead, in the band of their intervals."""
    x = {
        "field": "days",
        "type": "quantitative",
        "axis": {
            "title": "days from now", "values": [0, 30, 90, 180, 270, 365], "grid": False,
        },
    }  # fmt: skip
    point = {"size": 40, "color": "var(--series)"}
    return _chart(
        **_WIDE,
        encoding={"x": x, "tooltip": _TOOLTIP},
        layer=[
            {
                "mark": {"type": "area", "color": "var(--series)", "opacity": 0.2},
                "encoding": {"y": _y("low", _BYTES), "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "color": "var(--series)", "point": point},
                "encoding": {"y": _y("middle", _BYTES)},
            },
        ],
    )


# By the name under which the script asks for them.
CHARTS: dict[str, dict[str, Any]] = {
    "heat": _heat(),
    "outcomes": _outcomes(),
    "rate": _rate(),
    "sizes": _percentiles(_BYTES),
    "durations": _percentiles(_SECONDS),
    "reasons": _reasons(),
    "growth": _growth(),
}
