from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db
from archive.db import tables
from archive.document.precedence import SeenInterval
from archive.store.appliances import SeenAppliances
from tests.store.test_loader import statements, table

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

EARLY, FIRST, LAST = (f"2026-03-0{day}T02:20:00.000000Z" for day in (1, 2, 3))
NAMES = ["vc01", "vc02"]


def test_appliances_are_recorded_once_in_a_transaction(engine: Engine) -> None:
    """Seeing them again at the same time writes nothing; another time does."""
    at_first = dict.fromkeys(NAMES, SeenInterval(FIRST, FIRST, {}))
    with statements(engine) as written, db.writing(engine) as connection:
        seen = SeenAppliances()
        seen.lock(connection, NAMES)
        assert seen.find(connection, NAMES) == {}
        created = seen.record(connection, at_first)
        assert created.created == frozenset(created.ids.values())
        assert seen.find(connection, [*NAMES, "vc03"]) == created.ids
        again = seen.record(connection, at_first)
        assert (again.ids, again.created) == (created.ids, frozenset())
        assert written.count("UPDATE appliance") == 0
        for interval in (SeenInterval(EARLY, EARLY, {}), SeenInterval(LAST, LAST, {})) * 2:
            seen.record(connection, {"vc01": interval})
        assert written.count("UPDATE appliance") == 2
    assert [row[1:4] for row in table(engine, tables.appliance)] == [
        ("vc01", EARLY, LAST),
        ("vc02", FIRST, FIRST),
    ]


def test_next_transaction_asks_for_appliances_again(engine: Engine) -> None:
    """Others may have changed them in the meantime."""
    seen, other = SeenAppliances(), SeenAppliances()
    for each, instant in ((seen, FIRST), (other, LAST), (seen, FIRST)):
        with db.writing(engine) as connection:
            each.lock(connection, NAMES)
            each.record(connection, dict.fromkeys(NAMES, SeenInterval(instant, instant, {})))
            each.clear()
    assert {row[2:4] for row in table(engine, tables.appliance)} == {(FIRST, LAST)}
