"""Retry quarantined documents: archive those that can be read now, with the time when they were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db, timestamps
from archive.document.precedence import SeenInterval
from archive.errors import UsageError
from archive.ingest import formats
from archive.ingest.batches import BATCH, LONGEST_BATCH
from archive.ingest.observe import observe, observe_answer
from archive.store import import_log, quarantine, settings
from archive.store.appliances import lock_appliances
from archive.store.chunks import chunks
from archive.store.counts import Counts
from archive.store.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.document.parse import Observation
    from archive.store.quarantine import QuarantinedDocument


def retry(engine: Engine, ids: Iterable[int] = ()) -> import_log.Summary:
    """Retry quarantined documents, all or those of `ids`; archived ones leave quarantine.

    `counts.quarantined` is the number that stay. Raises UsageError for an unknown number.

    It is one transaction, logged as an import with the source `quarantine`. Documents that stay are
    left as they are. Raises DatabaseError.
    """
    wanted = list(ids)
    run_id = import_log.start(engine, "quarantine", timestamps.now())
    counts = Counts()
    with import_log.logged(engine, run_id), db.writing(engine) as connection:
        db.lock(connection, ["calendar"], shared=True)
        loader = Loader(run_id, settings.calendar(connection), timestamps.now())
        numbers = quarantine.numbers(connection, wanted)
        if missing := set(wanted).difference(numbers):
            raise UsageError(
                f"no document {min(missing)} in quarantine: see `archive quarantine list`"
            )
        # Twice, since all appliances are locked at once, and the documents may not fit into memory.
        readable: list[int] = []
        names: set[str] = set()
        for held, observations in _read(connection, numbers):
            if observations:
                readable.append(held.id)
                names |= {each.appliance for each in observations}
        counts.quarantined = len(numbers) - len(readable)
        if readable:
            lock_appliances(connection, names)
            for batch in _batches(connection, readable):
                loader.load(connection, batch, counts)
            loader.judged.judge(connection)
            loader.finish(connection)
            for part in chunks(readable):
                quarantine.release(connection, part)
        import_log.complete(connection, run_id, counts)
        loader.received.record(connection)
    return import_log.Summary(run_id, counts)


def _read(
    connection: Connection, numbers: Iterable[int]
) -> Iterator[tuple[QuarantinedDocument, list[Observation]]]:
    """Yield documents with their observations, one document at a time."""
    for number in numbers:
        for held in quarantine.held(connection, [number]):
            yield held, _observe_again(held)


def _batches(connection: Connection, numbers: Iterable[int]) -> Iterator[list[Observation]]:
    """Yield the observations of documents in batches of a limited length."""
    batch: list[Observation] = []
    length = 0
    for held, observations in _read(connection, numbers):
        batch += observations
        length += len(held.document)
        if len(batch) >= BATCH or length >= LONGEST_BATCH:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def _observe_again(held: QuarantinedDocument) -> list[Observation]:
    """Return the observations of a quarantined document; empty unless all can be archived."""
    observations = []
    for raw in formats.read_again(held.document):
        try:
            if held.appliance is None:
                observation = observe(raw, None, held.last_seen)
            else:  # another appliance's document must not become its job
                observation = observe_answer(raw, held.appliance, held.last_seen)
        except UsageError:  # no appliance is known
            return []
        if isinstance(observation, str):
            return []
        if raw.seen is None:
            statuses = {observation.document.status: held.first_seen}
            seen = SeenInterval(held.first_seen, held.last_seen, statuses)
            # Seen from the first time that it was refused to the last, in the status that it has
            # now.
            observation = observation._replace(seen=seen, fingerprint=None)
        observations.append(observation)
    return observations
