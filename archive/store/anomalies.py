"""Stored anomalies of successes: reports, views and monitoring read them.

The transaction that changes a success judges its appliance again, from some days before that success
on: earlier verdicts do not depend on it. The result is the same as judging everything anew.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import Day, tables
from archive.judgement import outliers
from archive.judgement.levels import KEPT_DAYS, NEAR_DAYS
from archive.judgement.outliers import CONFIRMATION_DAYS, Job
from archive.store.chunks import chunks
from archive.store.job_order import order
from archive.store.labels import build_label
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.judgement.outliers import Finding

    _Row = tuple[Any, ...]

# Days are ordinals here, as in the judgement.
_LAST = date.max.toordinal()
# Rows collected before they are written, so that memory does not grow with a rebuild.
_ROWS_AT_A_TIME = 10_000
# Appliances whose successes are read together if they have changed in so many days only.
_READ_TOGETHER, _RECENT_DAYS = 50, 100


class ChangedSuccesses:
    """The first day of each appliance on which a transaction has changed a success.

    Only the first day counts, since everything from some days before it is judged anew.
    """

    def __init__(self) -> None:
        self._first: dict[int, str] = {}

    def add(self, appliance_id: int, status: str, day: str) -> None:
        """Add a job that is or was on a day, if it succeeded.

        `day` is an ISO date. Call it for the job before a change as well as for the one after it.
        """
        if status == "SUCCEEDED" and day < self._first.get(appliance_id, "9999-99-99"):
            self._first[appliance_id] = day

    def write(self, connection: Connection) -> None:
        """Judge the appliances again from these days on; the caller has locked them."""
        changed = self._first
        self._first = {}
        labels = _Labels(connection)
        rows: list[_Row] = []
        for some in _parts(changed):
            for appliance_id, first, known, jobs in _read(connection, some):
                rows += _judge_again(connection, appliance_id, first, known, jobs, labels)
            if len(rows) >= _ROWS_AT_A_TIME:
                db.insert(connection, tables.anomaly, rows)
                rows = []
        db.insert(connection, tables.anomaly, rows)


def _parts(changed: Mapping[int, str]) -> Iterator[list[tuple[int, str]]]:
    """Yield appliances that are read together, with the first day of each that has changed.

    Memory must not hold long histories of several.
    """
    since = _iso(_ordinal(timestamps.now()[:10]) - _RECENT_DAYS)
    for are_recent, some in groupby(changed.items(), key=lambda entry: entry[1] >= since):
        yield from chunks(some, _READ_TOGETHER if are_recent else 1)


def _read(
    connection: Connection, changed: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, int, set[int], list[Job]]]:
    """Yield appliances, the first day that has changed, the jobs of stored anomalies, and successes.

    The successes are those from some days before that day on.
    """
    days = [_ordinal(day) for _, day in changed]
    known = _KNOWN.rows_of_each(connection, [{"of_appliance": number} for number, _ in changed])
    spans = [
        {"of_appliance": number, "first": _iso(_near(first)), "last": _iso(_LAST)}
        for (number, _), first in zip(changed, days, strict=True)
    ]
    successes = _SUCCESSES.rows_of_each(connection, spans)
    for (number, day), first, ids, rows in zip(changed, days, known, successes, strict=True):
        yield number, first, {job for (job,) in ids}, _jobs(rows, day)


def _near(first: int) -> int:
    return max(first - NEAR_DAYS, 1)


def _judge_again(
    connection: Connection,
    appliance_id: int,
    first: int,
    known: set[int],
    jobs: list[Job],
    labels: _Labels,
) -> list[_Row]:
    """Delete the anomalies that jobs of a day and later ones may change, and return the right ones."""
    # A changed success may confirm, or no longer confirm, what began so long before it.
    begun = max(first - CONFIRMATION_DAYS, 1)
    # Most successes are no anomalies and have none near: then nothing is read from long before.
    is_open = any(begun <= job.day < first and job.id in known for job in jobs)
    if not is_open and outliers.are_plain(jobs):
        begun, found = first, []
    else:
        span = max(begun - KEPT_DAYS, 1), _near(first) - 1
        before = _successes(connection, appliance_id, span, begun)
        between = (job._replace(judged=True) if begun <= job.day < first else job for job in jobs)
        found = labels.rows(appliance_id, outliers.findings(chain(before, between)))
    if known:
        _GONE.execute(connection, {"of_appliance": appliance_id, "first": _iso(begun)})
    return found


def rebuild(connection: Connection) -> int:
    """Judge all successes again, and return how many rows were wrong; the caller has locked the jobs.

    It reads the successes of one appliance at a time.
    """
    ids = connection.execute(sa.select(tables.appliance.c.id)).scalars().all()
    return judge_again(connection, ids)


def judge_again(connection: Connection, ids: Iterable[int]) -> int:
    """Judge all successes of appliances again, and return how many rows were wrong."""
    table = tables.anomaly
    gone = sa.delete(table).where(table.c.appliance_id == sa.bindparam("of_appliance"))
    wrong = 0
    for appliance_id, stored, right in _compared(connection, ids):
        if stored != right:
            wrong += len(compare(table, stored, right))
            connection.execute(gone, {"of_appliance": appliance_id})
            db.insert(connection, table, sorted(right, key=itemgetter(1, 2)))
    return wrong


def differences(connection: Connection) -> list[WrongRow]:
    """Return the stored rows that are wrong, missing or not needed."""
    ids = connection.execute(sa.select(tables.appliance.c.id)).scalars().all()
    return [
        wrong
        for _, stored, right in _compared(connection, ids)
        for wrong in compare(tables.anomaly, stored, right)
    ]


def _compared(
    connection: Connection, ids: Iterable[int]
) -> Iterator[tuple[int, set[_Row], set[_Row]]]:
    """Yield for each appliance its id, its stored rows, and those that are right."""
    table, labels = tables.anomaly, _Labels(connection)
    query = sa.select(table).where(table.c.appliance_id == sa.bindparam("of_appliance"))
    for appliance_id in sorted(ids):
        stored = connection.execute(query, {"of_appliance": appliance_id}).all()
        jobs = _successes(connection, appliance_id, (1, _LAST), 1)
        right = labels.rows(appliance_id, outliers.findings(jobs))
        yield appliance_id, set(map(tuple, stored)), set(right)


class _Labels:
    """Rows of findings, with what was before as a text."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, int], str] = {}

    def rows(self, appliance_id: int, findings: Sequence[Finding]) -> list[_Row]:
        """Return rows of `anomaly`; a location that differs in its password only is none."""
        return [row for found in findings if (row := self._row(appliance_id, found)) is not None]

    def _row(self, appliance_id: int, found: Finding) -> _Row | None:
        """Return the row of a finding; None if what changed is only a password in a location."""
        previous = found.before
        if found.what in ("location", "build"):
            previous = self._label(found.what, found.before)
            if previous == self._label(found.what, getattr(found.job, found.what)):
                return None
        usual = found.usual or (None, None, None)
        confirmed_by = None if found.confirmed_by is None else found.confirmed_by.id
        return (
            appliance_id, found.job.id, found.what, found.severity, found.figure, *usual, previous,
            confirmed_by,
        )  # fmt: skip

    def _label(self, what: str, number: int) -> str:
        """Return the masked URL of a location, or the label of a build, by its id; cached."""
        known = self._known.get((what, number))
        if known is None:
            query = _LOCATION if what == "location" else _BUILD
            known = str(self._connection.execute(query, {"number": number}).scalar_one())
            self._known[what, number] = known
        return known


_LOCATION = sa.select(tables.location.c.masked_url).where(
    tables.location.c.id == sa.bindparam("number")
)
_BUILD = sa.select(build_label()).where(tables.build.c.id == sa.bindparam("number"))
_KNOWN = db.Prepared(
    sa.select(tables.anomaly.c.job_id)
    .where(tables.anomaly.c.appliance_id == sa.bindparam("of_appliance"))
    .distinct()
)


def _successes(
    connection: Connection, appliance_id: int, span: tuple[int, int], judged_from: int
) -> list[Job]:
    """Return the successes of an appliance from a day to a day (ordinals), in their order."""
    first, last = span
    if last < first:  # there is no day before the calendar's first
        return []
    values = {"of_appliance": appliance_id, "first": _iso(first), "last": _iso(last)}
    return _jobs(_SUCCESSES.rows(connection, values), _iso(judged_from))


def _jobs(rows: Iterable[tuple[Any, ...]], judged: str) -> list[Job]:
    """Return rows of successes as jobs, which are judged from a day on."""
    return [Job._make((row[0], _ordinal(row[1]), *row[2:], row[1] >= judged)) for row in rows]


_JOB = tables.job
_SUCCESSES = db.Prepared(
    sa.select(
        _JOB.c.id,
        _JOB.c.day,
        _JOB.c.key,
        _JOB.c.type,
        _JOB.c.size_bytes,
        _JOB.c.duration_seconds,
        _JOB.c.location_id,
        _JOB.c.location_user,
        _JOB.c.build_id,
    )
    .where(
        _JOB.c.appliance_id == sa.bindparam("of_appliance"),
        _JOB.c.status == "SUCCEEDED",
        _JOB.c.day.between(sa.bindparam("first", type_=Day()), sa.bindparam("last", type_=Day())),
    )
    .order_by(*order(_JOB))
)
_GONE = db.Prepared(
    sa.delete(tables.anomaly).where(
        tables.anomaly.c.appliance_id == sa.bindparam("of_appliance"),
        sa.exists().where(
            _JOB.c.appliance_id == tables.anomaly.c.appliance_id,
            _JOB.c.id == tables.anomaly.c.job_id,
            # One that is no success any more may have moved to an earlier day besides.
            (_JOB.c.day >= sa.bindparam("first", type_=Day())) | (_JOB.c.status != "SUCCEEDED"),
        ),
    )
)


@lru_cache(8192)  # a fleet shares its days
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


@lru_cache(8192)
def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
