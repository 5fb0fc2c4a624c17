"""Import JSON Lines in parts: few batches a transaction, so that others need not wait long."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING

from archive import db
from archive.errors import DatabaseError
from archive.ingest import formats
from archive.ingest.batches import LineBatches
from archive.ingest.observe import observe_line
from archive.ingest.parallel_parse import reading_ahead
from archive.ingest.run import appliances_of
from archive.store import import_log, judged_backups
from archive.store.appliances import lock_appliances
from archive.store.counts import Counts
from archive.store.job_writer import LOADED
from archive.store.known_jobs import is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.ingest.formats import Line
    from archive.ingest.raw_document import RawDocument
    from archive.ingest.run import Run
    from archive.store.loader import Loader

# So a transaction has 20,000 lines at most, except the first one into an empty archive.
BATCHES_A_COMMIT = 10


def commit_batches(run: Run, lines: Iterator[Line]) -> None:
    """Archive the lines of a run, BATCHES_A_COMMIT batches in a transaction.

    `run.counts` are those of committed transactions only. The last transaction judges all
    appliances with changes; the ones before it only note them, as each would be judged anew many
    times. If it is interrupted before, what is committed is judged then.
    """
    try:
        _commit_batches(run, lines)
    except BaseException:
        if run.committed:
            _judge_committed(run.engine)
        raise


def _judge_committed(engine: Engine) -> None:
    """Judge what an interrupted run has committed.

    Where the database fails, or at another interrupt, it is left to the next import. Until then
    reports judge it themselves, which takes longer.
    """
    with suppress(DatabaseError), db.writing(engine) as connection:
        db.lock(connection, ["calendar"])
        judged_backups.judge_pending(connection)


def _commit_batches(run: Run, lines: Iterator[Line]) -> None:
    """Archive the lines in transactions, each with the counts so far; the last one ends the import."""
    batches = LineBatches(lines)
    waiting = next(batches, [])
    while True:
        # A copy: if the transaction fails, the run's own are still those of its last commit.
        counts = Counts(**vars(run.counts))
        filling = not batches.ended and _is_empty(run.engine)
        with db.writing(run.engine, filling=filling) as connection:
            # Batches lock appliances in any order: no other load may run meanwhile.
            db.lock(connection, ["calendar"])
            if filling and not is_empty(connection):
                continue  # another import was faster
            loader = run.loader(connection)
            if filling:
                _load_first(run, connection, loader, chain([waiting], batches), counts)
            else:
                for batch in chain([waiting], islice(batches, BATCHES_A_COMMIT - 1)):
                    _load_lines(run, connection, loader, batch, counts)
            import_log.record(connection, run.id, counts)
            if batches.ended and batches.failure is None:
                import_log.complete(connection, run.id)
            if batches.ended or batches.failure is not None:
                loader.judged.judge(connection)
            else:
                loader.judged.judge_later(connection, run.source.seen_at)
            loader.finish(connection)
        run.committed |= counts.seen > run.counts.seen
        run.counts = counts
        if batches.failure is not None:
            raise batches.failure
        if batches.ended:
            return
        waiting = next(batches, [])


def _is_empty(engine: Engine) -> bool:
    """Whether the archive has no jobs, seen outside of the transaction; it is checked again inside."""
    with db.reading(engine) as connection:
        return is_empty(connection)


def _load_first(
    run: Run,
    connection: Connection,
    loader: Loader,
    batches: Iterable[list[Line]],
    counts: Counts,
) -> None:
    """Load all lines into an empty archive, in one transaction.

    No document can be known yet, so lines are parsed ahead by other processes; nobody else needs
    the tables meanwhile. Foreign keys are checked after the rows, all at once.
    """
    if run.source.appliance is not None:
        run.mark_seen(connection, loader, run.source.appliance)
    with (
        db.constraints_last(connection, LOADED),
        reading_ahead(run.source.seen_at) as read_ahead,
    ):
        for number, (lines, reads) in enumerate(read_ahead(batches), 1):
            observations = [read for read in reads if read is not None]
            others: list[RawDocument] = []
            if len(observations) < len(reads):
                for line, read in zip(lines, reads, strict=True):
                    if read is None:
                        others += line.documents()
            more, refused = run.observe(others)
            run.load(connection, loader, observations + more, refused, counts)
            # Pending totals must not grow with the size of the input.
            if number % (10 * BATCHES_A_COMMIT) == 0:
                loader.drain(connection)
            elif number % BATCHES_A_COMMIT == 0:
                loader.settle(connection)


def _load_lines(
    run: Run, connection: Connection, loader: Loader, lines: list[Line], counts: Counts
) -> None:
    """Load one batch: skip lines with known documents, parse the others, merge them.

    All appliances that the lines name are locked before what is known of them is read.
    """
    named, unnamed = formats.by_appliance(lines)
    others = [document for line in unnamed for document in line.documents()]
    observations, refused = run.observe(others)
    own = set() if run.source.appliance is None else {run.source.appliance}
    lock_appliances(connection, named.keys() | appliances_of(observations) | own)
    if run.source.appliance is not None:
        run.mark_seen(connection, loader, run.source.appliance)
    numbers = loader.find(connection, named)
    again: dict[str, list[bytes]] = {}
    others = []
    for name, theirs in named.items():
        known = loader.known(numbers[name]) if name in numbers else {}
        for line in theirs:
            if known and (mark := line.fingerprint) in known:
                again.setdefault(name, []).append(mark)
            elif observed := observe_line(line.text, run.source.seen_at):
                observations.append(observed)
            else:
                others += line.documents()
    loader.mark_seen(connection, again)
    for name, marks in again.items():
        loader.see_again(numbers[name], marks, counts)
    more_observations, more_refused = run.observe(others)
    run.load(connection, loader, observations + more_observations, refused + more_refused, counts)
