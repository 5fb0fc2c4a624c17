"""Makes the pictures in `docs/images/`: `python -m docs.pictures`, which `make pictures` runs.

They show what is made of the demo's fleet, as of a day that is always the same.
"""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive import db
from archive.dashboard.gathered import gather
from archive.dashboard.page import page
from archive.db import migrate
from archive.demo.collection import collect
from archive.demo.fleet import plan
from archive.ingest.ingest import Source, ingest
from archive.reports import Scope
from docs import screen
from docs.browser import launched, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES = Path(__file__).parent / "images"
_UNTIL = datetime(2026, 11, 20, 8, tzinfo=UTC)
_NOW = "2026-11-20T08:00:00.000000Z"


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        path = Path(folder, "fleet.html")
        path.write_text(_dashboard(Path(folder, "demo.db")), encoding="utf-8")
        _picture(browser, path, "dashboard", "header", 1240, "light")
        _picture(browser, path, "appliance", "#one", 1240, "light")
        _picture(browser, path, "dashboard-dark", "#days", 1240, "dark")
        _picture(browser, path, "dashboard-phone", "header", 390, "light")
        asked = ("report", "summary", "--database", str(Path(folder, "demo.db")), "--now", _NOW)
        screen.picture(browser, IMAGES / "summary.png", 132, *asked)


def _dashboard(archive: Path) -> str:
    engine = migrate.connect(str(archive))
    migrate.upgrade(engine)
    for collected in collect(plan(_UNTIL)):
        stream: Any = io.BufferedReader(io.BytesIO(collected.content))
        ingest(engine, Source("demo", stream, collected.appliance, collected.seen_at))
    with db.reading(engine) as connection:
        return page(gather(connection, Scope(now=_NOW), {}))


def _picture(
    browser: Browser, path: Path, name: str, section: str, width: int, colours: Any
) -> None:
    """Take a picture of the page from a section on."""
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=colours)
    opened(shown, path)
    if section == "#one":
        shown.locator("#t-appliances button.name").first.click()
        shown.wait_for_selector("#one:not([hidden])")
    shown.locator(section).evaluate("(section) => section.scrollIntoView()")
    shown.screenshot(path=IMAGES / f"{name}.png")
    shown.close()


if __name__ == "__main__":
    main()
