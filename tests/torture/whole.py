"""Faults of whole archives: damaged fields, changed documents, and copies there and back."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING

from archive import db
from archive.db import migrate
from archive.maintenance import verify
from archive.maintenance.copy_archive import content as content_of
from archive.maintenance.copy_archive import copied_tables, copy_archive
from tests.laws import fuzz
from tests.support import everything
from tests.support.archives import lines
from tests.support.command import archive, at
from tests.support.damage import ALONE, BATCHES, names, other_value, plant_all
from tests.torture.answers import answer
from tests.torture.judge import load, verified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import sqlalchemy as sa
    from sqlalchemy.engine import Engine

    from tests.torture.judge import Budget, Tally
    from tests.torture.place import Place

_REPORTS = ("summary", "rpo", "missed", "trends", "locations")


def damage(place: Place, budget: Budget, tally: Tally) -> None:
    """Damage fields of all columns, in random rows: each is found, and named.

    Some are damaged together, one of each table; what then is not found is damaged again alone, since
    damage can hide what follows from it.
    """
    everything.fill(place.engine)
    random, refused = Random(place.name), 0  # noqa: S311 - no secret
    together = [*BATCHES, *([column] for column in ALONE)]
    while budget.lasts(tally):
        random.shuffle(together)
        for columns in together:
            seed = tally.tried
            planted, hidden = _damaged(place.engine, columns, seed)
            tally.tried += planted
            refused += len(columns) - planted
            for column in hidden:
                if len(columns) == 1 or _damaged(place.engine, [column], seed)[1]:
                    tally.is_wrong(f"{column} was not found")
            if not budget.lasts(tally):
                break
    verified(place.engine, tally)
    tally.notes.append(f"{refused} more refused by checks of the database")


def _damaged(
    engine: Engine, columns: Sequence[sa.Column[Any]], seed: int
) -> tuple[int, list[sa.Column[Any]]]:
    """Damage a field of each column for a while: return how many, and the columns that are not named."""
    with ExitStack() as stack:
        planted = plant_all(stack, engine, columns, other_value, seed)
        found = list(verify.verify(engine))
    hidden = [one.column for one in planted if not any(names(line, one) for line in found)]
    return len(planted), hidden


def changed_documents(place: Place, budget: Budget, tally: Tally) -> None:
    """Import documents that were changed at random, and compare them with reading value by value."""
    while budget.lasts(tally):
        number = min(fuzz.ROUND, budget.tries - tally.tried)
        try:
            fuzz.fuzz(place.engine, number, 1_000_000 + tally.tried, place.folder)
        except AssertionError as error:
            tally.is_wrong(f"{error}"[:500])
        tally.tried += number


def copies(place: Place, budget: Budget, tally: Tally) -> None:
    """Copy an archive to a file of SQLite and back: every row, export and report is the same."""
    number = 0
    everything.fill(place.engine)
    while budget.lasts(tally):
        load(place.engine, answer(number))
        there = migrate.connect(str(place.folder / f"there-{number}.db"))
        copy_archive(place.engine, there)
        with place.beside(f"back-{number}") as back:
            copy_archive(there, back)
            for copy in (there, back):
                verified(copy, tally)
                if _all(copy) != _all(place.engine):
                    tally.is_wrong("a copy differs")
        tally.tried += 1
        number += 1


def _all(engine: Engine) -> list[object]:
    """Return what an archive contains, exports and reports; of the latter only what does not age."""
    with db.reading(engine) as connection:
        contents: list[object] = [content_of(connection, table) for table in copied_tables()]
    now = ("--now", "2026-08-01T00:00:00Z")
    reports = [archive("report", name, *now, "-f", "csv", at(engine)).out for name in _REPORTS]
    return [*contents, lines(engine), *reports]
