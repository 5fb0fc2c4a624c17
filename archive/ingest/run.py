"""One import in progress: what all input formats share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.appliance_names import identity
from archive.document.parse import Observation
from archive.errors import ArchiveError, DatabaseError, InputError, InterruptedInputError
from archive.ingest.observe import observe, observe_answer
from archive.store import evidence_chain, import_log, maintenance_log, quarantine, settings
from archive.store.counts import Counts
from archive.store.loader import Loader
from archive.store.quarantine import QuarantinedDocument

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.ingest.raw_document import RawDocument


class Source(NamedTuple):
    """An input: its name for messages, its bytes, its appliance if known, and when it was fetched.

    `seen_at` is a fixed-width UTC instant; `content` is unzipped. `appliance` None: each document
    names its own.
    """

    name: str
    content: io.BufferedReader[Any]
    appliance: str | None
    seen_at: str


class Run:
    """An import in progress; `committed` says whether part of it is stored already.

    The log of imports gets a row at once, in a transaction of its own, so that an import that dies
    is in the log, too. `counts` are of what is committed, and the loader is kept between
    transactions.
    """

    def __init__(self, engine: Engine, source: Source, on_batch: Callable[[Counts], None]) -> None:
        self.engine = engine
        self.source = source
        self._on_batch = on_batch
        self._loader: Loader | None = None  # made in the first transaction, with its calendar
        self._maintained = 0  # the number of the latest maintenance then
        self.committed = False
        self.counts = Counts()
        evidence_chain.key_of(engine)  # if it cannot be read, nothing is begun
        with _nothing_archived():
            self.id = import_log.start(engine, source.name, source.seen_at)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Record a failure in the import log, and name the import in the error.

        Raises InterruptedInputError instead of the error if part of the import is stored.
        """
        with import_log.logged(self.engine, self.id):
            try:
                yield
            except ArchiveError as error:
                # What is stored stays: the same file again completes it.
                if self.committed:
                    raise InterruptedInputError(
                        f"{named(self.source.name, error)}; the first {self.counts.seen:,} documents"
                        " are archived: ingest the file again to complete it"
                    ) from error
                if isinstance(error, InputError):
                    raise named(self.source.name, error) from error
                with _nothing_archived():
                    raise

    def loader(self, connection: Connection) -> Loader:
        """Return the run's loader, the same one in all of its transactions.

        It remembers numbers of rows, so it is a new one after maintenance, which may have deleted them.
        The caller holds the lock of the calendar.
        """
        changed = maintenance_log.latest(connection)
        if self._loader is None or changed != self._maintained:
            before = self._loader
            self._loader = Loader(self.id, settings.calendar(connection), self.source.seen_at)
            if before is not None:
                self._loader.judged.take_over(connection, before.judged)
            self._maintained = changed
        return self._loader

    def mark_seen(self, connection: Connection, loader: Loader, name: str) -> int:
        """Lock the import's appliance, record when it was seen, and return its number.

        The transaction must hold the lock of the calendar already.
        """
        loader.lock(connection, [name])
        number = loader.mark_seen(connection, [name])[name]
        import_log.record(connection, self.id, self.counts, appliance_id=number)
        return number

    def observe(
        self, raws: Iterable[RawDocument], collected_from: str | None = None
    ) -> tuple[list[Observation], list[QuarantinedDocument]]:
        """Return the observations of documents, and the documents to quarantine.

        With `collected_from`, documents of any other appliance are quarantined.

        They have the order of `raws`. Raises UsageError if a document names no appliance and the
        import neither.
        """
        observations: list[Observation] = []
        refused: list[QuarantinedDocument] = []
        seen_at = self.source.seen_at
        for raw in raws:
            if collected_from is None:
                observed = observe(raw, self.source.appliance, seen_at)
                appliance = self.source.appliance if raw.appliance is None else raw.appliance
            else:
                observed = observe_answer(raw, collected_from, seen_at)
                appliance = collected_from
            if isinstance(observed, Observation):
                observations.append(observed)
                continue
            refused.append(
                QuarantinedDocument(
                    appliance and identity(appliance),
                    raw.key,
                    raw.position,
                    observed,
                    raw.raw,
                    seen_at,
                    seen_at,
                    self.id,
                )
            )
        return observations, refused

    def load(
        self,
        connection: Connection,
        loader: Loader,
        observations: list[Observation],
        refused: list[QuarantinedDocument],
        counts: Counts,
    ) -> None:
        """Merge observations into the archive, and quarantine the refused documents.

        `counts` are increased: they are those of the transaction, and `Run.counts` follows when it
        is committed.
        """
        # The loader counts the others.
        counts.seen += len(refused)
        counts.quarantined += len(refused)
        if observations:
            loader.lock(connection, appliances_of(observations))
            loader.load(connection, observations, counts)
        quarantine.hold(connection, refused)
        self._on_batch(counts)


@contextmanager
def _nothing_archived() -> Iterator[None]:
    """Add to an error of the database that the import was not archived."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseError(f"{error}; nothing of this import has been archived") from error


def appliances_of(observations: Iterable[Observation]) -> set[str]:
    """Return the names of the observations' appliances."""
    return {observation.appliance for observation in observations}


def named(name: str, error: ArchiveError) -> InputError:
    """Return the error with the name of its import, unless its text starts with that."""
    text = str(error)
    return InputError(text if text.startswith(f"{name}: ") else f"{name}: {text}")
