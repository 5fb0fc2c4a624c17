"""Turn documents and lines into observations: the job's content, and when it was seen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archive import timestamps
from archive.appliance_names import check_name, identity
from archive.document.parse import Observation, parse, parse_line
from archive.document.precedence import SeenInterval
from archive.errors import NotAJobError, UsageError
from archive.ingest import raw_document

if TYPE_CHECKING:
    from archive.ingest.raw_document import RawDocument

_checked = lru_cache(10_000)(check_name)


@lru_cache
def seen_once(status: str, seen_at: str) -> SeenInterval:
    """Return the interval of a job that was seen with one import."""
    return SeenInterval(seen_at, seen_at, {status: seen_at})


def observe_line(text: bytes, seen_at: str) -> Observation | None:
    """Return the observation of an exported job; None if `observe` has to read its line."""
    parsed = parse_line(text)
    if parsed is None or raw_document.key_problem(parsed.key):
        return None
    name, key, interval, document = parsed
    try:
        name = _checked(name)
    except UsageError:  # `observe` then reports it for the document
        return None
    if interval is None:
        seen = seen_once(document.status, seen_at)
        return Observation(name, key, document, seen, raw_document.fingerprint(text))
    if timestamps.is_future(interval.last_seen):  # `observe` then reports it
        return None
    return Observation(name, key, document, _with_status(interval, document.status), None)


def observe(raw: RawDocument, appliance: str | None, seen_at: str) -> Observation | str:
    """Return a document's observation, or why it cannot be archived as a job.

    `appliance` is used if the document names none; UsageError is raised if both are missing.
    Whatever else is wrong is a reason for quarantine, even an error of this program. A document
    that says itself when it was seen has no fingerprint: those are of what was seen with the
    import.
    """
    if raw.problem is not None or raw.key is None:
        return raw.problem or "no job key"
    name = appliance if raw.appliance is None else raw.appliance
    if name is None:
        raise UsageError(f"{raw.position}: no appliance name; set it with --appliance")
    try:
        name = check_name(name)
        document = parse(raw.details.encode())
    except (NotAJobError, UsageError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - one document must not stop an import
        return f"cannot be read, please report it: {type(error).__name__}: {error}"
    if raw.seen is not None and timestamps.is_future(raw.seen.last_seen):
        return (
            f"seen in the future, at {raw.seen.last_seen}: correct this machine's clock, or the time in"
            " the line"
        )
    if raw.seen is None:
        mark = raw_document.fingerprint(raw.raw)
        return Observation(name, raw.key, document, seen_once(document.status, seen_at), mark)
    return Observation(name, raw.key, document, _with_status(raw.seen, document.status), None)


def observe_answer(raw: RawDocument, appliance: str, seen_at: str) -> Observation | str:
    """Return the observation of a document fetched from an appliance, or why it cannot be archived.

    A document that names another appliance, as exports can, is refused.
    """
    if raw.appliance is not None and identity(raw.appliance) != identity(appliance):
        return "it names another appliance than the one that sent it"
    return observe(raw, appliance, seen_at)


def _with_status(seen: SeenInterval, status: str) -> SeenInterval:
    """Return an interval that has the status the job is in.

    The times of a line need not have it; it was then in that status when it was last seen.
    """
    if status in seen.statuses:
        return seen
    return seen._replace(statuses={**seen.statuses, status: seen.last_seen})
