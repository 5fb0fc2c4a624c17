"""A Chromium of the system, which looks at pages: for pictures, tests and measurements."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# As root, in a container, without a screen, and without any talk of its own.
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
LONGEST_MILLISECONDS = 30_000


def find() -> str | None:
    """Return the path of a Chromium, or None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a Chromium. Raises FileNotFoundError if there is none."""
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise FileNotFoundError(f"no Chromium is installed; there is none of: {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def opened(page: Page, path: Path) -> None:
    """Open a dashboard, and wait until it has drawn all of its charts."""
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=LONGEST_MILLISECONDS)
