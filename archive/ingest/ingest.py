"""Import an input of any format: read, merge and write its documents, quarantine the unreadable.

An import is one transaction. JSON Lines, which may be very long, are committed in parts; the import
log says how far a run came, and importing the same input again completes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.appliance_names import check_name
from archive.errors import InputError
from archive.ingest import formats
from archive.ingest.answer_run import commit_whole
from archive.ingest.batches import collecting_rarely
from archive.ingest.lines_run import commit_batches
from archive.ingest.run import Run, Source, named
from archive.store import import_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine

    from archive.store.counts import Counts

__all__ = ["Source", "ingest"]


def ingest(
    engine: Engine, source: Source, on_batch: Callable[[Counts], None] = lambda _: None
) -> import_log.Summary:
    """Archive an input; `on_batch` is called after each batch with the counts so far.

    Raises UsageError if the input names no appliance, InputError if it has no job details, or
    DatabaseError; then nothing of it is archived. Raises InterruptedInputError if some batches of
    JSON Lines are already committed.

    `source.content` is read to its end; the caller closes it. `on_batch` gets the same object each
    time, or a newer one with greater counts; it must not change it.
    """
    if source.appliance is not None:
        source = source._replace(appliance=check_name(source.appliance))
    try:
        in_lines, encoding = formats.form(source.content, source.name)
    except InputError as error:
        raise named(source.name, error) from error
    run = Run(engine, source, on_batch)
    with run.logged():
        if in_lines:
            with collecting_rarely():
                commit_batches(run, formats.lines(source.content, encoding))
        else:
            commit_whole(run, encoding)
    return import_log.Summary(run.id, run.counts)
