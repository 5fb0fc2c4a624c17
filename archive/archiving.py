"""What an appliance told, into the archive: jobs, facts and outcome in one transaction."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import attempts, deliveries, dialects, facts, histories, instants, latest
from archive.appliances import find_appliances
from archive.attempts import COMPLETE, PARTIAL, Attempt
from archive.delivered import Again
from archive.errors import DeliveryError
from archive.ingest import Delivery, ingest
from archive.load import Counts
from archive.sources.vcenter.ask import SCHEDULES, TIME_ZONE, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine

    from archive.fleet.entries import Entry
    from archive.sources.vcenter.ask import Told

# As much as a delivery's form is told from.
_BUFFER = 1 << 16


class Outcome(NamedTuple):
    """What became of one appliance in a run, and of the documents that it delivered."""

    attempt: Attempt
    counts: Counts


def archive_told(
    engine: Engine, collection: int, entry: Entry, asked_at: str, told: Told
) -> Outcome:
    """Archive what an appliance told and how that ended. Raises DeliveryError, DatabaseError."""
    answered_at = instants.now()
    found, problems = _facts(told)
    attempt = Attempt(entry.name, asked_at, answered_at, COMPLETE, None, None)

    def also(connection: Connection, appliance_id: int, run_id: int, counts: Counts) -> None:
        nonlocal attempt
        reasons = [*told.missing, *problems]
        if counts.quarantined:
            reasons.append(f"{counts.quarantined:,} of its jobs went to quarantine")
        attempt = attempt._replace(
            run_id=run_id,
            outcome=PARTIAL if reasons else COMPLETE,
            reason="; ".join(reasons) or None,
        )
        histories.record(connection, appliance_id, found, told.seen_at)
        attempts.record(connection, collection, attempt)

    with closing(_stream(told)) as stream:
        source = f"https://{entry.address}"
        delivery = Delivery(source, stream, entry.name, told.seen_at)
        counts = ingest(engine, delivery, also=also).counts
    return Outcome(attempt, counts)


def compare_told(engine: Engine | None, entry: Entry, asked_at: str, told: Told) -> Outcome:
    """Count the documents that an appliance told, and those that the archive has just so.

    Nothing is written. The others are counted as new, whether they are or have changed.
    """
    _, problems = _facts(told)
    known = {} if engine is None else _known(engine, entry.name)
    counts = Counts()
    with closing(_stream(told)) as stream:
        encoding = deliveries.form(stream, entry.name).encoding
        for document in deliveries.documents(stream, encoding, known):
            counts.seen += 1
            if isinstance(document, Again):
                counts.unchanged += 1
            elif document.problem is not None:
                counts.quarantined += 1
            else:
                counts.new += 1
    reasons = "; ".join([*told.missing, *problems])
    outcome = PARTIAL if reasons else COMPLETE
    attempt = Attempt(entry.name, asked_at, instants.now(), outcome, reasons or None, None)
    return Outcome(attempt, counts)


def _stream(told: Told) -> io.BufferedReader[Any]:
    return io.BufferedReader(told.details, _BUFFER)


def _known(engine: Engine, name: str) -> dict[bytes, int]:
    with dialects.reading(engine) as connection:
        numbers = find_appliances(connection, [name])
        delivered = latest.LatestDeliveries(instants.now())
        delivered.open(connection, numbers.values())
        return {
            mark: job
            for number in numbers.values()
            for mark, job in delivered.known(number).items()
        }


_READERS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("version", VERSION, facts.read_version),
    ("schedules", SCHEDULES, facts.read_schedules),
    ("time_zone", TIME_ZONE, facts.read_time_zone),
)


def _facts(told: Told) -> tuple[facts.Facts, list[str]]:
    """Return what could be read of what an appliance said of itself, and what could not."""
    found: dict[str, Any] = dict.fromkeys(facts.Facts._fields)
    problems: list[str] = []
    for name, path, read in _READERS:
        if path in told.facts:
            try:
                found[name] = read(told.facts[path])
            except DeliveryError as error:
                problems.append(f"{path}: {error}")
    return facts.Facts(**found), problems
