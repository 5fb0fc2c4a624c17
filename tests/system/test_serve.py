"""The server with many readers, with a client that tries everything it describes, and in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.store import import_log
from docs.browser import find, launched
from tests.dashboard import made
from tests.support.archives import created, import_documents
from tests.support.command import at
from tests.support.configurations import written
from tests.support.samples import job
from tests.support.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from sqlalchemy.engine import Engine

    from tests.support.served import Served

# Set where tests must not be skipped for lack of a browser.
REQUIRED = "ARCHIVE_TEST_BROWSER_REQUIRED"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
READERS, IMPORTS = 20, 15
# A query for every report would take minutes.
FEW = r"^/(healthz|openapi\.json|reports|reports/rpo|reports/trends\.csv)$"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the option that names an empty configuration."""
    return f"--config={written(tmp_path_factory.mktemp('config'), '')}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, config: str) -> Iterator[Served]:
    """Give a server of the fleet of the dashboard's tests."""
    engine = created(tmp_path_factory.mktemp("filled") / "archive.db")
    made.fill(engine)
    with served(at(engine), config) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    if find() is None and not os.environ.get(REQUIRED):
        pytest.skip(f"no Chromium is installed, and ${REQUIRED} is not set")
    with launched() as running:
        yield running


def test_many_readers_while_imports_write(engine: Engine, config: str) -> None:
    """Every reader gets every answer, and no import waits for one for a second."""
    import_documents(engine, {"first": job()})
    ended = threading.Event()
    statuses: list[int] = []
    paths = ("", "reports/rpo.csv", "reports/trends.json", "metrics", "reports/summary", "healthz")

    with served(at(engine), config) as server:

        def read(number: int) -> None:
            while not ended.is_set():
                statuses.append(server.get(paths[number % len(paths)]).status)
                number += 1

        readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        times = []
        for number in range(IMPORTS):
            start = time.monotonic()
            with db.writing(engine) as connection:  # what an import waits for
                connection.exec_driver_sql("UPDATE setting SET value = value")
            times.append(time.monotonic() - start)
            import_documents(engine, {f"k{number}": job()}, f"vc{number:02}")
        ended.set()
        for reader in readers:
            reader.join()
        assert server.end() == (0, "")
    assert set(statuses) == {200}
    assert len(statuses) > READERS
    assert max(times) < 1
    with db.reading(engine) as connection:
        runs = list(import_log.logged_runs(connection, IMPORTS + 1))
    assert [run.outcome for run in runs] == ["complete"] * (IMPORTS + 1)


def test_server_keeps_its_description(server: Served, tmp_path: Path) -> None:
    """Schemathesis asks what the description allows, and what it does not."""
    tried = _schemathesis(server, tmp_path, "--include-path-regex", FEW, "--max-time=4")
    assert tried["code"] == 0, tried["said"]


@pytest.mark.ci
def test_server_keeps_its_whole_description(server: Served, tmp_path: Path) -> None:
    """As above, for every address."""
    tried = _schemathesis(server, tmp_path)
    assert tried["code"] == 0, tried["said"]


def _schemathesis(server: Served, folder: Path, *arguments: str) -> dict[str, Any]:
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")  # noqa: PTH118, PTH120 - not resolved
    # Days, sizes and durations have forms that no schema tells.
    command = [
        program, "run", f"{server.url}openapi.json", "--phases=coverage,fuzzing", "--max-examples=3",
        "--exclude-checks=positive_data_acceptance", "--warnings=off", "--no-color", "--seed=1",
        *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return {"code": done.returncode, "said": done.stdout[-8000:] + done.stderr}


def _shown(browser: Browser, url: str, **options: Any) -> tuple[Page, list[str], list[str]]:
    """Return an open page, its console messages, and the addresses that it asked for."""
    page = browser.new_context(**options).new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    return page, said, asked


def test_page_works_under_the_policy_of_the_server(browser: Browser, server: Served) -> None:
    """Its script runs, and it asks for nothing else."""
    page, said, asked = _shown(browser, server.url, viewport=WIDE)
    page.wait_for_selector("html[data-ready]", timeout=30_000)
    assert said == []
    assert [url for url in asked if not url.startswith("blob:")] == [server.url]
    page.context.close()


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("path", ["reports", "reports/summary", "reports/trends?since=2025-01-01"])
def test_pages_of_reports_are_accessible(
    browser: Browser, server: Served, path: str, viewport: dict[str, int], colours: str
) -> None:
    """axe-core finds no violation, and a phone needs no sideways scrolling of the page."""
    from axe_playwright_python.sync_playwright import Axe

    page, said, asked = _shown(browser, server.url + path, viewport=viewport, color_scheme=colours)
    broken = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in broken] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert said == []
    assert asked == [server.url + path]
    page.context.close()


def test_form_of_a_report_asks_for_it(browser: Browser, server: Served) -> None:
    """From the list of reports to one with options, and on to its data."""
    page, said, _ = _shown(browser, f"{server.url}reports", viewport=WIDE)
    page.get_by_role("link", name="trends", exact=True).click()
    page.get_by_text("Options").click()
    page.get_by_label("period").select_option("year")
    page.get_by_label("since").fill("2025-01-01")
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state()
    assert page.locator("tbody td:first-child").all_text_contents() == ["2026"]
    href = str(page.get_by_role("link", name="JSON").get_attribute("href"))
    rows = json.loads(server.get(f"reports/{href}").body)["rows"]
    assert [row["period"] for row in rows] == ["2026"]
    assert said == []
    page.context.close()
