"""Observations into the archive: merged with what is stored, written in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import dialects, instants, merge, tables
from archive.appliances import lock_appliances
from archive.batch import Batch, update_jobs
from archive.merge import Sight, State
from archive.normalise import Normalised, normalise
from archive.references import References
from archive.rollup import Contribution, Totals
from archive.stored import JobKey, Stored, find_stored, new_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.canonical import Document
    from archive.days import Calendar

_CHUNK = 500


class Observation(NamedTuple):
    """One document of one job, and when it was seen."""

    appliance: str
    key: str
    document: Document
    sight: Sight


@dataclass
class Counts:
    """What became of the documents of a run; `findings` are those of new and changed ones."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    findings: int = 0
    quarantined: int = 0


class Loader:
    """Writes batches of observations, each within the caller's transaction.

    After a transaction that failed a loader must not be used again: it remembers numbers.
    """

    def __init__(self, run_id: int, calendar: Calendar) -> None:
        self._run_id = run_id
        self._calendar = calendar
        self._references = References()
        self._totals = Totals()

    def load(
        self, connection: Connection, observations: Sequence[Observation], counts: Counts
    ) -> None:
        """Merge a batch into the archive and add what happened to `counts`."""
        incoming = self._merge(connection, observations)
        stored = find_stored(connection, incoming)
        new = {key: state for key, state in incoming.items() if key not in stored}
        changed = {
            key: state
            for key, state in incoming.items()
            if key in stored and state.rank > stored[key].rank
        }
        counts.seen += len(observations)
        counts.new += len(new)
        counts.changed += len(changed)
        counts.unchanged += len(observations) - len(new) - len(changed)
        for state in (*new.values(), *changed.values()):
            counts.findings += len(state.document.findings)
        self._touch(connection, incoming, changed, stored)
        if new or changed:
            self._write(connection, new, changed, stored)

    def finish(self, connection: Connection) -> None:
        """Bring the day totals in line; to be called last in a transaction."""
        self._totals.write(connection)

    def _merge(
        self, connection: Connection, observations: Sequence[Observation]
    ) -> dict[JobKey, State]:
        """Return one state for each job of the batch, its appliance locked."""
        sights: dict[str, Sight] = {}
        for name, _, _, sight in observations:
            seen = Sight(sight.first_seen, sight.last_seen, {})
            sights[name] = sights[name].merge(seen) if name in sights else seen
        appliances = lock_appliances(connection, sights)
        states: dict[JobKey, State] = {}
        for name, job_key, document, sight in observations:
            info = document.info
            rank = merge.rank(
                info.status,
                None if info.progress is None else info.progress.completed,
                info.duration,
                info.end_time and instants.fixed_form(info.end_time),
                document.digest,
            )
            key = (appliances[name], job_key)
            state = State(rank, sight, document)
            states[key] = states[key].merge(state) if key in states else state
        return states

    def _write(
        self,
        connection: Connection,
        new: dict[JobKey, State],
        changed: dict[JobKey, State],
        stored: dict[JobKey, Stored],
    ) -> None:
        documents = {key: normalise(state.document.info) for key, state in (new | changed).items()}
        self._references.learn(
            connection, (key for rows in documents.values() for key in rows.references())
        )
        batch = Batch(self._references)
        statuses: list[tuple[Any, ...]] = []
        for key, job_id in new_ids(connection, new).items():
            state = new[key]
            row = self._job_row(key, job_id, state, state.sight, documents[key])
            batch.insert_job(row, state.document, documents[key])
            self._totals.add(_contribution(row))
            for status, observed_at in state.sight.statuses.items():
                statuses.append((key[0], job_id, status, observed_at, self._run_id))
        for key, state in changed.items():
            before = stored[key]
            sight = state.sight.merge(Sight(before.first_seen, before.last_seen, {}))
            row = self._job_row(key, before.id, state, sight, documents[key])
            batch.replace_job(row, state.document, documents[key])
            self._totals.add(before.counted, -1)
            self._totals.add(_contribution(row))
        batch.write(connection)
        dialects.insert(connection, tables.job_status, statuses)

    def _job_row(
        self, key: JobKey, job_id: int, state: State, sight: Sight, rows: Normalised
    ) -> tuple[Any, ...]:
        return (
            key[0],
            job_id,
            key[1],
            self._calendar.job_day(rows.job.start_time, key[1], sight.first_seen),
            *rows.job,
            self._references.id_of(rows.location),
            self._references.id_of(rows.build),
            self._references.id_of(rows.operation),
            state.document.digest,
            sight.first_seen,
            sight.last_seen,
            self._run_id,
        )

    def _touch(
        self,
        connection: Connection,
        incoming: dict[JobKey, State],
        changed: dict[JobKey, State],
        stored: dict[JobKey, Stored],
    ) -> None:
        """Record when known jobs were seen, and in which status."""
        later: dict[tuple[int, str], list[int]] = {}
        earlier: list[dict[str, Any]] = []
        statuses: dict[tuple[int, int], dict[str, str]] = {}
        for key, before in stored.items():
            sight = incoming[key].sight
            if sight.last_seen > before.last_seen:
                later.setdefault((key[0], sight.last_seen), []).append(before.id)
            if sight.first_seen < before.first_seen:
                day = self._calendar.job_day(before.start_time, key[1], sight.first_seen)
                if key not in changed:
                    self._totals.add(before.counted, -1)
                    self._totals.add(before.counted._replace(day=day))
                earlier.append(
                    {
                        "of_appliance": key[0],
                        "of_job": before.id,
                        "new_first_seen": sight.first_seen,
                        "new_day": day,
                    }
                )
            # Seen in order, and in the status it has: what is known of its statuses stays true.
            if sight.first_seen < before.last_seen or set(sight.statuses) != {before.status}:
                statuses[key[0], before.id] = sight.statuses
        _update_last_seen(connection, later)
        self._references.learn_days(connection, [change["new_day"] for change in earlier])
        update_jobs(connection, earlier)
        self._record_statuses(connection, statuses)

    def _record_statuses(
        self, connection: Connection, observed: dict[tuple[int, int], dict[str, str]]
    ) -> None:
        table = tables.job_status
        rows = []
        for (appliance_id, job_id), statuses in observed.items():
            query = sa.select(table.c.status, table.c.observed_at).where(
                table.c.appliance_id == appliance_id, table.c.job_id == job_id
            )
            known = dict(map(tuple, connection.execute(query)))
            rows += [
                (appliance_id, job_id, status, observed_at, self._run_id)
                for status, observed_at in statuses.items()
                if status not in known or observed_at < known[status]
            ]
        dialects.upsert(connection, table, rows, ["observed_at", "run_id"])


def _update_last_seen(connection: Connection, later: dict[tuple[int, str], list[int]]) -> None:
    job = tables.job
    for (appliance_id, last_seen), ids in later.items():
        for start in range(0, len(ids), _CHUNK):
            connection.execute(
                sa.update(job)
                .where(
                    job.c.appliance_id == appliance_id, job.c.id.in_(ids[start : start + _CHUNK])
                )
                .values(last_seen=last_seen)
            )


def _contribution(row: tuple[Any, ...]) -> Contribution:
    """Return what a row of `job` adds to the day totals."""
    return Contribution(row[3], row[5] or "", row[4], row[9], row[8])
