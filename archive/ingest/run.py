"""One run over one delivery: documents read, merged and written; what cannot be read, held.

A delivery is one transaction: all of it or none of it. JSON Lines, which may be very long, are
committed in parts, each whole; the run log says how far a run came, and running it again completes
it.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import db
from archive.appliance_names import check_name
from archive.document.fast_parse import read_line
from archive.errors import (
    ArchiveError,
    DeliveryError,
    InterruptedDeliveryError,
)
from archive.ingest import formats
from archive.ingest.observe import observe, observe_answer, observe_line
from archive.ingest.parallel_parse import reading_ahead
from archive.ingest.raw_document import KnownDocument, RawDocument
from archive.store import import_log, quarantine, settings
from archive.store.appliances import lock_appliances
from archive.store.counts import Counts
from archive.store.job_writer import LOADED
from archive.store.known_jobs import is_empty
from archive.store.loader import Loader, Observation
from archive.store.quarantine import QuarantinedDocument

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection, Engine

    from archive.ingest.formats import Line

    # Of this appliance, by this run, with these counts.
    Also = Callable[[Connection, int, int, Counts], None]

# Documents that are merged together, and how many such batches of JSON Lines are committed together.
BATCH = 2000
BATCHES_A_COMMIT = 10


class Delivery(NamedTuple):
    """What to ingest: a name for messages, the bytes, whose it is, and when it was fetched."""

    name: str
    content: io.BufferedReader[Any]
    appliance: str | None
    seen_at: str


def ingest(
    engine: Engine,
    delivery: Delivery,
    on_batch: Callable[[Counts], None] = lambda _: None,
    also: Also | None = None,
) -> import_log.Summary:
    """Archive a delivery. `on_batch` is told after each batch what has been done so far.

    What `also` writes is archived with the answer of a named appliance, or not at all. It is called
    in the same transaction, when the answer has been read to its end: with the connection, the
    numbers of the appliance and of the run, and what became of the documents. What is no answer of
    a named appliance is then refused, and a document that names another one goes to quarantine.

    Raises UsageError if it does not say whose documents these are, DeliveryError if it is not a
    details answer, DatabaseError: nothing of it has then been archived. Raises
    InterruptedDeliveryError if some batches of a stream had been committed.
    """
    if delivery.appliance is not None:
        check_name(delivery.appliance)
    stream = delivery.content
    try:
        in_lines, encoding = formats.form(stream, delivery.name)
    except DeliveryError as error:
        raise _named(delivery.name, error) from error
    if also is not None and (in_lines or delivery.appliance is None):
        raise DeliveryError(f"{delivery.name}: it is not the answer of one appliance")
    run = _Run(engine, delivery, on_batch)
    with run.logged():
        if in_lines:
            run.commit_batches(formats.lines(stream, encoding))
        else:
            run.commit_whole(encoding, also)
    return import_log.Summary(run.id, run.counts)


class _Run:
    def __init__(
        self, engine: Engine, delivery: Delivery, on_batch: Callable[[Counts], None]
    ) -> None:
        self._engine = engine
        self._delivery = delivery
        self._on_batch = on_batch
        self._committed = False
        self._loader: Loader | None = None  # made in the first transaction, with its calendar
        self.counts = Counts()
        self.id = import_log.start(engine, delivery.name, delivery.seen_at)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Record a failure in the run log, and say which delivery failed."""
        with import_log.logged(self._engine, self.id):
            try:
                yield
            except ArchiveError as error:
                if self._committed:
                    raise InterruptedDeliveryError(
                        f"{_named(self._delivery.name, error)}; the first {self.counts.seen:,} documents"
                        " have been archived, ingesting it again completes it"
                    ) from error
                if isinstance(error, DeliveryError):
                    raise _named(self._delivery.name, error) from error
                raise

    def commit_whole(self, encoding: str, also: Also | None) -> None:
        """Archive an answer in one transaction."""
        name = self._delivery.appliance
        with db.writing(self._engine) as connection:
            # Without a name its batches lock appliances in no order: no other load may run then.
            db.lock(connection, ["calendar"], shared=name is not None)
            loader = self._begin(connection)
            known: Mapping[bytes, int] = {}
            number = 0
            if name is not None:
                number = self._mark_seen(connection, loader, name)
                known = loader.known(number)
            documents = formats.documents(self._delivery.content, encoding, known)
            while batch := list(islice(documents, BATCH)):
                if again := [told.fingerprint for told in batch if isinstance(told, KnownDocument)]:
                    loader.see_again(number, again, self.counts)
                raws = [told for told in batch if isinstance(told, RawDocument)]
                observed = self._observe(raws, told_by=name if also is not None else None)
                self._load(connection, loader, *observed, self.counts)
            if also is not None:
                # Before the totals: who holds their lock must not wait for another one.
                also(connection, number, self.id, self.counts)
            loader.finish(connection)
            import_log.record(connection, self.id, self.counts)
            import_log.complete(connection, self.id)

    def commit_batches(self, lines: Iterator[Line]) -> None:
        """Archive JSON Lines, so many batches in a transaction."""
        batches = _Batches(lines)
        while True:
            counts = Counts(**vars(self.counts))
            with db.writing(self._engine) as connection:
                # Its batches lock appliances in no order: no other load may run meanwhile.
                db.lock(connection, ["calendar"])
                loader = self._begin(connection)
                first = next(batches, [])
                if is_empty(connection) and not batches.ended:
                    self._load_first(connection, loader, chain([first], batches), counts)
                else:
                    for batch in chain([first], islice(batches, BATCHES_A_COMMIT - 1)):
                        self._load_lines(connection, loader, batch, counts)
                loader.finish(connection)
                import_log.record(connection, self.id, counts)
                if batches.ended and batches.failure is None:
                    import_log.complete(connection, self.id)
            self._committed |= counts.seen > self.counts.seen
            self.counts = counts
            if batches.failure is not None:
                raise batches.failure
            if batches.ended:
                return

    def _load_first(
        self,
        connection: Connection,
        loader: Loader,
        batches: Iterable[list[Line]],
        counts: Counts,
    ) -> None:
        """Load a stream into an empty archive, all of it in one transaction.

        Nothing can be known yet, so lines are read ahead; nobody misses the tables meanwhile.
        """
        if self._delivery.appliance is not None:
            self._mark_seen(connection, loader, self._delivery.appliance)
        with db.constraints_last(connection, LOADED), reading_ahead() as read_ahead:
            for number, (lines, reads) in enumerate(read_ahead(batches), 1):
                observations: list[Observation] = []
                others: list[RawDocument] = []
                for line, read in zip(lines, reads, strict=True):
                    if observed := observe_line(line, read, self._delivery.seen_at):
                        observations.append(observed)
                    else:
                        others += line.documents()
                more, refused = self._observe(others)
                self._load(connection, loader, observations + more, refused, counts)
                # What waits to be written at the end must not grow with what is loaded.
                if number % (10 * BATCHES_A_COMMIT) == 0:
                    loader.finish(connection)
                elif number % BATCHES_A_COMMIT == 0:
                    loader.settle(connection)

    def _begin(self, connection: Connection) -> Loader:
        if self._loader is None:
            calendar = settings.calendar(connection)
            self._loader = Loader(self.id, calendar, self._delivery.seen_at)
        return self._loader

    def _mark_seen(self, connection: Connection, loader: Loader, name: str) -> int:
        """Lock the appliance that the delivery is of, and record that it told something."""
        lock_appliances(connection, [name])
        number = loader.mark_seen(connection, [name])[name]
        import_log.record(connection, self.id, self.counts, appliance_id=number)
        return number

    def _load_lines(
        self, connection: Connection, loader: Loader, lines: list[Line], counts: Counts
    ) -> None:
        named, unnamed = formats.by_appliance(lines)
        others = [document for line in unnamed for document in line.documents()]
        observations, refused = self._observe(others)
        lock_appliances(connection, named.keys() | _names(observations) | self._named())
        if self._delivery.appliance is not None:
            self._mark_seen(connection, loader, self._delivery.appliance)
        numbers = loader.find(connection, named)
        again: dict[str, list[bytes]] = {}
        others = []
        for name, theirs in named.items():
            known = loader.known(numbers[name]) if name in numbers else {}
            for line in theirs:
                if known and (mark := line.fingerprint) in known:
                    again.setdefault(name, []).append(mark)
                elif observed := observe_line(line, read_line(line.text), self._delivery.seen_at):
                    observations.append(observed)
                else:
                    others += line.documents()
        loader.mark_seen(connection, again)
        for name, marks in again.items():
            loader.see_again(numbers[name], marks, counts)
        more_observations, more_refused = self._observe(others)
        self._load(
            connection, loader, observations + more_observations, refused + more_refused, counts
        )

    def _observe(
        self, raws: Iterable[RawDocument], told_by: str | None = None
    ) -> tuple[list[Observation], list[QuarantinedDocument]]:
        """Return what documents say, and those that cannot be archived as jobs.

        What an appliance told itself can be of no other one.
        """
        observations: list[Observation] = []
        refused: list[QuarantinedDocument] = []
        seen_at = self._delivery.seen_at
        for raw in raws:
            if told_by is None:
                observed = observe(raw, self._delivery.appliance, seen_at)
                appliance = self._delivery.appliance if raw.appliance is None else raw.appliance
            else:
                observed = observe_answer(raw, told_by, seen_at)
                appliance = told_by
            if isinstance(observed, Observation):
                observations.append(observed)
                continue
            refused.append(
                QuarantinedDocument(
                    appliance, raw.key, raw.position, observed, raw.raw, seen_at, seen_at, self.id
                )
            )
        return observations, refused

    def _load(
        self,
        connection: Connection,
        loader: Loader,
        observations: list[Observation],
        refused: list[QuarantinedDocument],
        counts: Counts,
    ) -> None:
        counts.seen += len(refused)
        counts.quarantined += len(refused)
        if observations:
            lock_appliances(connection, _names(observations))
            loader.load(connection, observations, counts)
        quarantine.hold(connection, refused)
        self._on_batch(counts)

    def _named(self) -> set[str]:
        return set() if self._delivery.appliance is None else {self._delivery.appliance}


def _names(observations: Iterable[Observation]) -> set[str]:
    return {observation.appliance for observation in observations}


class _Batches:
    """Lines in batches; `failure` says why there are no more, where that is not their end."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.ended = False
        self.failure: DeliveryError | None = None

    def __iter__(self) -> Iterator[list[Line]]:
        return self

    def __next__(self) -> list[Line]:
        batch: list[Line] = []
        try:
            batch.extend(islice(self._lines, BATCH))  # what was read before a failure stays in it
        except DeliveryError as error:
            self.failure = error
        self.ended = len(batch) < BATCH
        if not batch:
            raise StopIteration
        return batch


def _named(name: str, error: ArchiveError) -> DeliveryError:
    text = str(error)
    return DeliveryError(text if text.startswith(f"{name}: ") else f"{name}: {text}")
