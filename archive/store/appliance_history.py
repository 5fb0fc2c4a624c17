"""The jobs of an appliance that judging it needs, as the archive has them."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.calendar import FIRST_DAY, iso, key_stamp, ordinal
from archive.db import tables
from archive.judgement import habit
from archive.judgement.due_times import Job
from archive.judgement.local_time import DAY, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


# A job that starts so much later than it was first seen has the time of a wrong clock: it is not judged.
_WRONG_CLOCK = DAY
# Habits are learned from a week's start on, and judging begins a little earlier than asked for.
_BEFORE = 10
# Successes from whose gaps an RPO is learned where nothing is expected.
_SUCCESSES = 12
# Due times shortly before the first day decide which of them a job meets.
_MARGIN = 4
# Daily jobs before these days show the habit.
_USUAL_LEAD = _BEFORE + habit.WINDOW + 4


class JobTimes(NamedTuple):
    """Of a job: what judging it needs, and what its place in the order of reports follows from."""

    id: int
    key: str
    day: str
    status: str
    type: str | None
    start_time: str | None
    end_time: str | None
    first_seen: str


_JOB = tables.job.c
_OF_APPLIANCE = (
    _JOB.appliance_id == sa.bindparam("appliance", type_=sa.BigInteger),
    _JOB.day >= sa.bindparam("first", type_=_JOB.day.type),
)
_JOBS = sa.select(*(_JOB[name] for name in JobTimes._fields)).where(*_OF_APPLIANCE)
_PLAIN_JOBS = db.Prepared(_JOBS)
_ONE_JOB = db.Prepared(
    sa.select(*(_JOB[name] for name in JobTimes._fields)).where(
        _JOB.appliance_id == sa.bindparam("appliance", type_=sa.BigInteger),
        _JOB.id == sa.bindparam("job", type_=sa.BigInteger),
    )
)
# Jobs of a wrong clock are not judged, and those without a start are too few to matter.
_DAYS_BEFORE = db.Prepared(
    sa.select(_JOB.day)
    .where(
        *_OF_APPLIANCE,
        _JOB.day < sa.bindparam("until", type_=_JOB.day.type),
        sa.or_(
            _JOB.start_time <= _JOB.first_seen,
            db.AtMostADayLater(_JOB.start_time, _JOB.first_seen),
        ),
    )
    .order_by(_JOB.day.desc())
    .limit(habit.FEWEST)
)
_LATEST_SUCCESSES = (
    sa.select(_JOB.key, _JOB.start_time, _JOB.first_seen)
    .where(*_OF_APPLIANCE, _JOB.status == "SUCCEEDED")
    .order_by(_JOB.day.desc(), _JOB.start_time.desc().nulls_last())
    .limit(_SUCCESSES)
)


class Jobs(NamedTuple):
    """The jobs of an appliance from a day on in the order of their start, and their rows.

    `ordered` are the rows in the order that reports use, `rows` are by id: `JobTimes`, or rows of
    SQLAlchemy with the same columns and those that were asked for besides.

    `first_day` is the ordinal of the first day that was read, which may be before the one asked
    for.
    """

    first_day: int
    judged: list[Job]
    ordered: list[Any]
    rows: dict[int, Any]


class Window(NamedTuple):
    """The jobs of an appliance from a day (ordinal) on: see `jobs`."""

    appliance_id: int
    first_day: int
    with_habit: bool
    floor: int


def jobs(
    connection: Connection,
    appliance_id: int,
    first_day: int,
    now: str | None,
    columns: Sequence[sa.ColumnElement[Any]] = (),
    *,
    with_habit: bool = True,
    floor: int = FIRST_DAY,
) -> Jobs:
    """Return the jobs from a day (ordinal) on, and those before it that show the habit.

    Jobs that start after `now`, if it is given, are left out, and so are those of days before `floor`
    (ordinal). `columns` are selected besides those of the judgement.

    Jobs whose start lies more than a day after they were first seen are left out: their clock was
    wrong. With `with_habit`, reading begins so early that the habit as of the first day can be
    learned.
    """
    window = Window(appliance_id, first_day, with_habit=with_habit, floor=floor)
    ((lead, found),) = _found(connection, [window], columns)
    return _arranged(lead, found, now)


def of_each(connection: Connection, windows: Sequence[Window]) -> list[Jobs]:
    """Return the jobs of each of some windows, as `jobs` does, in few round trips to a server."""
    return [_arranged(lead, found, None) for lead, found in _found(connection, windows, ())]


def _found(
    connection: Connection, windows: Sequence[Window], columns: Sequence[sa.ColumnElement[Any]]
) -> list[tuple[int, Sequence[Any]]]:
    """Return the day (ordinal) from which on jobs of each window were read, and their rows."""
    leads = [
        max(first_day - (_USUAL_LEAD if with_habit else _MARGIN), floor)
        for _, first_day, with_habit, floor in windows
    ]
    rows = _read(connection, windows, leads, columns)
    found = [*zip(leads, rows, strict=True)]
    # Of those whose usual days do not show the habit, other days are needed.
    others = [
        place
        for place, (window, (lead, days)) in enumerate(zip(windows, found, strict=True))
        if window.with_habit
        and lead > window.floor
        and not _shows_habit(days, lead, window.first_day)
    ]
    earlier: list[int] = []
    for place, lead in zip(
        others, _leads(connection, [windows[place] for place in others]), strict=True
    ):
        usual, days = found[place]
        if lead < usual:
            earlier.append(place)
        first = iso(lead)
        found[place] = lead, [row for row in days if row.day >= first]
    again = [windows[place] for place in earlier]
    more = _read(connection, again, [found[place][0] for place in earlier], columns)
    for place, days in zip(earlier, more, strict=True):
        found[place] = found[place][0], days
    return found


def _arranged(lead: int, found: Sequence[Any], now: str | None) -> Jobs:
    """Return rows that were read from a day on (ordinal), as `jobs` does."""
    judged: list[tuple[str, str, Job]] = []
    ordered: list[tuple[str, str, str, Any]] = []
    rows: dict[int, Any] = {}
    for row in found:
        number, key, day, status, kind, start, _, first_seen, *_ = row
        at = start or key_stamp(key) or first_seen
        if (now is None or at <= now) and (at <= first_seen or not _is_of_wrong_clock(row)):
            rows[number] = row
            ordered.append((day, start or first_seen, key, row))
            judged.append((at, key, Job(seconds(at), number, status, kind == "SCHEDULED")))
    # By start, then by key: jobs of the same second need one order on both databases.
    judged.sort()
    ordered.sort(key=itemgetter(0, 1, 2))
    return Jobs(lead, [job for _, _, job in judged], [row for *_, row in ordered], rows)


def job(connection: Connection, appliance_id: int, number: int | None) -> JobTimes | None:
    """Return a job by its id; None if there is none."""
    for row in _ONE_JOB.rows(connection, {"appliance": appliance_id, "job": number}):
        return JobTimes._make(row)
    return None


def _read(
    connection: Connection,
    windows: Sequence[Window],
    first_days: Sequence[int],
    columns: Sequence[sa.ColumnElement[Any]],
) -> list[Sequence[Any]]:
    """Return the jobs of each window from a day (ordinal) on, with columns behind those of `JobTimes`."""
    values = [
        {"appliance": window.appliance_id, "first": iso(first)}
        for window, first in zip(windows, first_days, strict=True)
    ]
    if columns:
        query = _JOBS.add_columns(*columns)
        return [connection.execute(query, each).all() for each in values]
    found = _PLAIN_JOBS.rows_of_each(connection, values)
    return [[*map(JobTimes._make, rows)] for rows in found]


def _shows_habit(found: Sequence[Any], first: int, first_day: int) -> bool:
    """Whether the jobs from a day on include those that show the habit as of `first_day`."""
    until = iso(first_day - _BEFORE)
    days = [
        row.day for row in found if row.day < until and (row.start_time or "~") <= row.first_seen
    ]
    if len(days) < habit.FEWEST:
        return False
    days.sort()
    return min(ordinal(days[-habit.FEWEST]), ordinal(days[-1]) - habit.WINDOW) - 1 >= first


def began(row: Any) -> str:
    """Return the best known start of a job, by the rule that also determines its day."""
    return str(row.start_time or key_stamp(row.key) or row.first_seen)


def _is_of_wrong_clock(row: Any) -> bool:
    """Whether a job starts long after it was first seen."""
    return seconds(began(row)) > seconds(row.first_seen) + _WRONG_CLOCK


def place(row: Any) -> tuple[str, str, str]:
    """Return the place of a job in the order that reports use: `archive.reports.core.job_order`.

    The order is by day (ISO), start or first sighting, and key.
    """
    return row.day, row.start_time or row.first_seen, row.key


def latest_successes(
    connection: Connection, appliance_id: int, now: str | None, floor: int = FIRST_DAY
) -> list[int]:
    """Return the starts (seconds) of the latest successes of an appliance by `now`, in order.

    There are at most 12, from the day `floor` (ordinal) on, and fewer if one of the latest has a wrong
    clock.
    """
    query = _LATEST_SUCCESSES
    if now is not None:
        # Of a job without a start, the day is known.
        until = sa.literal(iso(ordinal(now[:10]) + 1), _JOB.day.type)
        query = query.where(
            _JOB.day <= until, sa.or_(_JOB.start_time.is_(None), _JOB.start_time <= now)
        )
    rows = connection.execute(query, {"appliance": appliance_id, "first": iso(floor)})
    starts = (began(row) for row in rows if not _is_of_wrong_clock(row))
    return sorted(seconds(at) for at in starts if now is None or at <= now)


def _leads(connection: Connection, windows: Sequence[Window]) -> list[int]:
    """Return the first day of each window, not before its floor, whose jobs show the habit.

    That is the habit as of the first day of the window, which lies after the floor.
    """
    found = _DAYS_BEFORE.rows_of_each(
        connection,
        [
            {
                "appliance": appliance_id,
                "first": iso(floor),
                "until": iso(first_day - _BEFORE),
            }
            for appliance_id, first_day, _, floor in windows
        ],
    )
    return [
        max(min(ordinal(days[-1][0]), ordinal(days[0][0]) - habit.WINDOW) - 1, window.floor)
        if days
        else window.floor
        for window, days in zip(windows, found, strict=True)
    ]
