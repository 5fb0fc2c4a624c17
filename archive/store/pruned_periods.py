"""From when on each appliance has its jobs: those from before were pruned, except for some that were kept.

`archive.maintenance.prune` writes the rows. A job that is kept although it began before `until` takes no
part in the judgement any more, since the jobs around it are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.calendar import key_stamp
from archive.db import tables
from archive.judgement.streaks import Streaks
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

_TABLE = tables.pruned_appliance
_FEW_COLUMNS = ("appliance_id", "until_time", "judged_from_time", "jobs", "pruned_at")
_STREAKS = (
    "consecutive_failures",
    "failing_since_time",
    "worst_consecutive_failures",
    "worst_since_time",
    "recoveries",
    "recovery_seconds",
    "recovery_worst_seconds",
)
_ALL = sa.select(*(_TABLE.c[name] for name in (*_FEW_COLUMNS, *_STREAKS)))
_ONE = db.Prepared(_ALL.where(_TABLE.c.appliance_id == sa.bindparam("id")))


NO_STREAKS = Streaks()


class PrunedPeriod(NamedTuple):
    """What was pruned of an appliance.

    Jobs that began before `until` are gone. What was expected before `judged_from` stays as it was
    judged. `jobs` is how many were pruned, `pruned_at` when it was done last, and `streaks` those of
    all finished jobs before `until`. Instants are fixed-width UTC texts.
    """

    until: str
    judged_from: str
    jobs: int
    pruned_at: str
    streaks: Streaks


def read(connection: Connection, ids: Collection[int] | None = None) -> dict[int, PrunedPeriod]:
    """Return the pruned periods of appliances, all or those of `ids`, by appliance id."""
    if ids is not None and len(ids) == 1:  # as in most imports
        rows: Iterable[tuple[Any, ...]] = _ONE.rows(connection, {"id": next(iter(ids))})
    elif ids is None:
        rows = map(tuple, connection.execute(_ALL))
    else:
        rows = [
            tuple(row)
            for chunk in chunks(ids)
            for row in connection.execute(_ALL.where(_TABLE.c.appliance_id.in_(chunk)))
        ]
    places = len(_FEW_COLUMNS)
    found: dict[int, PrunedPeriod] = {}
    for number, *few in rows:
        found[number] = PrunedPeriod._make((*few[: places - 1], Streaks._make(few[places - 1 :])))
    return found


def store(connection: Connection, appliance_id: int, period: PrunedPeriod) -> None:
    """Store the pruned period of an appliance, which the caller has locked."""
    row = (appliance_id, *period[:-1], *period.streaks)
    db.upsert(connection, _TABLE, [row], [*_FEW_COLUMNS[1:], *_STREAKS])


def join(connection: Connection, source: int, target: int) -> None:
    """Give an appliance the pruned period of another one, too, as far as both can be one.

    Jobs of either that were pruned stay away. Streaks of pruned jobs cannot be joined: those of the
    target stay. The caller has locked both.
    """
    found = read(connection, [source, target])
    if source not in found:
        return
    other = found[source]
    own = found.get(target, other._replace(jobs=0))
    joined = PrunedPeriod(
        max(own.until, other.until),
        max(own.judged_from, other.judged_from),
        own.jobs + other.jobs,
        max(own.pruned_at, other.pruned_at),
        own.streaks,
    )
    store(connection, target, joined)


def lack_jobs_of(connection: Connection, run_id: int, ids: Collection[int]) -> bool:
    """Return whether jobs that an import brought for appliances were pruned since, as far as is known.

    Jobs that were replaced, merged or forgotten count as pruned, if any were.
    """
    job, run = tables.job, tables.ingest_run
    query = sa.select(run.c.started, run.c.new).where(run.c.id == run_id)
    started, new = connection.execute(query).one()
    count = sa.select(sa.func.count()).select_from(job).where(job.c.run_id == run_id)
    is_older = any(started < period.pruned_at for period in read(connection, ids).values())
    return is_older and int(connection.execute(count).scalar_one()) < new


def settled_by_jobs_of(connection: Connection, run_id: int, ids: Collection[int]) -> bool:
    """Return whether an expected backup that is not judged any more has a job that an import brought."""
    job, expected = tables.job, tables.expected_backup
    query = (
        sa.select(expected.c.day)
        .join(
            job,
            (job.c.appliance_id == expected.c.appliance_id) & (job.c.id == expected.c.job_id),
        )
        .where(job.c.run_id == run_id)
        .limit(1)
    )
    return any(
        connection.execute(
            query.where(expected.c.appliance_id == number, expected.c.due_time < period.judged_from)
        ).first()
        for number, period in read(connection, ids).items()
    )


def gone(
    starts: Mapping[tuple[int, str], str | None], until: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """Yield those jobs that are gone, or would be: jobs that the archive does not have.

    Jobs are given by appliance id and key, with their start; `until` is by appliance id. A job that
    began so early and never was in the archive is among them: nothing tells it from the others.
    """
    for (appliance_id, key), start_time in starts.items():
        at = began(key, start_time)
        if at is not None and at < until.get(appliance_id, ""):
            yield appliance_id, key


def began(key: str, start_time: str | None) -> str | None:
    """Return the instant by which a job is pruned; None: it is not known, and the job is kept.

    The key goes first: it is the same in every document of a job, so that a pruned job can never come
    back with another document.
    """
    return key_stamp(key) or start_time
