"""From what an import holds to observations: what a job's document says, and when it was seen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archive.appliance_names import check_name
from archive.document.parse import common, prepare
from archive.document.precedence import SeenInterval
from archive.errors import NotAJobError, UsageError
from archive.ingest import raw_document
from archive.store.loader import Observation

if TYPE_CHECKING:
    from archive.document.fast_parse import ReadLine
    from archive.ingest.formats import Line
    from archive.ingest.raw_document import RawDocument

_checked = lru_cache(check_name)


@lru_cache
def _here(status: str, seen_at: str) -> SeenInterval:
    return SeenInterval(seen_at, seen_at, {status: seen_at})


def observe_line(line: Line, read: ReadLine | None, seen_at: str) -> Observation | None:
    """Return what an exported job says; None if its line has to be read the long way."""
    if read is None:
        return None
    name, key, seen, told = read
    try:
        _checked(name)
    except UsageError:  # the long way says it of the document
        return None
    document = common(told)
    if seen is None:
        sight = _here(document.status, seen_at)
        return Observation(name, key, document, sight, line.fingerprint)
    return Observation(name, key, document, _with(SeenInterval(*seen), document.status), None)


def observe(raw: RawDocument, appliance: str | None, seen_at: str) -> Observation | str:
    """Return what a document says, or why it cannot be archived as a job.

    Raises UsageError if nobody says whose job it is.
    """
    if raw.problem is not None or raw.key is None:
        return raw.problem or "no job key"
    name = appliance if raw.appliance is None else raw.appliance
    if name is None:
        raise UsageError(f"{raw.position}: no appliance name; set it with --appliance")
    try:
        check_name(name)
        document = prepare(raw.info)
    except (NotAJobError, UsageError) as error:
        return str(error)
    if raw.sight is None:
        mark = raw_document.fingerprint(raw.raw)
        return Observation(name, raw.key, document, _here(document.status, seen_at), mark)
    return Observation(name, raw.key, document, _with(raw.sight, document.status), None)


def observe_answer(raw: RawDocument, appliance: str, seen_at: str) -> Observation | str:
    """Return what a document that an appliance itself told says, or why it cannot be archived.

    What it says of another appliance, as exports can, is not believed.
    """
    if raw.appliance not in (None, appliance):
        return "it names another appliance than the one that sent it"
    return observe(raw, appliance, seen_at)


def _with(sight: SeenInterval, status: str) -> SeenInterval:
    """Return a sight that says when a job was seen in the status that it has."""
    if status in sight.statuses:
        return sight
    return sight._replace(statuses={**sight.statuses, status: sight.last_seen})
