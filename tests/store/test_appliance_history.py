from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.calendar import FIRST_DAY, iso, ordinal
from archive.store import appliance_history
from archive.store.appliance_history import Window
from tests.store.test_judged_backups import BEGIN, DAYS, RHYTHMS, answer, history, instant
from tests.support.archives import import_documents

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from archive.store.appliance_history import Jobs

FIRST = ordinal(BEGIN.date().isoformat())


def fleet(engine: Engine) -> None:
    """Import an appliance of each rhythm."""
    chance = random.Random(3)  # noqa: S311 - a fleet, not a secret
    end = BEGIN.replace(month=6)
    for name in sorted(RHYTHMS):
        jobs: list[tuple[datetime, str, str]] = history(chance, name)
        import_documents(engine, answer(jobs, end, 365, chance), name, instant(end))


def since(connection: Connection, window: Window, found: Jobs) -> bool:
    """Return whether the jobs are all of the appliance from their first day on."""
    whole = appliance_history.jobs(connection, window.appliance_id, FIRST_DAY, None)
    first = iso(found.first_day)
    return found.ordered == [row for row in whole.ordered if row.day >= first]


@pytest.mark.parametrize("floor", [FIRST_DAY, FIRST + 20])
def test_jobs_of_each_window_are_those_from_its_first_day_on(engine: Engine, floor: int) -> None:
    """Whether its usual days show the habit, have all earlier jobs, or more have to be read."""
    fleet(engine)
    windows = [
        Window(number, FIRST + day, with_habit, floor)
        for number in range(1, len(RHYTHMS) + 1)
        for day in (20, 45, 61, 75, 90, DAYS)
        for with_habit in (True, False)
    ]
    with db.reading(engine) as connection:
        together = appliance_history.of_each(connection, windows)
        for window, found in zip(windows, together, strict=True):
            alone = appliance_history.jobs(
                connection,
                window.appliance_id,
                window.first_day,
                None,
                with_habit=window.with_habit,
                floor=floor,
            )
            assert found == alone
            assert since(connection, window, found), window


def test_short_history_is_read_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs do not show a habit yet, and none of them lies before the usual days."""
    fleet(engine)
    reads: list[int] = []
    read = appliance_history._read

    def watch(connection: Connection, windows: list[Window], *others: object) -> object:
        reads.append(len(windows))
        return read(connection, windows, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(appliance_history, "_read", watch)
    daily = sorted(RHYTHMS).index("daily") + 1
    with db.reading(engine) as connection:
        found = appliance_history.of_each(connection, [Window(daily, FIRST + 18, True, 1)])[0]  # noqa: FBT003 - with_habit
        assert reads == [1, 0]
        assert found.judged
        monthly = sorted(RHYTHMS).index("monthly") + 1
        appliance_history.of_each(connection, [Window(monthly, FIRST + 90, True, 1)])  # noqa: FBT003 - as above
    assert reads == [1, 0, 1, 1]
