"""One run over one import: what all forms of it have in common."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.errors import ArchiveError, InputError, InterruptedInputError
from archive.ingest.observe import observe, observe_answer
from archive.store import import_log, quarantine, settings
from archive.store.appliances import lock_appliances
from archive.store.counts import Counts
from archive.store.loader import Loader, Observation
from archive.store.quarantine import QuarantinedDocument

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.ingest.raw_document import RawDocument


class Source(NamedTuple):
    """What to ingest: a name for messages, the bytes, whose it is, and when it was fetched."""

    name: str
    content: io.BufferedReader[Any]
    appliance: str | None
    seen_at: str


class Run:
    """A run, from its first row in the run log on; `committed` says whether some of it will stay."""

    def __init__(self, engine: Engine, source: Source, on_batch: Callable[[Counts], None]) -> None:
        self.engine = engine
        self.source = source
        self._on_batch = on_batch
        self._loader: Loader | None = None  # made in the first transaction, with its calendar
        self.committed = False
        self.counts = Counts()
        self.id = import_log.start(engine, source.name, source.seen_at)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Record a failure in the run log, and say which import failed."""
        with import_log.logged(self.engine, self.id):
            try:
                yield
            except ArchiveError as error:
                if self.committed:
                    raise InterruptedInputError(
                        f"{named(self.source.name, error)}; the first {self.counts.seen:,} documents"
                        " are archived: ingest the file again to complete it"
                    ) from error
                if isinstance(error, InputError):
                    raise named(self.source.name, error) from error
                raise

    def loader(self, connection: Connection) -> Loader:
        """Return what writes the run's documents; it is the same in all of its transactions."""
        if self._loader is None:
            calendar = settings.calendar(connection)
            self._loader = Loader(self.id, calendar, self.source.seen_at)
        return self._loader

    def mark_seen(self, connection: Connection, loader: Loader, name: str) -> int:
        """Lock the appliance that the import is of, and record that it told something."""
        lock_appliances(connection, [name])
        number = loader.mark_seen(connection, [name])[name]
        import_log.record(connection, self.id, self.counts, appliance_id=number)
        return number

    def observe(
        self, raws: Iterable[RawDocument], told_by: str | None = None
    ) -> tuple[list[Observation], list[QuarantinedDocument]]:
        """Return what documents say, and those that cannot be archived as jobs.

        What an appliance told itself can be of no other one.
        """
        observations: list[Observation] = []
        refused: list[QuarantinedDocument] = []
        seen_at = self.source.seen_at
        for raw in raws:
            if told_by is None:
                observed = observe(raw, self.source.appliance, seen_at)
                appliance = self.source.appliance if raw.appliance is None else raw.appliance
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

    def load(
        self,
        connection: Connection,
        loader: Loader,
        observations: list[Observation],
        refused: list[QuarantinedDocument],
        counts: Counts,
    ) -> None:
        """Merge observations into the archive, and put into quarantine what was refused."""
        counts.seen += len(refused)
        counts.quarantined += len(refused)
        if observations:
            lock_appliances(connection, appliances_of(observations))
            loader.load(connection, observations, counts)
        quarantine.hold(connection, refused)
        self._on_batch(counts)


def appliances_of(observations: Iterable[Observation]) -> set[str]:
    """Return the names of the appliances that observations are of."""
    return {observation.appliance for observation in observations}


def named(name: str, error: ArchiveError) -> InputError:
    """Return an error that says which import it is of."""
    text = str(error)
    return InputError(text if text.startswith(f"{name}: ") else f"{name}: {text}")
