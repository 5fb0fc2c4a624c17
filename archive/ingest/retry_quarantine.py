"""Retry quarantined documents: archive those that can be read now, with the time when they were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db, timestamps
from archive.document.precedence import SeenInterval
from archive.errors import UsageError
from archive.ingest import formats
from archive.ingest.observe import observe, observe_answer
from archive.store import import_log, quarantine, settings
from archive.store.appliances import lock_appliances
from archive.store.counts import Counts
from archive.store.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Engine

    from archive.document.parse import Observation
    from archive.store.quarantine import QuarantinedDocument


def retry(engine: Engine, ids: Iterable[int] = ()) -> import_log.Summary:
    """Retry quarantined documents, all or those of `ids`; archived ones leave quarantine.

    `counts.quarantined` is the number that stay. Raises UsageError for an unknown number.

    It is one transaction, logged as an import with the source `quarantine`. Documents that stay are
    left as they are. Raises DatabaseError.
    """
    wanted = list(ids)
    now = timestamps.now()
    run_id = import_log.start(engine, "quarantine", now)
    counts = Counts()
    with import_log.logged(engine, run_id), db.writing(engine) as connection:
        db.lock(connection, ["calendar"], shared=True)
        loader = Loader(run_id, settings.calendar(connection), now)
        documents = quarantine.held(connection, wanted)
        if missing := set(wanted) - {held.id for held in documents}:
            raise UsageError(
                f"no document {min(missing)} in quarantine: see `archive quarantine list`"
            )
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
            lock_appliances(connection, {each.appliance for each in observations})
            loader.load(connection, observations, counts)
            loader.judged.judge(connection)
            loader.finish(connection)
            quarantine.release(connection, released)
        import_log.record(connection, run_id, counts)
        import_log.complete(connection, run_id)
        loader.received.record(connection)
    return import_log.Summary(run_id, counts)


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
