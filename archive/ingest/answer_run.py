"""Import an answer in one transaction, which the caller may extend for a collected answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from archive import db
from archive.appliance_names import check_name
from archive.db import tables
from archive.errors import InputError
from archive.ingest import batches, formats
from archive.ingest.raw_document import KnownDocument, RawDocument
from archive.ingest.run import Run, named
from archive.store import fact_history, import_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import Connection, Engine

    from archive.document.appliance_facts import Facts
    from archive.ingest.run import Source
    from archive.store.counts import Counts
    from archive.store.loader import Loader


class Answered(NamedTuple):
    """A fully read answer whose transaction is still open.

    `counts` grows no more: every document of the answer has been loaded.
    """

    connection: Connection
    appliance_id: int
    run_id: int
    counts: Counts
    loader: Loader

    def record_facts(self, facts: Facts, seen_at: str) -> None:
        """Record what was collected besides jobs; the appliance is judged by it.

        A change of schedules or time zone changes what was expected ever since, so the appliance is
        judged again from its beginning.
        """
        changed = fact_history.record(self.connection, self.appliance_id, facts, seen_at)
        if changed:
            in_force = fact_history.in_force(self.connection, self.appliance_id, seen_at)
            self.loader.received.add_facts(self.appliance_id, in_force)
        if changed & {tables.schedule.name, tables.system_time_zone.name}:
            self.loader.judged.change(self.appliance_id, 0)


@contextmanager
def ingest_answer(engine: Engine, source: Source) -> Iterator[Answered]:
    """Archive an answer fetched from an appliance, in one transaction with what the block writes.

    A document that names another appliance goes to quarantine. Raises InputError if it is not the
    answer of a single appliance, or DatabaseError. Then nothing of the answer, and nothing that the
    block wrote, is archived.

    The totals are written and the transaction committed when the block ends. `source.appliance`
    must be set. The import is in the log even if it failed.
    """
    if source.appliance is None:
        raise _no_answer(source)
    source = source._replace(appliance=check_name(source.appliance))
    try:
        in_lines, encoding = formats.form(source.content, source.name)
    except InputError as error:
        raise named(source.name, error) from error
    if in_lines:
        raise _no_answer(source)
    run = Run(engine, source, lambda _: None)
    with run.logged(), _written(run, encoding, collected_from=source.appliance) as answered:
        yield answered


def commit_whole(run: Run, encoding: str) -> None:
    """Archive the run's whole answer in one transaction."""
    with _written(run, encoding):
        pass


@contextmanager
def _written(run: Run, encoding: str, collected_from: str | None = None) -> Iterator[Answered]:
    """Write an answer's jobs, then the block's rows, then the day totals; commit."""
    name = run.source.appliance
    with db.writing(run.engine) as connection:
        # Without a name, batches lock appliances in any order: no other load may run meanwhile.
        db.lock(connection, ["calendar"], shared=name is not None)
        loader = run.loader(connection)
        # Fingerprints are of one appliance; without a name nothing can be skipped.
        known: Mapping[bytes, int] = {}
        number = 0
        if name is not None:
            number = run.mark_seen(connection, loader, name)
            known = loader.known(number)
        for batch in batches.documents(formats.documents(run.source.content, encoding, known)):
            if again := [each.fingerprint for each in batch if isinstance(each, KnownDocument)]:
                loader.see_again(number, again, run.counts)
            raws = [each for each in batch if isinstance(each, RawDocument)]
            run.load(connection, loader, *run.observe(raws, collected_from), run.counts)
        # Before the totals: a holder of their lock must not wait for another lock.
        yield Answered(connection, number, run.id, run.counts, loader)
        # With the jobs, so that the log never says more than is archived.
        import_log.complete(connection, run.id, run.counts)
        loader.judged.judge(connection)
        loader.finish(connection)
        loader.received.record(connection)


def _no_answer(source: Source) -> InputError:
    return InputError(f"{source.name}: not the answer of a single appliance")
