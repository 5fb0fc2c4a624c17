"""Tables of reports on a terminal of 80 columns, the usual width."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from archive import db, reports
from archive.render import table
from archive.reports import REPORTS, Scope
from tests.reports.nights import at, night
from tests.support.archives import import_documents

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = at("2026-03-31T12:00")
LONG = "vcenter-production-frankfurt-02.a-long-subdomain.datacentres.example.com"
SAID = "The location sftp://nas.example.com/exports/vcenter is full after 2.1 GB of 7.3 GB"


class Terminal(io.StringIO):
    """A text stream that pretends to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def troubled(engine: Engine) -> Engine:
    """Give an archive of twenty appliances, half of them in trouble, one with a long name."""
    messages = [{"id": "com.example.location_full", "default_message": SAID, "args": []}]
    for number in range(20):
        last = 31 if number % 3 else 25
        jobs = [
            night(f"2026-03-{day:02}T02:00", size=(3 + number) * 2**30, duration=300 + day)
            for day in range(1, last)
        ]
        if number % 2:
            jobs += [
                night(f"2026-03-{day}T02:00", "FAILED", messages=messages)
                for day in range(last, 32)
            ]
        name = LONG if number == 7 else f"vc{number:02}.ber.example.com"
        import_documents(engine, dict(jobs), name, at("2026-03-31T04:00"))
    return engine


def lines(engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the table of a report, without colours."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    scope, report = Scope(now=NOW), reports.find(name)
    out = Terminal()
    with db.reading(engine) as connection:
        rows = report.cells_of(scope, report.run(connection, scope))
        table.write(report.columns_of(scope), rows, out)
    return out.getvalue().splitlines()


def test_reports_fit_80_columns(troubled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is longer, and each report is still a table, not records."""
    for name in REPORTS:
        shown = lines(troubled, name, monkeypatch)
        assert max(map(len, shown)) <= 80, name
        assert not any(line.startswith("─[") for line in shown), name


def test_summary_fits_a_screen(troubled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the three lines of its notes it has at most 50, for a fleet in trouble."""
    shown = lines(troubled, "summary", monkeypatch)
    assert len(shown) + 3 <= 50
    assert any(line.startswith("  others ") for line in shown)
