"""One run over one delivery: documents read, merged and written; what cannot be read, held.

A delivery is one transaction: all of it or none of it. JSON Lines, which may be very long, are
committed in batches, each whole; the run log says how far a run came, and running it again
completes it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import canonical, deliveries, dialects, instants, quarantine, runs, settings
from archive.appliances import check_name, lock_appliances
from archive.errors import (
    ArchiveError,
    DatabaseError,
    DeliveryError,
    InterruptedDeliveryError,
    NotAJobError,
    UsageError,
)
from archive.load import Counts, Loader, Observation
from archive.merge import Sight
from archive.quarantine import Held

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.deliveries import RawDocument

# Documents that are merged together, and of a JSON Lines stream committed together.
BATCH = 2000


class Delivery(NamedTuple):
    """What to ingest: a name for messages, the bytes, whose it is, and when it was fetched."""

    name: str
    content: io.BufferedReader[Any]
    appliance: str | None
    seen_at: str


class Summary(NamedTuple):
    """What a run did."""

    run: int
    counts: Counts


def ingest(
    engine: Engine, delivery: Delivery, on_batch: Callable[[Counts], None] = lambda _: None
) -> Summary:
    """Archive a delivery. `on_batch` is told after each batch what has been done so far.

    Raises UsageError if it does not say whose documents these are, DeliveryError if it is not a
    details answer, DatabaseError: nothing of it has then been archived. Raises
    InterruptedDeliveryError if some batches of a stream had been committed.
    """
    if delivery.appliance is not None:
        check_name(delivery.appliance)
    try:
        in_batches, documents = deliveries.read(delivery.content, delivery.name)
    except DeliveryError as error:
        raise _named(delivery.name, error) from error
    run = _Run(engine, delivery, on_batch)
    with run.logged():
        if in_batches:
            run.commit_batches(documents)
        else:
            run.commit_whole(documents)
    return Summary(run.id, run.counts)


def retry(engine: Engine, ids: Iterable[int] = ()) -> Summary:
    """Try to archive quarantined documents again; those that succeed leave quarantine.

    `counts.quarantined` is the number that stay. Raises UsageError for an unknown number.
    """
    wanted = list(ids)
    run_id = runs.start(engine, "quarantine", instants.now())
    counts = Counts()
    with _failure_logged(engine, run_id), dialects.writing(engine) as connection:
        dialects.lock(connection, ["calendar"], shared=True)
        loader = Loader(run_id, settings.calendar(connection))
        documents = quarantine.held(connection, wanted)
        if missing := set(wanted) - {held.id for held in documents}:
            raise UsageError(f"there is no number {min(missing)} in quarantine")
        released = []
        observations: list[Observation] = []
        for held in documents:
            found = _observe_again(held)
            if found:
                observations += found
                released.append(held.id)
            else:
                counts.quarantined += 1
        if observations:
            loader.load(connection, observations, counts)
            loader.finish(connection)
            quarantine.release(connection, released)
        runs.record(connection, run_id, counts)
        runs.complete(connection, run_id)
    return Summary(run_id, counts)


def _observe_again(held: Held) -> list[Observation]:
    """Return what a held document says now; nothing unless all of it can be archived."""
    observations = []
    for raw in deliveries.read_again(held.document):
        try:
            observation = _observe(raw, held.appliance, held.last_seen)
        except UsageError:  # nobody knows whose job it is
            return []
        if isinstance(observation, str):
            return []
        if raw.sight is None:
            statuses = {observation.document.info.status: held.first_seen}
            sight = Sight(held.first_seen, held.last_seen, statuses)
            observation = observation._replace(sight=sight)
        observations.append(observation)
    return observations


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
        self.id = runs.start(engine, delivery.name, delivery.seen_at)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Record a failure in the run log, and say which delivery failed."""
        with _failure_logged(self._engine, self.id):
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

    def commit_whole(self, documents: Iterator[RawDocument]) -> None:
        with dialects.writing(self._engine) as connection:
            if self._delivery.appliance is None:
                # Its batches lock appliances in no order, so no other load may run meanwhile.
                dialects.lock(connection, ["calendar"])
            loader = self._begin(connection)
            while batch := list(islice(documents, BATCH)):
                self._load(connection, loader, batch, self.counts)
            loader.finish(connection)
            runs.complete(connection, self.id)

    def commit_batches(self, documents: Iterator[RawDocument]) -> None:
        batch = list(islice(documents, BATCH))
        while True:
            following = list(islice(documents, BATCH))
            counts = Counts(**vars(self.counts))
            with dialects.writing(self._engine) as connection:
                loader = self._begin(connection)
                self._load(connection, loader, batch, counts)
                loader.finish(connection)
                if not following:
                    runs.complete(connection, self.id)
            self.counts = counts
            self._committed = True
            if not following:
                return
            batch = following

    def _begin(self, connection: Connection) -> Loader:
        dialects.lock(connection, ["calendar"], shared=True)
        if self._loader is None:
            self._loader = Loader(self.id, settings.calendar(connection))
        name, seen_at = self._delivery.appliance, self._delivery.seen_at
        if name is not None:
            numbers = lock_appliances(connection, {name: Sight(seen_at, seen_at, {})})
            runs.record(connection, self.id, self.counts, appliance_id=numbers[name])
        return self._loader

    def _load(
        self, connection: Connection, loader: Loader, batch: list[RawDocument], counts: Counts
    ) -> None:
        observations: list[Observation] = []
        refused: list[Held] = []
        seen_at = self._delivery.seen_at
        for raw in batch:
            observed = _observe(raw, self._delivery.appliance, seen_at)
            if isinstance(observed, Observation):
                observations.append(observed)
                continue
            appliance = self._delivery.appliance if raw.appliance is None else raw.appliance
            refused.append(
                Held(appliance, raw.key, raw.position, observed, raw.raw, seen_at, seen_at, self.id)
            )
        counts.seen += len(refused)
        counts.quarantined += len(refused)
        if observations:
            loader.load(connection, observations, counts)
        quarantine.hold(connection, refused)
        runs.record(connection, self.id, counts)
        self._on_batch(counts)


def _observe(raw: RawDocument, appliance: str | None, seen_at: str) -> Observation | str:
    """Return what a document says, or why it cannot be archived as a job."""
    if raw.problem is not None or raw.key is None:
        return raw.problem or "it has no job key"
    name = appliance if raw.appliance is None else raw.appliance
    if name is None:
        raise UsageError(f"{raw.position} does not say whose job it is; name it with --appliance")
    try:
        check_name(name)
        document = canonical.read(raw.info)
    except (NotAJobError, UsageError) as error:
        return str(error)
    status = document.info.status
    sight = raw.sight or Sight(seen_at, seen_at, {status: seen_at})
    if status not in sight.statuses:
        sight = sight._replace(statuses={**sight.statuses, status: sight.last_seen})
    return Observation(name, raw.key, document, sight)


@contextmanager
def _failure_logged(engine: Engine, run_id: int) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # What stopped the run may stop its record, too; the first failure is the one to report.
        with suppress(DatabaseError):
            runs.fail(engine, run_id, error)
        raise


def _named(name: str, error: ArchiveError) -> DeliveryError:
    text = str(error)
    return DeliveryError(text if text.startswith(f"{name}: ") else f"{name}: {text}")
