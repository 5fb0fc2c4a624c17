"""Assemble the page from its parts, with a content security policy that allows nothing else.

The parts are files in `parts/`, with places for what is made here. The page needs no server and no
network.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING

import archive
from archive.dashboard import fleet_markup, library, markup
from archive.dashboard.packed import packed
from archive.judgement.standing import RETIRED
from archive.render import units
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archive.dashboard.gathered import Gathered

# The default title, also of a served page.
TITLE = "Backups of the vCenter fleet"
# The script consists of these files, in this order.
_SCRIPTS = (
    "show.js", "data.js", "table.js", "charts.js", "calendar.js", "fleet.js", "one.js", "figures.js",
    "page.js",
)  # fmt: skip
# A place in `page.html`; one that has nothing to fill it is an error.
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def page(gathered: Gathered, title: str = TITLE, links: Mapping[str, str] | None = None) -> str:
    """Return the whole page.

    `title` may be any text; it is escaped. `links` are addresses by their texts, for a page on a
    server. The page has no time of creation but `now`, so the same content gives the same page.
    """
    style, script = _part("page.css"), _script()
    drawing = f"/*!\n{_part('licences.txt')}*/\n{library.script()}"
    filled = {
        "policy": _policy(style, (drawing, script)),
        "version": archive.__version__,
        "title": markup.text(title),
        "subtitle": _subtitle(gathered),
        "links": _links(links or {}),
        "style": style,
        "verdict": fleet_markup.sentence(gathered.fleet),
        "tiles": fleet_markup.tiles(gathered.fleet, gathered.attention),
        "fleet": fleet_markup.table(gathered.fleet, gathered.zone),
        "attention": "".join(markup.table(one, gathered.zone) for one in gathered.attention),
        "figures": markup.figures(gathered.summary),
        "notes": markup.text(" ".join(gathered.notes)),
        "footer": _footer(gathered),
        "data": packed(gathered),
        "library": drawing,
        "script": script,
    }
    # In one pass, so that inserted text is not searched for placeholders.
    return _PLACE.sub(lambda place: filled[place[1]], _part("page.html"))


def _part(name: str) -> str:
    """Return the text of a file in `parts/`."""
    return resources.files("archive.dashboard.parts").joinpath(name).read_text(encoding="utf-8")


def _script() -> str:
    """Return the page's script: its files in one function, so that their names stay their own."""
    whole = "\n".join(_part(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{whole}\n}})();\n'


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """Return the policy: only these scripts and this style, and nothing from the network."""
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """Return the source of a script or style for the policy (CSP level 2)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _links(links: Mapping[str, str]) -> str:
    """Return the links of a page on a server; nothing for a page that is a file."""
    each = (
        f'<a href="{markup.text(place)}">{markup.text(text)}</a>' for text, place in links.items()
    )
    return (
        f'<nav class="for-screen soft" aria-label="Addresses">{" · ".join(each)}</nav>'
        if links
        else ""
    )


def _subtitle(gathered: Gathered) -> str:
    """Return what the page covers, and the time that it describes."""
    scope, number = gathered.scope, gathered.number
    return markup.text(
        f"As of {units.local(scope.now, gathered.zone)}, all times in {gathered.zone}."
        f" {counted(number, 'appliance')}{_retired(gathered)}, {scope.since} to {scope.until}; days start at"
        f" {gathered.calendar}."
    )


def _retired(gathered: Gathered) -> str:
    """Return how many of the appliances are retired: no sentence on the others counts them."""
    retired = sum(row[1] == RETIRED for row in gathered.fleet.rows)
    return f" ({retired:,} retired)" if retired else ""


def _footer(gathered: Gathered) -> str:
    """Return by which version the page was made, and the instant that it describes."""
    return markup.text(
        f"Created by archive {archive.__version__} as of {units.moment(gathered.scope.now, gathered.zone)}."
        " This file loads nothing from the network."
    )
