"""Archive an appliance's answers: jobs, facts and outcome in one transaction."""

from __future__ import annotations

import io
from contextlib import closing
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from archive import db, timestamps
from archive.document import appliance_facts
from archive.errors import InputError
from archive.ingest import formats
from archive.ingest.answer_run import ingest_answer
from archive.ingest.observe import observe_answer
from archive.ingest.raw_document import KnownDocument
from archive.ingest.run import Source
from archive.masking import mask_text
from archive.store import collection_log, seen_documents
from archive.store.appliances import find_appliances
from archive.store.collection_log import COMPLETE, PARTIAL, Attempt
from archive.store.counts import Counts
from archive.text import counted
from archive.vcenter.query import SCHEDULES, TIME_ZONE, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy.engine import Engine

    from archive.config.settings import Entry
    from archive.ingest.raw_document import RawDocument
    from archive.vcenter.query import CollectedAnswer

# Bytes: enough to recognise the format of an answer.
_BUFFER = 1 << 16


class Outcome(NamedTuple):
    """The outcome of one appliance in a collection, and the counts of its documents."""

    attempt: Attempt
    counts: Counts


def archive_answer(
    engine: Engine, collection: int, entry: Entry, asked_at: str, answer: CollectedAnswer
) -> Outcome:
    """Archive an appliance's answers and the outcome. Raises InputError, DatabaseError.

    `asked_at` and `answered_at` are fixed-width UTC instants of this machine's clock. Nothing of an
    answer is archived if it cannot be read as a whole; single bad documents go to quarantine and
    make the outcome partial. The caller closes the answer.
    """
    answered_at = timestamps.now()
    found, problems = _facts(answer)
    attempt = Attempt(entry.name, asked_at, answered_at, COMPLETE, None, None)

    with closing(_stream(answer, entry.deadline)) as stream:
        source = Source(_source(entry), stream, entry.name, answer.seen_at)
        with ingest_answer(engine, source) as answered:
            attempt = _judged(
                attempt._replace(run_id=answered.run_id), answer, problems, answered.counts
            )
            # In the same transaction as the jobs: either all of an answer is archived, or nothing.
            answered.record_facts(found, answer.seen_at)
            collection_log.record(answered.connection, collection, attempt)
    return Outcome(attempt, answered.counts)


def compare_answer(
    engine: Engine | None, entry: Entry, asked_at: str, answer: CollectedAnswer
) -> Outcome:
    """Count an appliance's documents, and those that the archive has unchanged; write nothing.

    All others count as new, even if only changed. Raises InputError, DatabaseError.

    `engine` is None if there is no archive yet: then all documents count as new. Documents are
    compared by the fingerprint of their bytes, so one that only came in another order of members
    counts as new.
    """
    _, problems = _facts(answer)
    known = {} if engine is None else _known(engine, entry.name)
    counts = Counts()
    with closing(_stream(answer, entry.deadline)) as stream:
        try:
            for document in _documents(stream, entry.name, known):
                counts.seen += 1
                if isinstance(document, KnownDocument):
                    counts.unchanged += 1
                elif isinstance(observe_answer(document, entry.name, answer.seen_at), str):
                    counts.quarantined += 1
                else:
                    counts.new += 1
        except InputError as error:
            raise InputError(f"{_source(entry)}: {error}") from error
    attempt = Attempt(entry.name, asked_at, timestamps.now(), COMPLETE, None, None)
    return Outcome(_judged(attempt, answer, problems, counts), counts)


def _judged(
    attempt: Attempt, answer: CollectedAnswer, problems: list[str], counts: Counts
) -> Attempt:
    """Return the attempt with its outcome: partial if anything is missing, bad or in quarantine.

    The reason has one clause for each problem, joined by `;`, and passwords in it are masked.
    """
    reasons = [*answer.missing, *problems]
    if counts.quarantined:
        reasons.append(f"{counted(counts.quarantined, 'job')} in quarantine")
    if not reasons:
        return attempt
    return attempt._replace(outcome=PARTIAL, reason=mask_text("; ".join(reasons)))


def _documents(
    stream: io.BufferedReader[Any], name: str, known: Collection[bytes]
) -> Iterator[RawDocument | KnownDocument]:
    """Return the documents of an answer; those in `known`, by fingerprint, are not parsed again."""
    in_lines, encoding = formats.form(stream, name)
    # An appliance answers with one JSON value; lines would be an export.
    if in_lines:
        raise InputError("not the answer of a single appliance")
    return formats.documents(stream, encoding, known)


def _source(entry: Entry) -> str:
    """Return the name that an answer has in the log of imports: the address of its appliance."""
    return f"https://{entry.address}"


class _InTime(io.RawIOBase):
    """An answer that raises InputError when it is read for longer than a deadline, in seconds.

    It is read in parts while it is archived. The time before the first part, spent waiting for other
    writers, does not count.
    """

    def __init__(self, answer: IO[bytes], deadline: float) -> None:
        super().__init__()
        self._answer = answer
        self._deadline = deadline
        self._begun: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        now = monotonic()
        self._begun = now if self._begun is None else self._begun
        if now - self._begun > self._deadline:
            raise InputError(
                f"archiving took longer than the deadline of {self._deadline:g} s; raise `deadline`"
            )
        data = self._answer.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _stream(answer: CollectedAnswer, deadline: float) -> io.BufferedReader[Any]:
    """Return an answer as a stream that can be looked into ahead: so its format is recognised."""
    return io.BufferedReader(_InTime(answer.details, deadline), _BUFFER)


def _known(engine: Engine, name: str) -> dict[bytes, int]:
    """Return the jobs of an appliance's latest import: job IDs by the fingerprint of the document."""
    with db.reading(engine) as connection:
        numbers = find_appliances(connection, [name])
        imported = seen_documents.LatestImports(timestamps.now())
        imported.open(connection, numbers.values())
        return {
            mark: job for number in numbers.values() for mark, job in imported.known(number).items()
        }


# The field of Facts, the path of its answer, and what reads that.
_READERS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("version", VERSION, appliance_facts.read_version),
    ("schedules", SCHEDULES, appliance_facts.read_schedules),
    ("time_zone", TIME_ZONE, appliance_facts.read_time_zone),
)


def _facts(answer: CollectedAnswer) -> tuple[appliance_facts.Facts, list[str]]:
    """Return the facts that could be read, and an error for each answer that could not.

    A fact that was not answered is None and no problem here: `CollectedAnswer.missing` has it.
    """
    found: dict[str, Any] = dict.fromkeys(appliance_facts.Facts._fields)
    problems: list[str] = []
    for name, path, read in _READERS:
        if path in answer.facts:
            try:
                found[name] = read(answer.facts[path])
            except InputError as error:
                problems.append(f"{path}: {error}")
    return appliance_facts.Facts(**found), problems
