"""Several processes at once, readers that stay, and clocks that are set back."""

from __future__ import annotations

import multiprocessing
import time
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import migrate, tables
from tests.support.archives import content
from tests.support.command import archive, at
from tests.torture.answers import answer
from tests.torture.judge import Budget, Tally, compared, load, verified

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

    from tests.torture.place import Place

_PROCESSES = 8
# Imports of a round: each comes twice, in two processes.
_ROUND = 24


def processes(place: Place, budget: Budget, tally: Tally) -> None:
    """Import overlapping answers in eight processes, round by round, while another one reads.

    One is tried for each import.
    """
    start, number, random = time.monotonic(), 0, Random(8)  # noqa: S311 - no secret
    context = multiprocessing.get_context("spawn")
    longest = context.Value("d", 0.0)
    url = place.engine.url.render_as_string(hide_password=False)
    while budget.lasts(tally):
        numbers = [*range(number, number + _ROUND)] * 2
        random.shuffle(numbers)
        stop = context.Event()
        writers = [
            context.Process(target=_write, args=(url, numbers[part::_PROCESSES]))
            for part in range(_PROCESSES)
        ]
        reader = context.Process(target=_read, args=(url, stop, longest))
        for process in (*writers, reader):
            process.start()
        for writer in writers:
            writer.join()
            if writer.exitcode:
                tally.is_wrong(f"exit code {writer.exitcode}")
        stop.set()
        reader.join()
        for one in range(number, number + _ROUND):
            load(place.undisturbed, answer(one))
        tally.tried += len(numbers)
        number += _ROUND
        verified(place.engine, tally)
        compared(place.engine, content(place.undisturbed), tally)
    tally.notes.append(f"{(time.monotonic() - start) / 60:.1f} minutes")
    tally.notes.append(f"longest wait of a reader {longest.value:.2f} s")


def _write(url: str, numbers: list[int]) -> None:
    engine = migrate.connect(url)
    for number in numbers:
        load(engine, answer(number))


def _read(url: str, stop: object, longest: Synchronized[float]) -> None:
    engine = migrate.connect(url)
    query = sa.select(sa.func.count()).select_from(tables.job)
    while not stop.is_set():  # type: ignore[attr-defined]  # an Event of the context
        start = time.monotonic()
        with db.reading(engine) as connection:
            connection.execute(query).scalar_one()
        longest.value = max(longest.value, time.monotonic() - start)
        time.sleep(0.01)


def open_readers(place: Place, budget: Budget, tally: Tally) -> None:
    """Keep a reading transaction open during imports: it sees one state, and holds up no import."""
    number = 0
    while budget.lasts(tally):
        with db.reading(place.engine) as connection:
            query = sa.select(sa.func.count()).select_from(tables.job_status)
            before = connection.execute(query).scalar_one()
            for one in range(number, number + 5):
                load(place.engine, answer(one))
                load(place.undisturbed, answer(one))
            if connection.execute(query).scalar_one() != before:
                tally.is_wrong("a reader saw two states")
        tally.tried += 1
        number += 5
        verified(place.engine, tally)
        compared(place.engine, content(place.undisturbed), tally)


def clocks_set_back(place: Place, budget: Budget, tally: Tally) -> None:
    """Set the clock back by up to a year before each import; the content is as without that."""
    random, number = Random(3), 0  # noqa: S311 - no secret
    while budget.lasts(tally):
        one = answer(number)
        back = random.randrange(1, 200 * 86_400)
        place.forking.start(*one.write(place.folder), at(place.engine), fault=("clock", back))
        if (code := place.forking.wait()) != 3:  # a document is in quarantine
            tally.is_wrong(f"exit code {code} with the clock {back} s back")
        tally.tried += 1
        load(place.undisturbed, one)
        verified(place.engine, tally)
        compared(place.engine, content(place.undisturbed), tally)
        for report in ("summary", "rpo", "collection"):
            if archive("report", report, at(place.engine)).code:
                tally.is_wrong(f"report {report} after the clock was set back")
        number += 1
