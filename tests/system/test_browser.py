"""The page in a real browser. Without a Chromium these tests are skipped, unless it is required."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.dashboard import gathered as gathering
from archive.dashboard.page import TITLE, page
from archive.mail import letter
from archive.render import delimited
from archive.reports import Scope
from archive.store import collection_log
from docs.browser import find, launched, opened
from tests.dashboard import made
from tests.dashboard.made import BROKEN, FLAKY, GONE, GOOD, gathered
from tests.support.archives import created, import_documents
from tests.support.samples import exported, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator
    from sqlalchemy.engine import Engine

# Set where tests must not be skipped for lack of a browser.
REQUIRED = "ARCHIVE_TEST_BROWSER_REQUIRED"
WIDE = {"width": 1280, "height": 900}
DAYS: dict[str, Any] = {"since": "2024-07-01", "until": "2026-06-30"}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    if find() is None and not os.environ.get(REQUIRED):
        pytest.skip(f"no Chromium is installed, and ${REQUIRED} is not set")
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Give an archive with the fleet in it."""
    engine = created(tmp_path_factory.mktemp("filled") / "archive.db")
    made.fill(engine)
    return engine


@pytest.fixture(scope="module")
def path(filled: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of the fleet's page."""
    path = tmp_path_factory.mktemp("page") / "fleet.html"
    path.write_text(page(gathered(filled)), encoding="utf-8")
    return path


class Opened:
    """An open page, with its console messages and requests."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": WIDE, **options})
        self.context.set_offline(offline=True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.path = path
        opened(self.page, path)

    def cells(self, table: str) -> list[list[str]]:
        """Return the texts of a table's rows."""
        rows: list[list[str]] = self.page.locator(f"#t-{table} tbody").evaluate_all(
            "(all) => all.flatMap((body) => [...body.rows].map((row) =>"
            " [...row.cells].map((cell) => cell.textContent)))"
        )
        return rows

    def open_history(self, appliance: str) -> None:
        """Choose the name of an appliance."""
        self.page.locator("#t-appliances button.name", has_text=appliance).click()
        self.page.wait_for_selector("#one:not([hidden])")

    def of(self, section: str) -> str:
        """Return the text of a section about its scope."""
        return str(self.page.locator(f"#of-{section}").text_content())

    def choose(self, **choices: str) -> None:
        """Make selections, one after the other, and wait until they are shown."""
        for name, value in choices.items():
            before = self.page.locator("#chosen").text_content()
            field = self.page.locator(f"#{name}")
            if name == "filter":
                field.fill(value)
            else:
                field.select_option(value)
            self.page.wait_for_function(
                "(before) => document.getElementById('chosen').textContent !== before", arg=before
            )

    def heading(self, table: str, label: str) -> Locator:
        """Return the button of a column."""
        return self.page.locator(f"#t-{table} th button", has_text=re.compile(f"^{label}$"))


def written(engine: Engine, folder: Path) -> Path:
    """Write the page of an archive without tags to a file in a folder."""
    path = folder / "page.html"
    path.write_text(page(gathered(engine, {})), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser: Browser, path: Path) -> Iterator[Opened]:
    """Give the fleet's page on a wide screen; it must end without console messages and requests."""
    opened = Opened(browser, path)
    yield opened
    opened.context.close()
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("blob:")] == [path.as_uri()]


def test_every_chart_is_drawn(shown: Opened) -> None:
    """Without any network, and without console messages."""
    for name in ("heat", "rate", "outcomes", "sizes", "durations", "reasons", "growth"):
        assert shown.page.locator(f"#{name} svg path").count() > 2, name
    assert shown.page.locator("#waiting").is_hidden()


def test_script_formats_values_as_python_does(browser: Browser, shown: Opened) -> None:
    """Tables have the same texts with and without the script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shown.path.as_uri())
    for name in ("not-reporting", "missed", "stuck", "anomalies"):
        plain: list[str] = page.locator(f"#t-{name} td").all_text_contents()
        theirs = [text for row in shown.cells(name) for text in row]
        assert plain[: len(theirs)] == theirs
        assert bool(plain) == bool(theirs)
    # Without a script, the table of appliances has no days.
    plain = page.locator("#t-appliances td").all_text_contents()
    assert plain == [text for row in shown.cells("appliances") for text in row[:-1]]
    assert page.locator("#verdict").text_content() == shown.page.locator("#verdict").text_content()
    boxes = [one.locator(".tile .value").all_text_contents() for one in (page, shown.page)]
    assert boxes[0] == boxes[1]
    assert page.locator("#more, .made, #choose").first.is_hidden()
    context.close()


def test_hostile_text_stays_text(shown: Opened) -> None:
    """Text that looks like markup is shown, not run: in tables, charts, tooltips and selections."""
    assert shown.page.title() == TITLE
    reasons = shown.cells("reasons")
    assert [made.WICKED, made.HOSTILE] in [[row[0], row[-1]] for row in reasons]
    assert made.WICKED in shown.page.locator("#reasons text").all_text_contents()
    assert any(row[-1] == made.HOSTILE for row in shown.cells("missed"))
    assert "site=<i>berlin</i>" in shown.page.locator("#tag option").all_text_contents()
    assert shown.page.locator("b, u, i, img").count() == 0
    shown.page.locator("#reasons svg path[fill^='var(--failed)']").last.hover()
    shown.page.wait_for_selector("#tip:not([hidden])")
    assert "failed on" in str(shown.page.locator("#tip").text_content())


def test_appliances_are_selected(shown: Opened) -> None:
    """By parts of names, globs and tags; every table of appliances follows."""
    assert [row[0] for row in shown.cells("fleet")] == [BROKEN, GONE, GOOD, FLAKY]
    shown.choose(filter="vc0[")
    assert shown.cells("fleet") == []
    shown.choose(filter="VC02, *4.example*")
    assert [row[0] for row in shown.cells("fleet")] == [GONE, FLAKY]
    assert [row[1] for row in shown.cells("appliances")] == [GONE, FLAKY]
    assert [row[0] for row in shown.cells("not-reporting")] == [GONE]
    assert {row[0] for row in shown.cells("collection")} == {GONE, FLAKY}
    assert [row[0] for row in shown.cells("growth")] == [FLAKY, GONE]
    shown.choose(filter="", tag='["site","<i>berlin</i>"]')
    assert [row[0] for row in shown.cells("fleet")] == [BROKEN]
    assert [row[0] for row in shown.cells("reasons")] == [made.WICKED]


def test_figures_match_the_reports(shown: Opened, filled: Engine) -> None:
    """For all appliances, and for one: counts equal `trends`, percentiles are within 1 %."""
    shown.choose(period="0")
    assert shown.page.locator("#grain").input_value() == "month"
    shown.page.locator("#d-trends summary").click()
    for names in ((), (FLAKY,)):
        if names:
            shown.choose(filter=names[0])
        with shown.page.expect_download() as download:
            shown.page.locator("#t-trends button", has_text="CSV").click()
        text = download.value.path().read_bytes().decode()
        rows = [line.split(",") for line in text.split("\r\n")[1:-1]]
        report_rows = made.run(filled, "trends", appliances=names, **DAYS)
        reported = {row.period: row for row in report_rows}
        ran = [row for row in rows if int(row[1]) or int(row[2])]
        assert [row[0] for row in ran] == list(reported)
        for period, succeeded, failed, rate, size, _, median, p95 in ran:
            row = reported[period]
            assert (int(succeeded), int(failed), float(rate)) == (*row[3:5], row.success_rate)
            near = ((size, row.size_median_bytes), (median, row.duration_median_seconds),
                    (p95, row.duration_p95_seconds))  # fmt: skip
            for ours, theirs in near:
                assert abs(int(ours) - theirs) <= theirs / 100


def test_sections_follow_the_selected_days(
    browser: Browser, filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trends and failures follow the period, builds and collection do not; each section says so.

    The page of a large fleet has the failures of 90 days.
    """
    monkeypatch.setattr(gathering, "ALL_UP_TO", 3)
    monkeypatch.setattr(gathering, "WORST", 2)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(filled)), encoding="utf-8")
    found = Opened(browser, path)
    for period, since in (("30", "2026-06-01"), ("365", "2025-07-01"), ("0", "2024-07-01")):
        found.choose(period=period)
        lately = {"since": max(since, "2026-04-02"), "until": "2026-06-30"}
        failed = [[row[0], str(row.leading)] for row in made.run(filled, "failures", **lately)]
        assert [row[:2] for row in found.cells("reasons")] == failed
        reported = [str(row.finished) for row in made.run(filled, "builds")]
        assert [row[4] for row in found.cells("builds")] == reported
        imports = [[row[0], str(row.imports)] for row in made.run(filled, "collection", **DAYS)]
        assert [[row[0], row[5]] for row in found.cells("collection")] == imports
        days = f"{since} to 2026-06-30"
        assert found.of("trends") == f"{days}, all 4 appliances. 2026-06-30 is not over yet."
        further = "" if period == "30" else " For more days, run archive report failures."
        reasons = f"{lately['since']} to 2026-06-30, all 4 appliances.{further}"
        assert found.of("reasons") == reasons
        builds = "All days of the archive, all 4 appliances, for any selected period."
        assert found.of("builds") == builds
        assert "of all days of this page, 2024-07-01 to 2026-06-30" in found.of("collection")
    found.choose(filter=BROKEN)
    assert "1 selected appliance shown individually." in found.of("trends")
    assert found.of("growth").startswith(
        "From the successes of the last 365 days, for any selected period"
    )
    assert found.said == []
    found.context.close()


def test_tables_are_sorted(shown: Opened) -> None:
    """By each column: numbers in descending order first, then the reverse; NULL last."""
    shown.heading("fleet", "failed").click()
    failed = [int(row[6]) for row in shown.cells("fleet")]
    assert failed == sorted(failed, reverse=True)
    head = shown.page.locator("#t-fleet th[aria-sort]")
    assert head.get_attribute("aria-sort") == "descending"
    shown.page.keyboard.press("Enter")  # the focus has stayed
    failed = [int(row[6]) for row in shown.cells("fleet")]
    assert failed == sorted(failed)
    assert head.get_attribute("aria-sort") == "ascending"
    shown.heading("fleet", "appliance").click()
    assert [row[0] for row in shown.cells("fleet")] == [GOOD, FLAKY, BROKEN, GONE]
    shown.choose(period="30")
    for _ in range(2):
        shown.heading("fleet", "size median").click()
        assert shown.cells("fleet")[-1][0] == GONE


def test_table_is_saved_as_csv(shown: Opened, filled: Engine) -> None:
    """The file equals the command's output, with formulas disarmed."""
    found = next(table for table in gathered(filled).attention if table.name == "not-reporting")
    expected = io.StringIO(newline="")
    delimited.write(found.columns, found.rows, expected)
    with shown.page.expect_download() as download:
        shown.page.locator("#t-not-reporting button", has_text="CSV").click()
    assert download.value.suggested_filename == "not-reporting.csv"
    assert download.value.path().read_bytes().decode() == expected.getvalue()
    with shown.page.expect_download() as download:
        shown.page.locator("#t-reasons button", has_text="CSV").click()
    text = download.value.path().read_bytes().decode()
    assert delimited.cell(made.WICKED) in text
    assert text.count(delimited.cell(made.HOSTILE)) == 1


def test_boxes_lead_to_what_they_count(shown: Opened) -> None:
    """A box of a severity selects these appliances; another one leads to a table of so many rows."""
    links = shown.page.locator(".tile a")
    assert links.count() == 8
    for place in range(links.count()):
        shown.page.locator("#state").select_option("")
        shown.page.wait_for_timeout(50)
        number = shown.page.locator(".tile .value").nth(place).text_content()
        href = str(links.nth(place).get_attribute("href"))
        links.nth(place).click()
        shown.page.wait_for_timeout(50)
        table = "appliances" if href == "#fleet" else href.removeprefix("#t-")
        for button in shown.page.locator(f"#t-{table} button", has_text="Show all").all():
            button.click()
        assert len(shown.cells(table)) == int(str(number)), href
        box, bar = (
            shown.page.locator(href).bounding_box(),
            shown.page.locator("#choose").bounding_box(),
        )
        assert box
        assert bar
        assert box["y"] >= bar["y"]


def test_filter_changes_boxes_tables_and_verdict(shown: Opened) -> None:
    """Boxes count the selected appliances; a selected state does not change the boxes of states."""

    def boxes() -> list[str]:
        return shown.page.locator(".tile .value").all_text_contents()[:4]

    verdict = shown.page.locator("#verdict")
    assert str(verdict.text_content()).endswith(
        "1 of 4 appliances is critical, 1 has no recent data, 2 are ok."
    )
    assert boxes() == ["1", "0", "1", "2"]
    shown.choose(filter="vc01,vc02")
    assert str(verdict.text_content()).endswith("All 2 appliances are ok.")
    assert boxes() == ["0", "0", "0", "2"]
    shown.choose(filter="", state="critical")
    assert [row[1] for row in shown.cells("appliances")] == [BROKEN]
    assert boxes() == ["1", "0", "1", "2"]
    assert {row[0] for row in shown.cells("missed")} == {BROKEN}
    assert shown.cells("figures")[1][:2] == ["backups: failed", "5"]
    assert shown.cells("figures")[3][3].endswith(" points")


def test_appliance_has_a_history(shown: Opened, filled: Engine) -> None:
    """A name opens it, at an address of its own; the other sections follow, and the way back works."""
    shown.page.locator("#t-appliances button.name", has_text=BROKEN).click()
    shown.page.wait_for_selector("#one:not([hidden])")
    assert shown.page.evaluate("location.hash") == f"#appliance={BROKEN}"
    assert shown.page.locator("#h-one").text_content() == BROKEN
    (row,) = (one for one in made.run(filled, "appliances") if one.appliance == BROKEN)
    facts = str(shown.page.locator("#one-facts").text_content())
    assert f"{row.success_end_time[:10]} {row.success_end_time[11:16]}" in facts
    assert "consecutive failures5" in facts
    assert [one[1] for one in shown.cells("one-jobs")][:6] == [*["failed"] * 5, "succeeded"]
    assert shown.cells("one-jobs")[0][4] == made.HOSTILE
    assert [one[0] for one in shown.cells("one-builds")] == ["8.0.3.00400 (24322831)"]
    assert shown.page.locator(".weeks .of-failed").count() == 5
    assert [one[0] for one in shown.cells("fleet")] == [BROKEN]
    assert str(shown.page.locator("#chosen").text_content()).startswith(
        "1 of 4 appliances selected"
    )
    shown.page.locator("#back").click()
    shown.page.wait_for_selector("#one", state="hidden")
    assert len(shown.cells("appliances")) == 4
    shown.page.go_back()
    shown.page.wait_for_selector("#one:not([hidden])")


def test_history_says_that_a_backup_runs(browser: Browser, engine: Engine, tmp_path: Path) -> None:
    """An appliance whose last backup is in progress may be ok; one whose backup ended does not say so."""
    nights = dict(map(made.night, range(1, 40)))
    import_documents(engine, nights | dict([made.night(0)]), GOOD, made.NOW)
    import_documents(engine, nights | dict([made.night(0, "RUNNING")]), FLAKY, made.NOW)
    found = Opened(browser, written(engine, tmp_path))
    for name, text in ((GOOD, "✓ ok "), (FLAKY, "✓ ok a backup is in progress")):
        found.open_history(name)
        assert found.page.locator("#one-facts p").text_content() == text
        found.page.locator("#back").click()
    found.context.close()


def test_history_of_an_appliance_that_never_answered(
    browser: Browser, engine: Engine, tmp_path: Path
) -> None:
    """It has no last import, and no single backups that another page could have."""
    import_documents(engine, dict(map(made.night, range(9))), GOOD, made.NOW)
    number = collection_log.begin(engine, 1)
    attempt = collection_log.Attempt(GONE, made.NOW, None, "failed", "no route", None)
    collection_log.record_failure(engine, number, attempt)
    collection_log.finish(engine, number)
    found = Opened(browser, written(engine, tmp_path))
    found.open_history(GONE)
    assert "last importnone" in str(found.page.locator("#one-facts").text_content())
    assert found.page.locator("#one-days").text_content() == (
        "It has never answered, so nothing is known of its backups."
    )
    found.context.close()


def test_boxes_of_a_history_count_what_it_shows(shown: Opened) -> None:
    """They lead to its rows, not to those of all appliances."""
    shown.open_history(BROKEN)
    for name in ("missed", "fleet"):
        shown.page.locator(f".tile a[href$='{name}']").first.click()
        shown.page.wait_for_timeout(200)
        assert shown.page.evaluate("location.hash") == f"#appliance={BROKEN}"
    assert [one[0] for one in shown.cells("missed")] == [BROKEN] * 5
    shown.page.locator("#back").click()
    shown.page.wait_for_selector("#one", state="hidden")


@pytest.mark.parametrize(
    ("failures", "start"), [(0, "95 %"), (1, "95 %"), (8, "90 %"), (99, "0 %")]
)
def test_axis_of_rates_starts_below_the_smallest(
    browser: Browser, engine: Engine, tmp_path: Path, failures: int, start: str
) -> None:
    """So that 97 and 99 % can be distinguished."""
    for number in range(100):
        night = made.night(1, "FAILED" if number < failures else "SUCCEEDED")
        import_documents(engine, dict([night]), f"vc{number:02}", made.NOW)
    found = Opened(browser, written(engine, tmp_path))
    labels = found.page.locator("#rate .role-axis-label text").all_text_contents()
    assert next(label for label in labels if "%" in label) == start
    assert "100 %" in labels
    found.context.close()


def test_imports_of_several_appliances_are_counted(
    browser: Browser, engine: Engine, tmp_path: Path
) -> None:
    """They are in no row of the collection history, and its text says so."""
    text = " Not counted: 1 import of several appliances."
    import_documents(engine, dict([made.night(1)]), GOOD, made.NOW)
    found = Opened(browser, written(engine, tmp_path))
    assert text not in found.of("collection")
    found.context.close()
    key, info = made.night(0)
    lines = [exported(key, appliance=name, info=info) for name in (GOOD, FLAKY)]
    import_documents(engine, stream(*lines), None, made.NOW, "export.jsonl")
    found = Opened(browser, written(engine, tmp_path))
    assert found.of("collection").endswith(text)
    found.context.close()


def test_address_that_was_cut_off_opens_the_page(browser: Browser, path: Path) -> None:
    """A mail program may cut a link within an encoded character."""
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{path.as_uri()}#appliance=%E6%97")
    tab.wait_for_selector("html[data-ready]")
    assert tab.locator("#one").is_hidden()
    context.close()


def test_times_are_those_of_the_archive(browser: Browser, engine: Engine, tmp_path: Path) -> None:
    """The page says which zone; pointing at a time shows it in UTC. CSV has UTC."""
    import_documents(engine, dict(map(made.night, range(20))), GOOD, made.NOW)
    content = replace(gathered(engine, {}), zone="Asia/Kolkata")
    path = tmp_path / "page.html"
    path.write_text(page(content), encoding="utf-8")
    found = Opened(browser, path, timezone_id="America/New_York")
    assert "all times in Asia/Kolkata" in str(found.page.locator("header").text_content())
    cell = found.page.locator("#t-appliances td.of-age")
    assert "2026-06-30 07:35" in str(cell.text_content())
    assert cell.get_attribute("title") == "2026-06-30 02:05:00Z"
    with found.page.expect_download() as download:
        found.page.locator("#t-appliances button", has_text="CSV").click()
    assert ",2026-06-30T02:05:00.000000Z," in download.value.path().read_text()
    found.context.close()


def test_day_in_progress_is_no_gap(browser: Browser, engine: Engine, tmp_path: Path) -> None:
    """Today without a backup yet is drawn as a day that is not over."""
    evenings = {}
    for key, job in map(made.night, range(1, 20)):
        times = {name: job[name].replace("T02:", "T20:") for name in ("start_time", "end_time")}
        evenings[key] = job | times
    import_documents(engine, evenings, GOOD, made.NOW)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(engine, {})), encoding="utf-8")
    found = Opened(browser, path)
    assert found.page.locator(".strip .of-pending").count() == 1
    assert found.page.locator("#heat svg text", has_text="·").count() == 1
    found.context.close()


def test_long_names_break_after_dots(browser: Browser, engine: Engine, tmp_path: Path) -> None:
    """Only if there is no room; the accessible and copied text stays unchanged."""
    long = "vc05.a-data-centre.corp.example.com"
    import_documents(engine, dict(map(made.night, range(9, 20))), long, made.NOW)
    import_documents(engine, dict(map(made.night, range(9, 20))), GOOD, made.NOW)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(engine, {})), encoding="utf-8")
    found = Opened(browser, path, viewport=PHONE)
    cells = found.page.locator("#t-appliances td.of-name button")
    assert sorted(cells.all_text_contents()) == [GOOD, long]
    assert sorted(cells.nth(place).locator("wbr").count() for place in (0, 1)) == [0, 3]
    found.context.close()


def test_mail_fits_a_phone(browser: Browser, filled: Engine, tmp_path: Path) -> None:
    """Nothing in it is wider: a mail program would show all of it smaller otherwise."""
    with db.reading(filled) as connection:
        composed = letter.compose(connection, Scope(now=made.NOW))
    path = tmp_path / "mail.html"
    path.write_text(composed.html, encoding="utf-8")
    shown = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]  # a size
    shown.goto(path.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shown.close()


def test_boxes_stand_in_a_row_on_a_wide_screen(browser: Browser, path: Path) -> None:
    """At 1240 pixels, too: none is left alone on a second row."""
    found = Opened(browser, path, viewport={"width": 1240, "height": 900})
    tops = "(boxes) => boxes.map((box) => box.getBoundingClientRect().top)"
    assert len(set(found.page.locator(".tile").evaluate_all(tops))) == 1
    found.context.close()


def test_message_ids_are_shortened_at_the_start_on_a_phone(browser: Browser, path: Path) -> None:
    """Ids of one vendor begin alike. Ids that would become equal stay whole."""
    found = Opened(browser, path, viewport=PHONE)
    labels = found.page.locator("#reasons text").all_text_contents()
    assert f"…{made.WICKED[-22:]}" in labels
    assert "disk.full" in labels
    found.context.close()


def test_calendar_by_keyboard(shown: Opened) -> None:
    """Arrow keys go from cell to cell, and a sentence describes each."""
    said = shown.page.locator("#heat-said")
    shown.page.locator("#heat").focus()
    shown.page.keyboard.press("ArrowDown")  # which begins with today, of the worst appliance
    assert str(said.text_content()).startswith(f"{BROKEN}, 2026-06-30: failed; backups: 1 failed")
    assert made.HOSTILE in str(said.text_content())
    for key, words in (
        ("ArrowDown", f"{GONE}, 2026-06-30: "),
        ("End", f"{GONE}, 2026-06-30: "),
        ("ArrowUp", f"{BROKEN}, 2026-06-30: failed"),
        ("ArrowLeft", f"{BROKEN}, 2026-06-29: failed"),
        ("Home", f"{BROKEN}, 2026-04-02: succeeded"),
        ("ArrowLeft", f"{BROKEN}, 2026-04-02: succeeded"),
    ):
        shown.page.keyboard.press(key)
        shown.page.wait_for_timeout(50)
        assert str(said.text_content()).startswith(words), key
    assert shown.page.locator("#heat svg path[stroke='var(--focus)']").count() == 1


def test_calendar_with_a_mouse(shown: Opened) -> None:
    """A cell shows its outcome, with the message."""
    shown.page.locator("#heat svg text[fill='var(--on-failed)']").first.hover()
    shown.page.wait_for_selector("#tip:not([hidden])")
    tip = str(shown.page.locator("#tip").text_content())
    assert "failed" in tip
    assert made.HOSTILE in tip or "The disk of the target is full" in tip


def test_calendar_as_a_table(shown: Opened) -> None:
    """With the same cells, and every outcome in words."""
    shown.page.locator("#d-heat summary").click()
    shown.page.locator("#t-heat button", has_text="Show all").click()
    rows = shown.cells("heat")
    assert len(rows) == shown.page.locator("#heat g.layer_0_marks path").count()
    assert {row[2].split(":")[0] for row in rows} >= {
        "succeeded",
        "failed",
        "did not run",
        "no data",
    }


def test_weeks_and_months(shown: Opened) -> None:
    """A cell for several days has the number of good ones."""
    shown.choose(period="365")
    shown.page.locator("#heat").focus()
    shown.page.keyboard.press("End")
    said = str(shown.page.locator("#heat-said").text_content())
    assert said.startswith(f"{BROKEN}, 2026-W27: failed (days: 0 succeeded, 2 failed)")
    shown.choose(grain="month")
    shown.page.keyboard.press("End")
    said = str(shown.page.locator("#heat-said").text_content())
    assert said.startswith(
        f"{BROKEN}, 2026-06: some succeeded, some did not (days: 25 succeeded, 5 failed)"
    )


def test_colour_scheme_can_be_chosen(shown: Opened) -> None:
    """Light and dark, whatever the system has; charts follow without being drawn again."""
    colour = "() => getComputedStyle(document.body).backgroundColor"
    bright = shown.page.evaluate(colour)
    cell = shown.page.locator("#heat svg path[fill='var(--success)']").first
    before = cell.evaluate("(path) => getComputedStyle(path).fill")
    shown.page.locator("#theme").select_option("dark")
    assert shown.page.evaluate(colour) != bright
    assert cell.evaluate("(path) => getComputedStyle(path).fill") != before


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_accessibility(
    browser: Browser, path: Path, viewport: dict[str, int], colours: str
) -> None:
    """axe-core finds no violation, and a phone needs no sideways scrolling."""
    from axe_playwright_python.sync_playwright import Axe

    found = Opened(browser, path, viewport=viewport, color_scheme=colours)
    for details in ("#d-heat", "#d-trends"):
        found.page.locator(f"{details} summary").click()
    broken = Axe().run(found.page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in broken] == []
    assert found.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    found.page.locator("#t-appliances button.name").first.click()
    found.page.wait_for_selector("#one:not([hidden])")
    broken = Axe().run(found.page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in broken] == []
    assert found.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert found.said == []
    found.context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_placeholder_can_be_read(browser: Browser, path: Path, colours: str) -> None:
    """A browser's own grey has too little contrast, which axe-core does not look at."""
    found = Opened(browser, path, color_scheme=colours)
    field = found.page.locator("#filter")
    text, ground = field.evaluate(
        "(field) => [getComputedStyle(field, '::placeholder').color, getComputedStyle(field).backgroundColor]"
    )
    dark, bright = sorted(map(_luminance, (text, ground)))
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
    found.context.close()


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour such as `rgb(169, 180, 192)`, as WCAG defines it."""
    shares = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_axis_of_few_jobs_has_whole_numbers(shown: Opened) -> None:
    """There is no half of a job."""
    shown.choose(filter=GOOD)
    shown.page.wait_for_selector("#outcomes svg")
    labels = shown.page.locator("#outcomes .mark-text.role-axis-label").last.text_content()
    assert labels == "01"


def test_printing(browser: Browser, path: Path) -> None:
    """A dark page prints light, on A4, without controls, and no wider than the paper."""
    found = Opened(browser, path, color_scheme="dark")
    pdf = found.page.pdf(prefer_css_page_size=True)
    boxes = set(re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}
    found.page.emulate_media(media="print", color_scheme="dark")
    paper = found.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    for hidden in ("#choose", "#d-heat", "#keys", "#t-missed .row button", "#t-missed th button"):
        assert found.page.locator(hidden).first.is_hidden()
    # Chromium does not repeat buttons in the header of a table on the next page, so headers are texts.
    head = found.page.locator("#t-missed th").first
    label = head.evaluate("(head) => getComputedStyle(head, '::before').content")
    assert label == '"appliance"'
    found.context.close()


def test_summed_up_fleet(
    browser: Browser, filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums are of all appliances, the calendar has the worst, and the page says so."""
    monkeypatch.setattr(gathering, "ALL_UP_TO", 3)
    monkeypatch.setattr(gathering, "WORST", 2)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(filled)), encoding="utf-8")
    found = Opened(browser, path)
    said = str(found.page.locator("#rest").text_content())
    assert "Of 4 appliances, the 2 that need most attention" in said
    assert [row[0] for row in found.cells("fleet")] == [BROKEN, GONE]
    found.choose(period="0")
    found.page.locator("#d-trends summary").click()
    found.page.wait_for_selector("#t-trends tbody")
    reported = made.run(filled, "trends", **DAYS)
    months = [row[:3] for row in found.cells("trends")]
    assert months == [[row.period, str(row.succeeded), str(row.failed)] for row in reported]
    assert {row[0] for row in found.cells("reasons")} == {made.WICKED, "disk.full"}
    found.choose(filter=BROKEN)
    assert {row[0] for row in found.cells("reasons")} == {made.WICKED}
    found.choose(filter="", tag='["site","london"]')  # an appliance that only tables have
    assert str(found.page.locator("#chosen").text_content()).startswith(
        "1 of 4 appliances selected; 0 shown individually."
    )
    assert {row[0] for row in found.cells("collection")} == {FLAKY}
    assert "without 1 other; to include all, create a page of them" in found.of("trends")
    assert found.said == []
    found.context.close()


def test_every_appliance_has_its_last_days(
    browser: Browser, shown: Opened, filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a page of more appliances than it shows individually, too, and the same ones."""
    monkeypatch.setattr(gathering, "ALL_UP_TO", 3)
    monkeypatch.setattr(gathering, "WORST", 1)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(filled)), encoding="utf-8")
    found = Opened(browser, path)
    labels = "(all) => all.map((strip) => strip.getAttribute('aria-label'))"
    each = [one.page.locator("#t-appliances .strip").evaluate_all(labels) for one in (found, shown)]
    assert each[0] == each[1]
    assert len(set(each[0])) == 4
    found.page.locator("#t-appliances button.name", has_text=FLAKY).click()
    found.page.wait_for_selector("#one:not([hidden])")
    assert found.page.locator("#one .strip").evaluate_all(labels) == each[0][-1:]
    assert f"archive dashboard --appliance {FLAKY}" in str(
        found.page.locator("#one").text_content()
    )
    assert found.page.locator("#t-one-builds").text_content() == ""  # nothing is known of them
    assert found.said == []
    found.context.close()


def test_empty_archive(browser: Browser, tmp_path: Path) -> None:
    """The page of an empty archive has no console messages, either."""
    engine = created(tmp_path / "archive.db")
    path = tmp_path / "page.html"
    path.write_text(page(gathered(engine, {})), encoding="utf-8")
    found = Opened(browser, path)
    assert found.said == []
    assert "no appliance selected" in str(found.page.locator("#window").text_content())
    found.context.close()


def test_paper_has_all_rows(browser: Browser, engine: Engine, tmp_path: Path) -> None:
    """A table of up to 1,000 rows is printed whole; afterwards it is as before."""
    for number in range(30):
        import_documents(engine, dict([made.night(1)]), f"vc{number:02}", made.NOW)
    path = tmp_path / "page.html"
    path.write_text(page(gathered(engine, {})), encoding="utf-8")
    found = Opened(browser, path)
    assert len(found.cells("appliances")) == 25
    assert "25 of 30 rows" in str(found.page.locator("#t-appliances").text_content())
    found.page.locator("#d-heat summary").click()
    found.page.wait_for_selector("#t-heat table")
    assert "25 of 2,250" in str(found.page.locator("#t-heat").text_content())
    for event, rows, long in (("beforeprint", 30, 100), ("afterprint", 25, 25)):
        found.page.evaluate(f"() => dispatchEvent(new Event('{event}'))")
        assert len(found.cells("appliances")) == rows
        assert len(found.cells("heat")) == long
    found.context.close()


def test_boxes_count_rows_that_the_file_leaves_out(
    browser: Browser, filled: Engine, tmp_path: Path
) -> None:
    """Of the selected appliances only, like the rows that it has."""
    whole = gathered(filled)
    missed = [row[0] for one in whole.attention if one.name == "missed" for row in one.rows]
    cut = [
        replace(one, rows=one.rows[:2], left_out=len(missed) - 2, left_of=Counter(missed[2:]))
        if one.name == "missed"
        else one
        for one in whole.attention
    ]
    path = tmp_path / "page.html"
    path.write_text(page(replace(whole, attention=tuple(cut))), encoding="utf-8")
    found = Opened(browser, path)
    box = found.page.locator(".tile:has(a[href='#t-missed']) .value")
    for names in ((), (BROKEN,), (GOOD, FLAKY)):
        if names:
            found.choose(filter=",".join(names))
        number = sum(not names or name in names for name in missed)
        assert box.text_content() == str(number)
        left = number - len(found.cells("missed"))
        assert (
            f"{left} further row" in str(found.page.locator("#t-missed").text_content())
        ) is bool(left)
    found.context.close()


def test_days_without_any_import_have_no_data(shown: Opened) -> None:
    """An appliance that is not reporting is not drawn as one that nothing was expected of."""
    row = shown.page.locator("#t-appliances tr", has_text=GONE)
    assert row.locator(".strip").get_attribute("aria-label") == "last 30 days: 30 no data"


def test_reasons_and_messages_are_in_sight_on_a_phone(browser: Browser, path: Path) -> None:
    """Nothing of a problem is beyond the edge of the screen."""
    found = Opened(browser, path, viewport=PHONE)
    for table in found.page.locator(".cards .scroll").all():
        assert table.evaluate("(scroll) => scroll.scrollWidth <= scroll.clientWidth")
    found.page.locator("#t-appliances button.name", has_text=BROKEN).click()
    found.page.wait_for_selector("#one:not([hidden])")
    scroll = found.page.locator("#t-one-jobs .scroll")
    assert scroll.evaluate("(scroll) => scroll.scrollWidth <= scroll.clientWidth")
    found.page.locator(".weeks .of-failed").last.click()
    assert "failed" in str(found.page.locator("#tip").text_content())
    found.context.close()
