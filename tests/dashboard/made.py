"""A fleet for the page: half a year of nights, most of them good, and hostile texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archive import db, reports
from archive.dashboard.gathered import gather
from archive.reports import Scope
from tests.support.archives import import_documents
from tests.support.copies import copied
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Engine

    from archive.dashboard.gathered import Gathered

LAST = datetime(2026, 6, 30, 2, tzinfo=UTC)
NOW = "2026-06-30T08:00:00.000000Z"
NIGHTS = 180
GOOD, FLAKY, BROKEN, GONE = (
    "vc01.example.com",
    "vc02.example.com",
    "vc03.example.com",
    "vc04.example.com",
)
# Would do harm if taken for markup, an expression, a formula or a template.
HOSTILE = (
    "<script>document.title='x'</script>{{data}}\"'&amp;</script><!--<img src=x onerror=alert(1)>"
)
WICKED = "=<b onclick='alert(1)'>[{{title}}]"
TAGS: dict[str, dict[str, str]] = {
    GOOD: {"site": "berlin"},
    FLAKY: {"site": "london"},
    BROKEN: {"site": "<i>berlin</i>"},
}
BUILD = {"version_name": "<u>8.0</u>", "version": "8.0.3.00400", "build_number": "24322831"}


def failure(text: str, message_id: str) -> dict[str, Any]:
    return {"messages": [{"id": message_id, "default_message": text, "args": []}]}


def night(number: int, status: str = "SUCCEEDED", **fields: Any) -> tuple[str, Any]:
    """Return a key and a job of a night, counted back from the last one."""
    start = LAST - timedelta(days=number)
    fields_of_status = {
        "start_time": f"{start:%Y-%m-%dT%H:%M:%S}.000Z",
        "end_time": f"{start + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}.000Z",
        "size": (1 << 30) + (NIGHTS - number) * (1 << 20),
        "duration": 300 + number % 7,
        "build": BUILD,
    }
    return f"{start:%Y%m%d-%H%M%S}-1", job(status, **fields_of_status | fields)


@copied
def fill(engine: Engine) -> None:
    """Ingest the fleet's jobs; one appliance has not reported for two months."""
    disk = failure("The disk of the target is full", "disk.full")
    import_documents(engine, dict(map(night, range(NIGHTS))), GOOD, NOW)
    flaky = [
        night(number, "FAILED", **disk) if number % 9 == 4 else night(number)
        for number in range(NIGHTS)
        if number % 20 != 11
    ]
    import_documents(engine, dict(flaky), FLAKY, NOW)
    broken = [
        night(number, "FAILED", **failure(HOSTILE, WICKED)) if number < 5 else night(number)
        for number in range(NIGHTS)
    ]
    import_documents(engine, dict(broken), BROKEN, NOW)
    gone = [night(number) for number in range(60, NIGHTS)]
    last_import = (LAST - timedelta(days=59)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    import_documents(engine, dict(gone), GONE, last_import)


def run(engine: Engine, name: str, **scope: Any) -> list[Any]:
    """Return the rows of a report as of the last day."""
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, Scope(now=NOW, **scope)))


def gathered(
    engine: Engine, tags: Mapping[str, Mapping[str, str]] | None = None, **scope: Any
) -> Gathered:
    """Return the content of the page of an archive."""
    with db.reading(engine) as connection:
        return gather(connection, Scope(now=NOW, **scope), TAGS if tags is None else tags)
