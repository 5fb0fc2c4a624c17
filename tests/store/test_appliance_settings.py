from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, reports
from archive.db import tables
from archive.reports.core.scope import Scope
from archive.store import appliance_settings, judged_backups, settings
from archive.store.appliance_settings import Configured
from tests.store.test_judged_backups import BEGIN, DAYS, answer, differences, history, instant
from tests.support.archives import import_documents
from tests.support.command import archive, at

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

END = BEGIN + timedelta(DAYS)
LATER = instant(END + timedelta(100))


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """An appliance that backed up daily, and was imported for the last time 100 days ago."""
    chance = Random(3)  # noqa: S311 - a fleet, not a secret
    jobs = [row for row in history(chance, "daily") if row[0] < END]
    for days in range(DAYS - 6, DAYS + 1):
        now = BEGIN + timedelta(days)
        import_documents(engine, answer(jobs, now, 60, chance), "vc01", instant(now))
    return engine


def configure(engine: Engine, **values: Any) -> None:
    """Record the configured settings of the appliance."""
    configured = {
        "vc01": Configured(
            **{"cadence_seconds": None, "rpo_seconds": None, "retired": None} | values
        )
    }
    with db.writing(engine) as connection:
        appliance_settings.record(connection, settings.calendar(connection), configured)
    assert differences(engine) == 0


def rows(engine: Engine, name: str, **asked: Any) -> list[Any]:
    """Return the rows of a report as of LATER."""
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, Scope(now=LATER, **asked)))


@pytest.mark.parametrize("given", [{"retired": END.date().isoformat()}, {"enabled": False}])
def test_retired_appliance_raises_no_alarm(filled: Engine, given: dict[str, Any]) -> None:
    """It is not overdue, missing or not reporting any more, nor part of the growth of the fleet."""
    assert rows(filled, "rpo")[0].state == "no recent data"
    assert rows(filled, "collection")[0].not_reporting
    assert rows(filled, "growth")
    configure(filled, **given)
    assert rows(filled, "rpo")[0].state == "retired"
    assert not rows(filled, "collection")[0].not_reporting
    assert rows(filled, "growth") == []
    assert rows(filled, "missed", since=END.date().isoformat()) == []
    values = {row[:2]: row.value for row in rows(filled, "summary")}
    assert values["attention", "no recent data"] == values["collection", "not reporting"] == 0
    done = archive("check", at(filled), "--now", LATER, "--stale", "365d", "vc01")
    assert done.code == 0, done.out


def test_appliance_that_is_enabled_again_is_expected_as_before(filled: Engine) -> None:
    """While it is not enabled it counts as retired since its last import, or earlier if so configured."""
    before = rows(filled, "compliance")
    configure(filled, enabled=False)
    retired_at = _retired_at(filled)
    assert retired_at == instant(END)
    configure(filled, enabled=False, retired="2099-01-01")
    assert _retired_at(filled) == retired_at
    configure(filled)
    assert _retired_at(filled) is None
    assert rows(filled, "compliance") == before


def _retired_at(engine: Engine) -> Any:
    with db.reading(engine) as connection:
        return connection.execute(sa.select(tables.appliance.c.retired_at)).scalar_one()


def test_configured_cadence_and_rpo_are_recorded(filled: Engine) -> None:
    """Reports and SQL judge by them without the configuration; removing them takes them back."""
    configure(filled, cadence_seconds=12 * 3600)
    basis = {row.basis for row in rows(filled, "compliance")}
    assert basis == {"cadence"}
    configure(filled, rpo_seconds=3600)
    (row,) = rows(filled, "rpo")
    assert (row.state, row.rpo_seconds, row.rpo_from) == ("overdue", 3600, "rpo")
    configure(filled)
    assert {row.basis for row in rows(filled, "compliance")} == {"learned"}


def test_unknown_appliances_and_unchanged_settings_change_nothing(filled: Engine) -> None:
    with db.reading(filled) as connection:
        calendar = settings.calendar(connection)
        nothing = Configured(None, None, None)
        given = {"vc01": nothing, "vc99": Configured(60, 60, "2026-01-01")}
        assert appliance_settings.changes(connection, calendar, given) == []
        assert judged_backups.pending(connection) == 0
