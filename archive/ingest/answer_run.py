"""An answer into the archive, in one transaction; with that of an appliance, more can be written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from archive import db
from archive.appliance_names import check_name
from archive.errors import InputError
from archive.ingest import batches, formats
from archive.ingest.raw_document import KnownDocument, RawDocument
from archive.ingest.run import Run, named
from archive.store import import_log
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import Connection, Engine

    from archive.ingest.run import Source
    from archive.store.counts import Counts


class Answered(NamedTuple):
    """An answer that has been read to its end, in a transaction that is still open."""

    connection: Connection
    appliance_id: int
    run_id: int
    counts: Counts


@contextmanager
def ingest_answer(engine: Engine, source: Source) -> Iterator[Answered]:
    """Archive what an appliance itself answered; what the block writes is archived with it or not at all.

    A document that names another appliance goes to quarantine.

    Raises InputError if not the answer of a single appliance, DatabaseError: nothing of it, and
    nothing that the block wrote, has then been archived.
    """
    if source.appliance is None:
        raise _no_answer(source)
    check_name(source.appliance)
    try:
        in_lines, encoding = formats.form(source.content, source.name)
    except InputError as error:
        raise named(source.name, error) from error
    if in_lines:
        raise _no_answer(source)
    run = Run(engine, source, lambda _: None)
    with run.logged(), _written(run, encoding, told_by=source.appliance) as answered:
        yield answered


def commit_whole(run: Run, encoding: str) -> None:
    """Archive the answer that a run is over."""
    with _written(run, encoding):
        pass


@contextmanager
def _written(run: Run, encoding: str, told_by: str | None = None) -> Iterator[Answered]:
    """Write the jobs of an answer, then what the block writes, then what jobs add up to; commit."""
    name = run.source.appliance
    with db.writing(run.engine) as connection:
        # Without a name its batches lock appliances in no order: no other load may run then.
        db.lock(connection, ["calendar"], shared=name is not None)
        loader = run.loader(connection)
        known: Mapping[bytes, int] = {}
        number = 0
        if name is not None:
            number = run.mark_seen(connection, loader, name)
            known = loader.known(number)
        for batch in chunks(formats.documents(run.source.content, encoding, known), batches.BATCH):
            if again := [told.fingerprint for told in batch if isinstance(told, KnownDocument)]:
                loader.see_again(number, again, run.counts)
            raws = [told for told in batch if isinstance(told, RawDocument)]
            run.load(connection, loader, *run.observe(raws, told_by), run.counts)
        # Before the totals: who holds their lock must not wait for another one.
        yield Answered(connection, number, run.id, run.counts)
        loader.finish(connection)
        import_log.record(connection, run.id, run.counts)
        import_log.complete(connection, run.id)


def _no_answer(source: Source) -> InputError:
    return InputError(f"{source.name}: not the answer of a single appliance")
