"""Import JSON Lines in parts: few batches a transaction, so that others need not wait long."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from archive import db
from archive.errors import DatabaseError
from archive.ingest import formats
from archive.ingest.batches import LineBatches
from archive.ingest.parallel_parse import read_here, reading_ahead
from archive.store import import_log, judged_backups
from archive.store.counts import Counts
from archive.store.job_writer import LOADED
from archive.store.known_jobs import is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.document.parse import Observation
    from archive.ingest.formats import Line
    from archive.ingest.parallel_parse import Batch
    from archive.ingest.raw_document import RawDocument
    from archive.ingest.run import Run
    from archive.store.loader import Loader

    Read = Callable[[Iterable[list[Line]]], Iterator[Batch]]

# So a transaction reads 15,000 lines at most, except the first one into an empty archive.
BATCHES_A_COMMIT = 10
# Skipping a line with a known document takes a tenth of the time at most. An import in more than one
# transaction first takes the documents that it has not had yet for gone.
KNOWN_AS_ONE = 10


def commit_batches(run: Run, lines: Iterator[Line]) -> None:
    """Archive the lines of a run, BATCHES_A_COMMIT batches in a transaction, or more with known lines.

    `run.counts` are those of committed transactions only. The last transaction judges all
    appliances with changes; the ones before it only note them, as each would be judged anew many
    times. If it is interrupted before, what is committed is judged then.
    """
    try:
        with reading_ahead(run.source.seen_at) as read_ahead:
            _commit_batches(run, LineBatches(lines), read_ahead)
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


def _commit_batches(run: Run, batches: LineBatches, read_ahead: Read) -> None:
    """Archive the lines in transactions, each with the counts so far; the last one ends the import."""
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
            read = partial(read_here, run.source.seen_at) if batches.ended else read_ahead
            if run.source.appliance is not None:
                run.mark_seen(connection, loader, run.source.appliance)
            if filling:
                _load_first(run, connection, loader, read(chain([waiting], batches)), counts)
            else:
                _load_later(run, connection, loader, chain([waiting], batches), read, counts)
            if batches.ended and batches.failure is None:
                import_log.complete(connection, run.id, counts)
            else:
                import_log.record(connection, run.id, counts)
            if batches.ended or batches.failure is not None:
                loader.judged.judge(connection)
            else:
                loader.judged.judge_later(connection, run.source.seen_at)
            loader.finish(connection)
            loader.received.record(connection)
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
    run: Run, connection: Connection, loader: Loader, batches: Iterable[Batch], counts: Counts
) -> None:
    """Load all lines into an empty archive, in one transaction.

    No document can be known yet, and nobody else needs the tables meanwhile. Foreign keys are checked
    after the rows, all at once.
    """
    with db.constraints_last(connection, LOADED):
        for number, (lines, reads) in enumerate(batches, 1):
            _load_batch(run, connection, loader, lines, reads, counts)
            # Pending totals must not grow with the size of the input.
            if number % (10 * BATCHES_A_COMMIT) == 0:
                loader.drain(connection)
            elif number % (5 * BATCHES_A_COMMIT) == 0:
                loader.settle(connection)


def _load_later(
    run: Run,
    connection: Connection,
    loader: Loader,
    batches: Iterable[list[Line]],
    read: Read,
    counts: Counts,
) -> None:
    """Load as many batches as a transaction may have: skip lines with known documents, merge the others."""
    skipped: deque[dict[str, list[bytes]]] = deque()

    def unknown() -> Iterator[list[Line]]:
        had = 0.0
        for lines in batches:
            new, again = _split_known(connection, loader, lines)
            skipped.append(again)
            known = len(lines) - len(new)
            had += (len(new) + known / KNOWN_AS_ONE) / max(len(lines), 1)
            yield new
            if had >= BATCHES_A_COMMIT:
                return

    for lines, reads in read(unknown()):
        again = skipped.popleft()
        numbers = loader.mark_seen(connection, again)
        for name, marks in again.items():
            loader.see_again(numbers[name], marks, counts)
        _load_batch(run, connection, loader, lines, reads, counts)


def _split_known(
    connection: Connection, loader: Loader, lines: list[Line]
) -> tuple[list[Line], dict[str, list[bytes]]]:
    """Return the lines to read, and the fingerprints of the other ones by appliance.

    All appliances that the lines name are locked before what is known of them is read.
    """
    named, new = formats.by_appliance(lines)
    loader.lock(connection, named)
    numbers = loader.find(connection, named)
    again: dict[str, list[bytes]] = {}
    for name, theirs in named.items():
        known = loader.known(numbers[name]) if name in numbers else {}
        if not known:
            new += theirs
            continue
        for line in theirs:
            mark = line.fingerprint
            if mark in known:
                again.setdefault(name, []).append(mark)
            else:
                new.append(line)
    return new, again


def _load_batch(
    run: Run,
    connection: Connection,
    loader: Loader,
    lines: list[Line],
    reads: list[Observation | None],
    counts: Counts,
) -> None:
    """Merge the observations of lines; a line without one is read document by document."""
    observations = [read for read in reads if read is not None]
    others: list[RawDocument] = []
    if len(observations) < len(lines):
        for line, read in zip(lines, reads, strict=True):
            if read is None:
                others += line.documents()
    more, refused = run.observe(others)
    run.load(connection, loader, observations + more, refused, counts)
