"""When the next backup is due, on every surface: never a time that passed without an import."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.dashboard import gathered
from archive.dashboard.page import page
from archive.mail.letter import compose
from archive.maintenance.prunable import Cut
from archive.maintenance.prune import prune
from archive.reports import Scope, appliances, rpo
from tests.store.test_judged_backups import instant, text
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
LAST = BEGIN + timedelta(30, hours=3)
JOBS = [(BEGIN + timedelta(day, hours=2), "SCHEDULED", "SUCCEEDED") for day in range(31)]
DUE = instant(BEGIN + timedelta(31, hours=2))


def load(engine: Engine) -> None:
    """Fill an archive with an appliance that is well, and one whose last two backups failed."""
    documents = {
        begin.strftime("%Y%m%d-%H%M%S-1"): job("SUCCEEDED", type=kind, start_time=text(begin))
        for begin, kind, _ in JOBS
    }
    failed = dict(documents)
    for key in sorted(failed)[-2:]:
        failed[key] = failed[key] | {"status": "FAILED"}
    for back in range(4, -1, -1):
        seen = LAST - timedelta(back)
        until = seen.strftime("%Y%m%d-%H%M%S")
        for name, history in (("well", documents), ("failing", failed)):
            listed = {key: one for key, one in history.items() if key < until}
            import_documents(engine, listed, name, seen_at=instant(seen))


@pytest.mark.parametrize(
    ("hours", "well", "failing"),
    [
        (1, (DUE, None), (DUE, None)),  # it is still to come
        (24, (DUE, None), (None, "overdue")),  # the next import will tell
        (24 * 5, (None, "unknown"), (None, "overdue")),  # an import is missing
    ],
)
def test_next_due_is_said_as_overdue_or_unknown(
    engine: Engine,
    hours: int,
    well: tuple[str | None, str | None],
    failing: tuple[str | None, str | None],
) -> None:
    load(engine)
    now = instant(LAST + timedelta(hours=hours))
    scope = Scope(now=now)
    with db.reading(engine) as connection:
        for report in (rpo, appliances):
            rows = {row.appliance: row for row in report.select(connection, scope)}
            assert (rows["well"].next_due_time, rows["well"].next_due) == well
            assert (rows["failing"].next_due_time, rows["failing"].next_due) == failing
        shown = page(gathered.gather(connection, scope, {}))
    for _, word in (well, failing):
        assert word is None or f"<td>{word}</td>" in shown


def test_pruned_details_are_named_in_the_mail_and_on_the_page(engine: Engine) -> None:
    """The page of `archive serve` is the same one."""
    old = {"20250301-020000-1": job(start_time="2025-03-01T02:00:00.000Z")}
    import_documents(engine, old, "well", seen_at="2025-03-01T03:00:00.000000Z")
    load(engine)
    scope = Scope(now=instant(LAST), since="2025-01-01", until="2026-02-04")
    note = "before 2025-06-01 was pruned"
    for is_pruned in (False, True):
        with db.reading(engine) as connection:
            letter = compose(connection, scope)
            shown = page(gathered.gather(connection, scope, {}))
        assert [note in one for one in (letter.text, letter.html, shown)] == [is_pruned] * 3
        prune(engine, Cut("2025-06-01", "2025-06-01"))
