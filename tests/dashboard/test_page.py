from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from vl_convert import vegalite_to_vega

from archive.dashboard import library, markup, page
from archive.dashboard.charts import CHARTS
from tests.dashboard import made
from tests.dashboard.made import gathered
from tests.support.archives import empty

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine


class Parts(HTMLParser):
    """The elements of a page, the content of scripts and styles, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Return to text."""
        self._open = ""
        del tag

    def handle_data(self, data: str) -> None:
        """Record a text."""
        if self._open in self.inside:
            self.inside[self._open][-1] += data
        else:
            self.text += data


def unpacked(text: str) -> dict[str, Any]:
    """Return the data for the script of a page, without the columns."""
    found = re.search(r'id="data">([A-Za-z0-9+/=]+)</script>', text)
    assert found
    whole = gzip.decompress(base64.b64decode(found[1]))
    length = int.from_bytes(whole[:4], "little")
    content: dict[str, Any] = json.loads(whole[4 : 4 + length])
    number = content["jobs"] * 9 + len(content["appliances"]) * content["days"]
    assert len(whole) == 4 + length + number
    return content


def test_page_is_self_contained(engine: Engine) -> None:
    """It fetches nothing, and runs only its own two scripts."""
    made.fill(engine)
    found = Parts(page.page(gathered(engine)))
    for tag, attributes in found.elements:
        assert tag not in {"link", "img", "iframe", "object", "base", "video", "audio"}
        assert not {"src", "style", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(
        attributes["content"] or ""
        for tag, attributes in found.elements
        if tag == "meta" and "content-security-policy" in str(attributes.get("http-equiv")).lower()
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    data, *scripts = found.inside["script"]
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", data)
    for text in (*scripts, *found.inside["style"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "\r" not in "".join(scripts)  # a browser would see another text, with another hash


def test_text_is_never_markup(engine: Engine) -> None:
    """Messages, builds, tags and titles appear as they were written."""
    made.fill(engine)
    found = page.page(gathered(engine), title=made.HOSTILE)
    parts = Parts(found)
    assert made.HOSTILE in parts.text
    assert {tag for tag, _ in parts.elements} & {"img", "b", "u", "i"} == set()
    assert sum(tag == "script" for tag, _ in parts.elements) == 3
    content = unpacked(found)
    assert [made.WICKED, made.HOSTILE] in content["messages"]


def test_page_without_javascript_shows_the_problems(engine: Engine) -> None:
    """Problems and figures are in the markup."""
    made.fill(engine)
    text = Parts(page.page(gathered(engine))).text
    for words in (
        made.BROKEN,
        made.GONE,
        "overdue",
        "1 of 4 appliances is critical, 1 has no recent data, 2 are ok.",
        "last good backup",
        "backups: success rate",
        "expected: missed",
    ):
        assert words in text


def test_long_tables_are_cut_without_javascript(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page without scripts shows some rows, and says how many more there are."""
    made.fill(engine)
    monkeypatch.setattr(markup, "ROWS", 1)
    text = Parts(page.page(gathered(engine))).text
    assert re.search(r"And \d+ more\.", text)


def test_same_archive_gives_the_same_page(engines: list[Engine]) -> None:
    """The page is byte-equal on both databases."""
    texts = set()
    for engine in engines:
        made.fill(engine)
        texts.add(page.page(gathered(engine)))
    assert len(texts) == 1


def test_empty_archive_has_a_page(engine: Engine) -> None:
    """The page says that the archive is empty."""
    empty(engine)
    found = page.page(gathered(engine))
    assert unpacked(found)["jobs"] == 0
    assert "No appliance is expected to have a backup." in Parts(found).text


@pytest.mark.parametrize("name", CHARTS)
def test_charts_are_valid(name: str) -> None:
    """Each chart is valid Vega-Lite, and uses only the given rows."""
    chart = CHARTS[name]
    vegalite_to_vega({**chart, "datasets": {"rows": [], "focus": []}})
    assert "url" not in re.sub(r'"\$schema": "[^"]*"', "", json.dumps(chart))


def test_library_can_be_embedded_in_a_page() -> None:
    """Nothing in it ends a script element early."""
    text = library.script()
    assert "vegaEmbed" in text
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)


def test_library_of_the_wheel_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the build put beside the package is used unchanged."""
    (tmp_path / library.NAME).write_text("window.vegaEmbed = null;", encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    library.script.cache_clear()
    try:
        assert library.script() == "window.vegaEmbed = null;"
    finally:
        library.script.cache_clear()
