"""Read documents again that an earlier version could not represent, after this one has learned more.

Such documents are kept whole. If the reader now gives other rows, findings or another digest than those
stored, the job is written anew, as an import with the source `rebuild`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db, timestamps
from archive.document.parse import Observation, parse
from archive.errors import NotAJobError
from archive.store import import_log, job_reader, settings
from archive.store.appliances import lock_appliances
from archive.store.counts import Counts
from archive.store.loader import Loader
from archive.store.selection import IRREGULAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.document.parse import ParsedJob
    from archive.store.job_reader import ArchivedJob

# Documents that are written together.
_BATCH = 500
_SOURCE = "rebuild"


def reread(engine: Engine) -> int:
    """Write all jobs anew whose kept document reads otherwise now; return their number.

    It is one transaction. When the jobs were seen, and in which status, stays. Raises DatabaseError.
    """
    with db.reading(engine) as connection:
        names = {found.appliance for found in _otherwise(connection)}
    if not names:
        return 0
    counts = Counts()
    run_id = import_log.start(engine, _SOURCE, timestamps.now())
    with import_log.logged(engine, run_id), db.writing(engine) as connection:
        db.lock(connection, ["calendar"], shared=True)
        lock_appliances(connection, names)
        loader = Loader(run_id, settings.calendar(connection), timestamps.now())
        waiting: list[Observation] = []
        # All are read before the first is written.
        for found in [each for each in _otherwise(connection) if each.appliance in names]:
            waiting.append(found)
            if len(waiting) == _BATCH:
                loader.load(connection, waiting, counts, anew=True)
                waiting = []
        if waiting:
            loader.load(connection, waiting, counts, anew=True)
        loader.judged.judge(connection)
        loader.finish(connection)
        import_log.complete(connection, run_id, counts)
        loader.received.record(connection)
    return counts.changed


def _otherwise(connection: Connection) -> Iterator[Observation]:
    """Yield jobs whose kept documents read otherwise now, with the times at which they were seen."""
    for job in job_reader.jobs(connection, IRREGULAR):
        try:
            document = parse(job.text.encode())
        except NotAJobError:  # an error of this version: the job stays as it is
            continue
        kept = job.text if document.irregular is not None else None
        as_stored = (job.digest, job.text, job.findings)
        if (document.digest, kept, list(document.findings)) != as_stored:
            yield _observation(job, document)


def _observation(job: ArchivedJob, document: ParsedJob) -> Observation:
    statuses = {document.status: job.seen.first_seen} | dict(job.seen.statuses)
    return Observation(
        job.appliance, job.key, document, job.seen._replace(statuses=statuses), fingerprint=None
    )
