"""Judge one appliance from when on it has changed, and collect the rows that differ."""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING, Any

from archive.calendar import FIRST_DAY, iso, ordinal, start
from archive.judgement import expected, reporting, rpo, schedules, standing
from archive.judgement.due_times import CADENCE, LEARNED
from archive.judgement.expected import CHANGED, DID_NOT_RUN, MET, Expected
from archive.judgement.local_time import instant, seconds
from archive.judgement.streaks import Streaks
from archive.store import appliance_history, stored_backups
from archive.store.appliance_history import Window
from archive.store.folded_streaks import folded
from archive.store.judgement_rows import StoredBackup
from archive.store.last_jobs import last_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.judgement.due_times import Learned
    from archive.store.appliance_history import Jobs, JobTimes
    from archive.store.judged_appliances import Appliance
    from archive.store.judgement_rows import Changes, Standing

_ROW = tuple[Any, ...]
_SUCCEEDED = "SUCCEEDED"


class ApplianceJudge:
    """Judges one appliance; `before` is its row of `appliance_standing`, None to judge all of it.

    What was expected before the jobs that are left can show it is kept as it is stored.
    """

    def __init__(
        self,
        connection: Connection,
        calendar: Calendar,
        one: Appliance,
        before: Standing | None,
    ) -> None:
        self._connection = connection
        self._calendar = calendar
        self._one = one
        self._before = before
        self._imported = self._last_seen = seconds(one.last_seen)
        self._decided = schedules.known_from(one.known.schedules)
        self._by_cadence = one.known.cadence is not None
        self._settled = None if one.pruned is None else seconds(one.pruned.judged_from)

        # Set by `begin`: from when on it has changed, from when on it is judged, the stored rows.
        self._since: int | None = None
        self._first: int | None = None
        self._stored: list[StoredBackup] = []
        self._kept: Sequence[StoredBackup] = []
        self._anchor: int | None = None

    def begin(self, since: int | None, latest: list[StoredBackup] | None = None) -> Window | None:
        """Find from when on to judge, and return which jobs that needs; None if it needs all.

        `since` is from when on the appliance has changed (seconds), `latest` are its latest stored
        backups. They are needed if it was judged before.
        """
        self._since = since
        one = self._one
        if latest is not None and self._before is not None:
            self._stored = latest
        elif (pruned := one.pruned) is not None:
            self._stored = stored_backups.before(self._connection, one.id, pruned.judged_from)
        self._first = first = self._judged_from()
        if first is None:
            return None
        if self._before is not None:
            day = self._calendar.day(instant(first - expected.CHANGES_WITHIN))
            self._stored = stored_backups.extended(
                self._connection, one.id, self._stored, first, day
            )
        place = bisect_left(self._stored, instant(first), key=lambda row: row.due_time)
        self._kept = self._stored[:place]
        day_number = ordinal(self._calendar.day(instant(first)))
        if self._by_cadence:
            counted_from, self._anchor = self._find_anchor()
            day_number = min(day_number, counted_from)
        if self._before is None:
            return None
        with_habit = not self._by_cadence and (
            self._decided is None or self._decided > first - stored_backups.REACH
        )
        return Window(one.id, day_number, with_habit, one.floor)

    def run(
        self, jobs: Jobs | None, usual: int | None, changes: Changes, *, anew: bool = False
    ) -> None:
        """Add the rows that differ from the stored ones to `changes`; with `anew`, all rows.

        `jobs` are those that `begin` asked for; without them all are read.
        """
        if jobs is None:
            jobs = self._all_jobs()
        self._believe(jobs)
        judged, learned = self._judged(jobs)
        kept = self._explained(self._kept, learned)
        if self._before is None:  # with another calendar, the days of kept rows change, too
            rows = self._rows([*(row.judged() for row in kept), *judged])
        else:
            rows = [*kept, *self._rows(judged, kept)]
        if self._stored and not anew:
            changes.compare(self._one.id, self._stored, rows)
        else:
            changes.new += [(self._one.id, *row) for row in rows]
        lately = [row.judged() for row in kept[-rpo.LATEST :]] + judged
        row = self._standing(jobs, lately, usual)
        if self._before is None or row != tuple(self._before):
            changes.standings.append(row)

    def run_anew(self, usual: int | None, changes: Changes) -> None:
        """Add all rows to `changes`, as if nothing but what outlives pruned jobs were stored."""
        self.begin(None)
        self.run(None, usual, changes, anew=True)

    def _judged_from(self) -> int | None:
        """Return from when on to judge, the start of a day; None for everything."""
        since, stored = self._since, self._stored
        if not stored or self._before is None:
            return self._settled
        open_from = next((row for row in stored if row.outcome is None), stored[-1])
        first = seconds(open_from.due_time)
        if first > self._imported:  # the clock of an import before was ahead: it settled too much
            first = self._imported - max(row.grace_seconds for row in stored)
        found = self._day_start(
            first if since is None else min(first, stored_backups.reached(since, stored))
        )
        return found if self._settled is None else max(found, self._settled)

    def _day_start(self, at: int) -> int:
        day = ordinal(self._calendar.day(instant(at)))
        return seconds(start(self._calendar, max(day, FIRST_DAY)))

    def _all_jobs(self) -> Jobs:
        floor = self._one.floor
        return appliance_history.jobs(self._connection, self._one.id, floor, None, floor=floor)

    def _judged(self, jobs: Jobs) -> tuple[list[Expected], Learned]:
        """Return what is expected from `first` on, or from the beginning, and learned habits."""
        begun = min([self._one.known.first_seen, *(job.at for job in jobs.judged[:1])])
        if self._first is None:
            begun = max(begun, seconds(start(self._calendar, FIRST_DAY)))
            return self._expected(jobs, begun, None)
        # The first job may be one that was not read, of before what is kept.
        first = self._first if self._kept else max(self._first, begun)
        return self._expected(jobs, first, self._anchor)

    def _believe(self, jobs: Jobs) -> None:
        """Bound the time of the last import by that of the last job."""
        last = jobs.judged[-1].at if jobs.judged else None
        if last is None and self._before is not None:
            row = self._job(self._before.attempt_id)
            last = None if row is None else seconds(appliance_history.began(row))
        self._last_seen = expected.believed(self._one.known, last, self._imported)

    def _find_anchor(self) -> tuple[int, int | None]:
        """Return the day (ordinal) and the instant from which on a cadence counts."""
        last = next((row for row in reversed(self._kept) if row.basis == CADENCE), None)
        if last is None:
            return FIRST_DAY, None
        at = last.due_time
        if last.outcome == MET:
            row = self._job(last.job_id)
            at = at if row is None else appliance_history.began(row)
        return ordinal(self._calendar.day(at)) - 1, seconds(at)

    def _expected(
        self, jobs: Jobs, first: int, anchor: int | None
    ) -> tuple[list[Expected], Learned]:
        """Return what is expected from `first` on, and the habits learned."""
        known, judged = self._one.known, jobs.judged
        for until in (expected.AHEAD + 1, expected.LONGEST):
            found, learned = expected.judge_with_habits(
                known, judged, first, self._last_seen + until, anchor
            )
            if found and found[-1].at > self._last_seen:
                break
        return expected.ahead(found, self._last_seen), learned

    def _explained(self, kept: Sequence[StoredBackup], learned: Learned) -> list[StoredBackup]:
        """Return stored rows; what did not run may be explained by a habit learned later."""
        found = []
        for row in kept:
            is_settled = self._settled is not None and seconds(row.due_time) < self._settled
            if row.basis == LEARNED and row.outcome in (DID_NOT_RUN, CHANGED) and not is_settled:
                one = expected.explained(self._one.known, [row.judged()], learned)[0]
                found.append(row._replace(outcome=one.outcome or DID_NOT_RUN))
            else:
                found.append(row)
        return found

    def _rows(
        self, judged: Sequence[Expected], kept: Sequence[StoredBackup] = ()
    ) -> list[StoredBackup]:
        """Return expected backups as rows; an outcome is set once the last import shows it."""
        # They can begin within the day of the last kept row, if the calendar has changed since.
        rows: list[StoredBackup] = []
        before, number = (kept[-1].day, kept[-1].number) if kept else ("", 0)
        for at, basis, grace, outcome, job, attempts in judged:
            due = instant(at)
            day = self._calendar.day(due)
            number = number + 1 if day == before else 1
            before = day
            if outcome not in (MET, CHANGED):
                is_settled = at + grace <= self._last_seen
                outcome = (outcome or DID_NOT_RUN) if is_settled else None  # noqa: PLW2901 - as stored
            rows.append(StoredBackup(day, number, due, basis, grace, outcome, job, attempts))
        return rows

    def _standing(self, jobs: Jobs, lately: Sequence[Expected], usual: int | None) -> _ROW:
        one, before = self._one, self._before
        last = partial(last_job, jobs, self._job, self._all_jobs)
        success = last(_SUCCEEDED, before and before.success_id)
        attempt = last(None, before and before.attempt_id)
        finished, folded = self._streaks(jobs)
        allowed = self._rpo(lately)
        overdue = standing.overdue_since(lately, self._last_seen)
        limit = self._limit(success, jobs, allowed.age_limit)
        if limit is not None and (overdue is None or limit < overdue):
            overdue = limit
        following = standing.next_due(lately, self._last_seen)
        missing_from = self._imported + reporting.limit(usual, allowed.seconds or 0)
        return (
            one.id,
            None,
            success,
            attempt,
            finished,
            *folded,
            *allowed,
            None if overdue is None else instant(overdue),
            None if following is None else instant(following),
            usual,
            instant(missing_from),
        )

    def _rpo(self, lately: Sequence[Expected]) -> rpo.Rpo:
        one = self._one
        return rpo.rpo(
            one.rpo_seconds,
            one.known,
            lately,
            self._last_seen,
            lambda: appliance_history.latest_successes(self._connection, one.id, None, one.floor),
        )

    def _limit(self, success: int | None, jobs: Jobs, age_limit: int | None) -> int | None:
        """Return since when the last success is older than its limit, as of the last import."""
        if success is None or age_limit is None:
            return None
        row = jobs.rows.get(success) or self._job(success)
        if row is None:
            return None
        began = appliance_history.began(row)
        limit = seconds(max(began, row.end_time or began)) + age_limit
        return limit if limit < self._last_seen else None

    def _streaks(self, jobs: Jobs) -> tuple[int | None, Streaks]:
        """Return the last finished job and the streaks up to it."""
        before, since = self._before, self._since
        if before is not None and before.finished_id is not None:
            known = Streaks(
                before.consecutive_failures,
                before.failing_since_time,
                before.worst_consecutive_failures,
                before.worst_since_time,
                before.recoveries,
                before.recovery_seconds,
                before.recovery_worst_seconds,
            )
            if since is None:
                return before.finished_id, known
            last = jobs.rows.get(before.finished_id) or self._job(before.finished_id)
            if last is not None and since > seconds(appliance_history.began(last)):
                new = [
                    row for row in jobs.ordered if seconds(appliance_history.began(row)) >= since
                ]
                if all(appliance_history.place(row) > appliance_history.place(last) for row in new):
                    return folded(before.finished_id, known, new)
        if before is not None and (since is None or jobs.first_day > self._one.floor):
            jobs = self._all_jobs()
        pruned = self._one.pruned
        return folded(None, Streaks() if pruned is None else pruned.streaks, jobs.ordered)

    def _job(self, number: int | None) -> JobTimes | None:
        """Return the row of a job, as far as its times matter; None if it takes no part any more."""
        row = appliance_history.job(self._connection, self._one.id, number)
        return row if row is not None and row.day >= iso(self._one.floor) else None
