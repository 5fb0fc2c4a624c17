"""The jobs of the appliances that the page shows individually, as columns that compress well.

Sizes and durations are bins of `quantile_sketch`, so the percentiles of any selection are within 1 %,
like those from day totals.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import quantile_sketch
from archive.calendar import iso, ordinal
from archive.db import tables
from archive.judgement.expected import DID_NOT_RUN, FAILED, MET, NO_DATA, RUNNING
from archive.judgement.outcome import TallyRow, tally
from archive.reports import jobs
from archive.reports.core import expected_backups, filters
from archive.reports.core.job_order import place
from archive.statuses import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# The statuses of jobs and the outcomes of expected backups, by their numbers; None: nothing expected.
STATUSES = ("succeeded", "failed", "open", "other")
# The page's script has the same orders.
OUTCOMES = (None, MET, FAILED, RUNNING, DID_NOT_RUN, NO_DATA)
_OUTCOME_NUMBERS = {outcome: number for number, outcome in enumerate(OUTCOMES) if outcome}
# In place of a bin: the job has no value.
UNKNOWN = 2**16 - 1
# Limits on the number and length of texts; jobs beyond show only their message id.
MOST_MESSAGES, LONGEST_MESSAGE = 4000, 300
# The number of last days of which the page has the outcomes of every appliance.
RECENT_DAYS = 30
# Rows fetched together; on PostgreSQL they come from a cursor on the server.
_ROWS_AT_A_TIME = 5000
# Stands for the rest of a text.
_LENGTHENED = "…"


@dataclass
class History:
    """The jobs by appliance, in the order of `names`, and by day.

    `counts` has the number of jobs of each appliance. The columns have one number for each job:
    `days` since `first` (an ordinal), `statuses` (index in STATUSES), `sizes` and `durations` (bins of
    `quantile_sketch`, or UNKNOWN), and `message_numbers` (1 + index in `messages`, 0 for none).
    `expected` has an index in OUTCOMES for each appliance and day.

    A job takes nine bytes before compression: four numbers of two, and one.
    """

    names: tuple[str, ...]
    first: int
    number_of_days: int
    counts: list[int] = field(default_factory=list)
    days: array[int] = field(default_factory=lambda: array("H"))
    statuses: bytearray = field(default_factory=bytearray)
    sizes: array[int] = field(default_factory=lambda: array("H"))
    durations: array[int] = field(default_factory=lambda: array("H"))
    message_numbers: array[int] = field(default_factory=lambda: array("H"))
    messages: list[tuple[str | None, str | None]] = field(default_factory=list)
    expected: bytearray = field(default_factory=bytearray)
    tallies: dict[str, TallyRow] = field(default_factory=dict)


def read(connection: Connection, scope: Scope, names: Sequence[str]) -> History:
    """Return the history of these appliances, in that order, for the days in scope.

    The scope must have a first and a last day.
    """
    first, last = ordinal(scope.since or ""), ordinal(scope.until or "")
    history = History(tuple(names), first, last - first + 1)
    numbers = _numbers(connection)
    ranks = {numbers[name]: rank for rank, name in enumerate(names)}
    _read_jobs(connection, scope, ranks, history)
    _read_expected(connection, scope, history)
    return history


def recent(connection: Connection, scope: Scope, names: Sequence[str]) -> bytes:
    """Return an index in OUTCOMES for each of these appliances and each of the last RECENT_DAYS days.

    A day on which nothing was expected has the outcome of its jobs. The scope must have a first and a
    last day; if it has fewer days, so have the appliances.
    """
    last = scope.last_days(min(RECENT_DAYS, scope.days or 0), scope.until or "")
    first, number = ordinal(last.since or ""), last.days or 0
    rows = {name: bytearray(number) for name in names}
    places = _places(first, number)
    for name, day, outcome in expected_backups.outcomes(connection, last):
        if name in rows:
            _mark(rows[name], places[day], outcome)
    numbers = _numbers(connection)
    ran = _ran(connection, last)
    for name, row in rows.items():
        if 0 not in row:
            continue
        for ran_as, days in sorted(ran.get(numbers.get(name, 0), {}).items()):
            for at in range(number):
                if not row[at] and days >> at & 1:
                    row[at] = ran_as
    return b"".join(rows.values())


def _ran(connection: Connection, scope: Scope) -> dict[int, dict[int, int]]:
    """Return the days with jobs by appliance id and index in OUTCOMES; bit 0 is the first day in scope.

    Month totals know them. The scope must have a first and a last day.
    """
    table = tables.appliance_month
    first, last = scope.since or "", scope.until or ""
    outcome = sa.case(
        (table.c.status == "SUCCEEDED", OUTCOMES.index(MET)),
        (table.c.status == "FAILED", OUTCOMES.index(FAILED)),
        (table.c.status.in_(OPEN), OUTCOMES.index(RUNNING)),
        else_=0,
    )
    query = sa.select(table.c.appliance_id, table.c.month, outcome, table.c.days).where(
        table.c.month >= first[:7], table.c.month <= last[:7], *filters.of_types(table, scope)
    )
    found: dict[int, dict[int, int]] = {}
    for number, month, ran, days in connection.execute(
        query, execution_options={"yield_per": _ROWS_AT_A_TIME}
    ):
        before = ordinal(first) - ordinal(f"{month}-01")
        own = found.setdefault(number, {})
        own[ran] = own.get(ran, 0) | (days >> before if before > 0 else days << -before)
    return found


def _mark(row: bytearray, place: int, outcome: str) -> None:
    """Set the outcome of a day; of several expected backups of a day, the last in OUTCOMES is shown."""
    row[place] = max(row[place], _OUTCOME_NUMBERS[outcome])


def _numbers(connection: Connection) -> dict[str, int]:
    """Return the ids of all appliances by name."""
    table = tables.appliance
    found = connection.execute(sa.select(table.c.name, table.c.id))
    return dict(map(tuple, found))


class _Messages:
    """Texts by number, starting at 1; 0 stands for no text."""

    def __init__(self, history: History) -> None:
        self._known: dict[tuple[str | None, str | None], int] = {}
        self._kept = history.messages

    def number(self, message_id: str | None, text: str | None) -> int:
        """Return the number of a message; beyond the limits, that of its id alone."""
        if message_id is None:
            return 0
        if text is not None and len(text) > LONGEST_MESSAGE:
            text = text[: LONGEST_MESSAGE - 1] + _LENGTHENED
        for message in ((message_id, text), (message_id, None), (None, None)):
            if message in self._known:
                return self._known[message]
            limit = MOST_MESSAGES if message[1] is not None else 2 * MOST_MESSAGES
            if len(self._kept) < limit or message[0] is None:
                self._kept.append(message)
                return self._known.setdefault(message, len(self._kept))
        return 0


class _Bins(dict[int | None, int]):
    """The bins of values as they are asked for, because most values repeat."""

    def __missing__(self, value: int | None) -> int:
        found = UNKNOWN if value is None else next(quantile_sketch.bins_of((value,)))
        self[value] = found
        return found


class _Statuses(dict[str, int]):
    """The places of statuses in STATUSES."""

    def __missing__(self, _: str) -> int:
        return STATUSES.index("other")


def _read_jobs(
    connection: Connection, scope: Scope, ranks: Mapping[int, int], history: History
) -> None:
    """Read the jobs into the history; `ranks` gives the order of the appliances by id."""
    messages, bins = _Messages(history), _Bins()
    places = _places(history.first, history.number_of_days)
    place_of = _Statuses({"SUCCEEDED": 0, "FAILED": 1} | dict.fromkeys(OPEN, 2))
    # Rows come in the order of ids, the columns need that of the names.
    own = {rank: History((), 0, 0) for rank in ranks.values()}
    found = connection.execute(
        _jobs(scope, ranks), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    for rows in found.partitions():
        for number, of_appliance in groupby(rows, itemgetter(0)):
            theirs = own[ranks[number]]
            # By column, which is faster than row by row.
            _, days, statuses, sizes, durations, message_ids, texts = zip(
                *of_appliance, strict=True
            )
            theirs.days.extend(map(places.__getitem__, days))
            theirs.statuses.extend(map(place_of.__getitem__, statuses))
            theirs.sizes.extend(map(bins.__getitem__, sizes))
            theirs.durations.extend(map(bins.__getitem__, durations))
            theirs.message_numbers.extend(map(messages.number, message_ids, texts))
    for rank in range(len(ranks)):
        theirs = own.pop(rank)
        history.counts.append(len(theirs.days))
        history.days += theirs.days
        history.statuses += theirs.statuses
        history.sizes += theirs.sizes
        history.durations += theirs.durations
        history.message_numbers += theirs.message_numbers


def _jobs(scope: Scope, ranks: Mapping[int, int]) -> sa.Select[Any]:
    """Return the SELECT of the jobs, by appliance and in the order in which they began."""
    job = tables.job
    failed = job.c.status == "FAILED"
    return (
        sa.select(
            job.c.appliance_id,
            job.c.day,
            job.c.status,
            job.c.size_bytes,
            job.c.duration_seconds,
            sa.case((failed, jobs.first_message_id())),
            sa.case((failed, jobs.first_message())),
        )
        .where(filters.of_appliances(job.c.appliance_id, ranks), *filters.within(job, scope))
        .order_by(job.c.appliance_id, job.c.day, place(job), job.c.key)
    )


def _read_expected(connection: Connection, scope: Scope, history: History) -> None:
    """Read the expected backups and their outcomes into the history."""
    rows = {name: bytearray(history.number_of_days) for name in history.names}
    counts: dict[str, Counter[str]] = {name: Counter() for name in history.names}
    places = _places(history.first, history.number_of_days)
    for name, day, outcome in expected_backups.outcomes(connection, scope):
        counts[name][outcome] += 1
        _mark(rows[name], places[day], outcome)
    for name in history.names:
        history.tallies[name] = tally(name, counts[name])
        history.expected += rows[name]


def _places(first: int, days: int) -> dict[str, int]:
    """Return the place of each of so many days (ISO) from the first one (an ordinal) on."""
    return {iso(first + place): place for place in range(days)}
