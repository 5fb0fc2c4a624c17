"""What an appliance told, into the archive: jobs, facts and outcome in one transaction."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import db, timestamps
from archive.document import appliance_facts
from archive.errors import InputError
from archive.ingest import formats
from archive.ingest.answer_run import ingest_answer
from archive.ingest.observe import observe_answer
from archive.ingest.raw_document import KnownDocument
from archive.ingest.run import Source
from archive.store import collection_log, fact_history, seen_documents
from archive.store.appliances import find_appliances
from archive.store.collection_log import COMPLETE, PARTIAL, Attempt
from archive.store.counts import Counts
from archive.vcenter.query import SCHEDULES, TIME_ZONE, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy.engine import Engine

    from archive.config.entries import Entry
    from archive.ingest.raw_document import RawDocument
    from archive.vcenter.query import CollectedAnswer

# As much as an import's form is told from.
_BUFFER = 1 << 16


class Outcome(NamedTuple):
    """What became of one appliance in a run, and of the documents that it imported."""

    attempt: Attempt
    counts: Counts


def archive_told(
    engine: Engine, collection: int, entry: Entry, asked_at: str, told: CollectedAnswer
) -> Outcome:
    """Archive what an appliance told and how that ended. Raises InputError, DatabaseError."""
    answered_at = timestamps.now()
    found, problems = _facts(told)
    attempt = Attempt(entry.name, asked_at, answered_at, COMPLETE, None, None)

    with closing(_stream(told)) as stream:
        source = Source(_source(entry), stream, entry.name, told.seen_at)
        with ingest_answer(engine, source) as answered:
            attempt = _judged(
                attempt._replace(run_id=answered.run_id), told, problems, answered.counts
            )
            fact_history.record(answered.connection, answered.appliance_id, found, told.seen_at)
            collection_log.record(answered.connection, collection, attempt)
    return Outcome(attempt, answered.counts)


def compare_told(
    engine: Engine | None, entry: Entry, asked_at: str, told: CollectedAnswer
) -> Outcome:
    """Count the documents that an appliance told, and those that the archive has just so.

    Nothing is written. The others are counted as new, whether they are or have changed. Raises
    InputError, DatabaseError.
    """
    _, problems = _facts(told)
    known = {} if engine is None else _known(engine, entry.name)
    counts = Counts()
    with closing(_stream(told)) as stream:
        try:
            for document in _documents(stream, entry.name, known):
                counts.seen += 1
                if isinstance(document, KnownDocument):
                    counts.unchanged += 1
                elif isinstance(observe_answer(document, entry.name, told.seen_at), str):
                    counts.quarantined += 1
                else:
                    counts.new += 1
        except InputError as error:
            raise InputError(f"{_source(entry)}: {error}") from error
    attempt = Attempt(entry.name, asked_at, timestamps.now(), COMPLETE, None, None)
    return Outcome(_judged(attempt, told, problems, counts), counts)


def _judged(
    attempt: Attempt, told: CollectedAnswer, problems: list[str], counts: Counts
) -> Attempt:
    """Return an attempt at an appliance that answered, partial if anything was not as it should be."""
    reasons = [*told.missing, *problems]
    if counts.quarantined:
        reasons.append(f"{counts.quarantined:,} of its jobs went to quarantine")
    if not reasons:
        return attempt
    return attempt._replace(outcome=PARTIAL, reason="; ".join(reasons))


def _documents(
    stream: io.BufferedReader[Any], name: str, known: Collection[bytes]
) -> Iterator[RawDocument | KnownDocument]:
    in_lines, encoding = formats.form(stream, name)
    if in_lines:
        raise InputError("it is not the answer of one appliance")
    return formats.documents(stream, encoding, known)


def _source(entry: Entry) -> str:
    return f"https://{entry.address}"


def _stream(told: CollectedAnswer) -> io.BufferedReader[Any]:
    return io.BufferedReader(told.details, _BUFFER)


def _known(engine: Engine, name: str) -> dict[bytes, int]:
    with db.reading(engine) as connection:
        numbers = find_appliances(connection, [name])
        imported = seen_documents.LatestImports(timestamps.now())
        imported.open(connection, numbers.values())
        return {
            mark: job for number in numbers.values() for mark, job in imported.known(number).items()
        }


_READERS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("version", VERSION, appliance_facts.read_version),
    ("schedules", SCHEDULES, appliance_facts.read_schedules),
    ("time_zone", TIME_ZONE, appliance_facts.read_time_zone),
)


def _facts(told: CollectedAnswer) -> tuple[appliance_facts.Facts, list[str]]:
    """Return what could be read of what an appliance said of itself, and what could not."""
    found: dict[str, Any] = dict.fromkeys(appliance_facts.Facts._fields)
    problems: list[str] = []
    for name, path, read in _READERS:
        if path in told.facts:
            try:
                found[name] = read(told.facts[path])
            except InputError as error:
                problems.append(f"{path}: {error}")
    return appliance_facts.Facts(**found), problems
