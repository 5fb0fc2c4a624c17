"""Merge observations with the stored jobs and write them in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive import db
from archive.calendar import key_stamp
from archive.db import tables
from archive.document.flatten import Build, Location, Operation
from archive.document.precedence import SeenInterval
from archive.judgement.local_time import seconds
from archive.store import appliance_history, pruned_periods
from archive.store.appliances import SeenAppliances
from archive.store.day_totals import Contribution
from archive.store.dimension_keys import References
from archive.store.job_writer import Batch, JobRow, update_jobs
from archive.store.judged_backups import ChangedAppliances
from archive.store.known_jobs import (
    JobKey,
    Stored,
    find_stored,
    new_ids,
    record_statuses,
)
from archive.store.last_seen import LastSeen
from archive.store.merged_observations import merged, seen_intervals
from archive.store.message_contents import MessageContents
from archive.store.received_documents import ReceivedDocuments
from archive.store.seen_documents import LatestImports
from archive.store.totals import ChangedTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.document.parse import Observation, ParsedJob
    from archive.document.precedence import State
    from archive.store.counts import Counts


class Loader:
    """Write batches of observations, each within the caller's transaction.

    `seen_at` is when the import was seen. Every appliance of a batch must be locked. Do not
    use a loader after a failed transaction: it caches IDs.

    New jobs that began before those that were pruned are refused, unless `refuses_pruned` is false.
    """

    def __init__(
        self, run_id: int, calendar: Calendar, seen_at: str, *, refuses_pruned: bool = True
    ) -> None:
        self._run_id = run_id
        self._calendar = calendar
        self._this_import = SeenInterval(seen_at, seen_at, {})
        self._references = References()
        self._contents = MessageContents(self._references)
        self._totals = ChangedTotals()
        self._appliances = SeenAppliances()
        self._latest = LatestImports(seen_at)
        self._refuses_pruned = refuses_pruned
        self.received = ReceivedDocuments(run_id, seen_at)
        self.judged = ChangedAppliances(calendar)

    def lock(self, connection: Connection, names: Iterable[str]) -> None:
        """Lock appliances: see `lock_appliances`. Locking them once in a transaction is enough."""
        self._appliances.lock(connection, names)

    def find(self, connection: Connection, names: Iterable[str]) -> dict[str, int]:
        """Return the IDs of the named appliances that the archive has, by name."""
        numbers = self._appliances.find(connection, names)
        self._latest.open(connection, numbers.values())
        return numbers

    def mark_seen(self, connection: Connection, names: Iterable[str]) -> dict[str, int]:
        """Record that appliances were seen with this import, and return their IDs by name."""
        locked = self._appliances.record(connection, dict.fromkeys(names, self._this_import))
        self._contents.start(locked.created)
        self._latest.open(connection, locked.ids.values())
        self.received.name(locked.ids)
        self.judged.see(locked.ids.values())
        return locked.ids

    def known(self, appliance_id: int) -> Mapping[bytes, int]:
        """Return the jobs of the latest import by the fingerprint of their document."""
        return self._latest.known(appliance_id)

    def see_again(self, appliance_id: int, fingerprints: Iterable[bytes], counts: Counts) -> None:
        """Record that documents with `known` fingerprints were imported again."""
        marks = list(fingerprints)
        self._latest.see_again(appliance_id, marks)
        counts.seen += len(marks)
        counts.unchanged += len(marks)

    def load(
        self,
        connection: Connection,
        observations: Sequence[Observation],
        counts: Counts,
        *,
        anew: bool = False,
    ) -> None:
        """Merge a batch into the archive and update `counts`.

        With `anew`, documents replace those stored, whichever is the greater.
        """
        locked = self._appliances.record(connection, seen_intervals(observations))
        self._latest.open(connection, locked.ids.values())
        self.received.name(locked.ids)
        self.judged.see(locked.ids.values())
        self._contents.start(locked.created)
        incoming, imported = merged(observations, locked.ids)
        # A new appliance has no jobs to look up.
        stored = find_stored(connection, (key for key in incoming if key[0] not in locked.created))
        new = {key: state for key, state in incoming.items() if key not in stored}
        pruned = 0
        if locked.pruned_until and self._refuses_pruned:
            starts = {key: state.document.rows[0][2] for key, state in new.items()}
            gone = set(pruned_periods.gone(starts, locked.pruned_until))
            new = {key: state for key, state in new.items() if key not in gone}
            pruned = sum((locked.ids[one.appliance], one.key) in gone for one in observations)
        changed = {
            key: incoming[key] for key in stored if anew or incoming[key].rank > stored[key].rank
        }
        counts.seen += len(observations)
        counts.new += len(new)
        counts.changed += len(changed)
        counts.unchanged += len(observations) - len(new) - len(changed) - pruned
        counts.pruned += pruned
        for states in (new, changed):
            counts.findings += sum(len(state.document.findings) for state in states.values())
        if new or changed:
            self._write(connection, new, changed, stored, imported)
        self._touch(connection, incoming, changed, stored, imported)

    def settle(self, connection: Connection) -> None:
        """Write the latest imports and the lists of documents so far; no other writer may run."""
        self._latest.write(connection, unfinished=True)
        self.received.store(connection)

    def drain(self, connection: Connection) -> None:
        """Write the latest imports and most totals so far; this takes time for every changed day."""
        self.settle(connection)
        self._totals.drain(connection)

    def finish(self, connection: Connection) -> None:
        """Write the latest imports and all totals, at the end of a transaction."""
        self._latest.write(connection)
        self._totals.write(connection)
        self._appliances.clear()

    def _write(
        self,
        connection: Connection,
        new: dict[JobKey, State],
        changed: dict[JobKey, State],
        stored: dict[JobKey, Stored],
        imported: dict[JobKey, bytes],
    ) -> None:
        documents = [(key[0], state.document.rows) for key, state in (new | changed).items()]
        self._references.learn(connection, (rows for _, rows in documents))
        self._contents.learn(connection, documents)
        batch = Batch(self._references, self._contents)
        statuses: list[tuple[Any, ...]] = []
        since: dict[int, str] = {}
        # By appliance, as the rows lie in the tables.
        for key, job_id in sorted(new_ids(connection, new).items(), key=_place):
            state = new[key]
            seen = state.seen
            last_seen: str | None = seen.last_seen
            if key in imported and self._is_latest(key[0], seen.last_seen):
                self._latest.see(key[0], job_id, imported[key], apart=False)
                last_seen = None
            row = self._job_row(key, job_id, state.document, seen.first_seen, last_seen)
            batch.insert_job(row, state.document)
            self.received.add(key[0], key[1], row.digest)
            _note(since, key[0], appliance_history.began(row))
            self._count(row)
            for status, observed_at in seen.statuses.items():
                statuses.append((key[0], job_id, status, observed_at, self._run_id))
        for key, state in changed.items():
            before = stored[key]
            first_seen = min(before.first_seen, state.seen.first_seen)
            row = self._job_row(key, before.id, state.document, first_seen, before.own_last_seen)
            batch.replace_job(row, state.document)
            self.received.add(key[0], key[1], row.digest)
            _note(since, key[0], appliance_history.began(row))
            _note(since, key[0], before.start_time or key_stamp(key[1]) or before.first_seen)
            # What it counted as before goes out, what it is now comes in.
            self._totals.add(key[0], before.build_id, before.counted, -1)
            self._count(row)
        for appliance_id, earliest in since.items():
            self.judged.change(appliance_id, seconds(earliest))
        batch.write(connection)
        db.insert(connection, tables.job_status, statuses)

    def _count(self, row: JobRow) -> None:
        """Add a job to the totals."""
        self._totals.add(row.appliance_id, row.build_id, _contribution(row))

    def _is_latest(self, appliance_id: int, last_seen: str) -> bool:
        """Return whether a job was last seen with this import, and it is its appliance's latest."""
        return last_seen == self._this_import.last_seen and self._latest.takes(appliance_id)

    def _job_row(
        self,
        key: JobKey,
        job_id: int,
        document: ParsedJob,
        first_seen: str,
        last_seen: str | None,
    ) -> JobRow:
        job, build, location, operation, _, _ = document.rows
        ids = self._references.ids
        return JobRow._make(
            (
                key[0],
                job_id,
                key[1],
                self._calendar.job_day(job[2], key[1], first_seen),
                *job,
                None if location is None else ids(Location)[location],
                None if build is None else ids(Build)[build],
                None if operation is None else ids(Operation)[operation],
                document.digest,
                first_seen,
                last_seen,
                self._run_id,
            )
        )

    def _touch(
        self,
        connection: Connection,
        incoming: dict[JobKey, State],
        changed: dict[JobKey, State],
        stored: dict[JobKey, Stored],
        imported: dict[JobKey, bytes],
    ) -> None:
        """Record when known jobs were seen, and in which status."""
        later = LastSeen()
        earlier: list[dict[str, Any]] = []
        statuses: dict[tuple[int, int], dict[str, str]] = {}
        for key, before in stored.items():
            seen, (appliance_id, _) = incoming[key].seen, key
            last_seen = self._latest.last_seen(appliance_id, before.id, before.own_last_seen)
            if seen.last_seen >= last_seen and self._in_latest(key, seen, imported):
                apart = before.own_last_seen is not None
                self._latest.see(appliance_id, before.id, imported[key], apart=apart)
            elif seen.last_seen > last_seen:
                later.set(appliance_id, [before.id], seen.last_seen)
                self._latest.leave(appliance_id, before.id, seen.last_seen)
            if seen.first_seen < before.first_seen:
                day = self._calendar.job_day(before.start_time, key[1], seen.first_seen)
                if key not in changed:
                    self.judged.change(appliance_id, seconds(before.start_time or seen.first_seen))
                    self._totals.move(appliance_id, before.counted, day)
                    earlier.append(
                        {
                            "of_appliance": appliance_id,
                            "of_job": before.id,
                            "new_first_seen": seen.first_seen,
                            "new_day": day,
                        }
                    )
            # Seen later and in its present status: the stored statuses stay right.
            known_from = max(before.first_seen, last_seen)  # a clock that was ahead swaps them
            if seen.first_seen < known_from or set(seen.statuses) != {before.status}:
                statuses[appliance_id, before.id] = seen.statuses
        later.write(connection)
        self._references.learn_days(connection, [change["new_day"] for change in earlier])
        update_jobs(connection, earlier)
        record_statuses(connection, statuses, self._run_id)

    def _in_latest(self, key: JobKey, seen: SeenInterval, imported: dict[JobKey, bytes]) -> bool:
        return key in imported and self._is_latest(key[0], seen.last_seen)


def _place(numbered: tuple[JobKey, int]) -> tuple[int, int]:
    (appliance_id, _), job_id = numbered
    return appliance_id, job_id


def _note(since: dict[int, str], appliance_id: int, instant: str) -> None:
    """Keep the earliest instant at which an appliance has changed."""
    known = since.get(appliance_id)
    if known is None or instant < known:
        since[appliance_id] = instant


def _contribution(row: JobRow) -> Contribution:
    """Return what a row of `job` adds to the day totals."""
    return Contribution(row.day, row.type or "", row.status, row.size_bytes, row.duration_seconds)
