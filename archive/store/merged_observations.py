"""The observations of a batch: one state for each job, and when each appliance was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.document.precedence import SeenInterval, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archive.document.parse import Observation
    from archive.store.known_jobs import JobKey


def seen_intervals(observations: Sequence[Observation]) -> dict[str, SeenInterval]:
    """Return when each appliance was seen, first and last."""
    seen: dict[str, SeenInterval] = {}
    for name, _, _, (first_seen, last_seen, _), _ in observations:
        known = seen.get(name)
        if known is None or first_seen < known.first_seen or last_seen > known.last_seen:
            interval = SeenInterval(first_seen, last_seen, {})
            seen[name] = interval if known is None else known.merge(interval)
    return seen


def merged(
    observations: Sequence[Observation], appliance_ids: Mapping[str, int]
) -> tuple[dict[JobKey, State], dict[JobKey, bytes]]:
    """Return one state for each job of a batch, and the fingerprints of its imported documents."""
    states: dict[JobKey, State] = {}
    imported: dict[JobKey, bytes] = {}
    for name, job_key, document, seen, fingerprint in observations:
        key = (appliance_ids[name], job_key)
        state = State(document.rank, seen, document)
        known = states.setdefault(key, state)
        if known is not state:
            states[key] = known.merge(state)
        if fingerprint is not None:
            imported[key] = fingerprint
    return states, imported
