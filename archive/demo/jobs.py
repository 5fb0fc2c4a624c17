"""The jobs of one appliance over the history, in order."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.demo import failures
from archive.demo.fleet import MEGABYTE, V67, Appliance, Build, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.demo.failures import Failure

_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)
# A disk is faster than the way to a target.
_LOCAL_BYTES_PER_SECOND = 150 * MEGABYTE
# So even a small backup takes a while.
_PREPARATION_SECONDS = 100
# As `date.weekday` counts.
_SUNDAY = 6
# The waiting job at the end of the history: when it was created, and its longest wait in seconds.
_QUEUED_BEFORE = timedelta(seconds=40)
_QUEUED_FOR = 900
# A successful job has a message if it takes longer than this many times the usual time.
_SLOW = 1.6


class Job(NamedTuple):
    """One job from creation to end; `created` is when it was requested, before `start`.

    `size` is in bytes; of a failed job, what was sent until then. `remark` is the message of a
    successful one, None for most.
    """

    key: str
    type: str
    build: Build
    created: datetime
    start: datetime
    end: datetime
    size: int
    failure: Failure | None
    remark: dict[str, Any] | None
    comment: str


def jobs(plan: Plan, appliance: Appliance) -> Iterator[Job]:
    """Yield the jobs that an appliance has created by the end of the history, oldest first.

    Jobs of the schedule come every day; in between there are manual ones after failures and before
    updates.
    """
    life = _Life(plan, appliance)
    midnight = plan.start.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(plan.days + 1):
        planned = midnight + day * _DAY + timedelta(minutes=appliance.minute_of_day)
        if appliance.life.holds(plan.share(planned)):
            for job in life.until_next(planned):
                if plan.start <= job.created <= plan.until:
                    yield job
    if appliance.queued:
        yield life.job(
            "MANUAL", appliance.build(1.0), plan.until - _QUEUED_BEFORE, wait=_QUEUED_FOR
        )


class _Life:
    """The events of one appliance."""

    def __init__(self, plan: Plan, appliance: Appliance) -> None:
        self._plan = plan
        self._appliance = appliance
        self._chance = plan.random(appliance.name, "jobs")

    def until_next(self, planned: datetime) -> Iterator[Job]:
        """Yield a day's scheduled job and the other jobs before the next scheduled one."""
        build = self._appliance.build(self._plan.share(planned))
        scheduled = self.job("SCHEDULED", build, planned)
        yield scheduled
        if build.version.startswith("9") and planned.weekday() == _SUNDAY:
            yield self.job("LOCAL_BACKUP", build, planned + timedelta(hours=5))
        if scheduled.failure is not None and self._chance.random() < 0.4:
            again = timedelta(hours=self._chance.uniform(7, 10))
            yield self.job("MANUAL", build, planned + again)
        following = self._appliance.build(self._plan.share(planned + _DAY))
        if following is not build:
            comment = f"before the update to {following.version}"
            yield self.job("MANUAL", build, planned + timedelta(hours=12), comment=comment)

    def job(
        self, kind: str, build: Build, moment: datetime, *, wait: float = 1.0, comment: str = ""
    ) -> Job:
        """Return a job requested at a moment; it starts within `wait` seconds."""
        chance = self._chance
        created = moment.replace(microsecond=0) + timedelta(seconds=chance.randint(0, 20))
        start = created + _milliseconds(wait * chance.uniform(0.2, 0.95))
        size, usual, seconds = self._work(kind, moment)
        failure = self._failure(kind, build, moment, size, seconds)
        remark = None
        if failure is not None:
            size = size * failure.percent // 100
            seconds = failure.seconds
        elif seconds > _SLOW * usual and build != V67:
            remark = failures.slow(chance, seconds / 60, start)
        return Job(
            f"{created:%Y%m%d-%H%M%S}-{build.build_number}",
            kind,
            build,
            created,
            start,
            start + _milliseconds(seconds),
            size,
            failure,
            remark,
            comment,
        )

    def _work(self, kind: str, moment: datetime) -> tuple[int, float, float]:
        """Return the bytes to send, the usual seconds, and the seconds this time."""
        appliance, chance = self._appliance, self._chance
        years = (moment - self._plan.start) / _YEAR
        size = appliance.size_bytes * (1 + appliance.growth_a_year * years)
        size *= math.exp(chance.gauss(0, 0.02))
        speed = appliance.target.bytes_per_second
        if kind == "LOCAL_BACKUP":
            speed = _LOCAL_BYTES_PER_SECOND
        # Before sending, the services are prepared.
        usual = _PREPARATION_SECONDS + size / speed
        seconds = usual * math.exp(chance.gauss(0, 0.08))
        if chance.random() < 0.01:
            seconds *= chance.uniform(1.8, 3.0)
        if appliance.slowed.holds(self._plan.share(moment)):
            seconds *= 2
        return int(size), usual, seconds

    def _failure(
        self, kind: str, build: Build, moment: datetime, size: int, seconds: float
    ) -> Failure | None:
        """Return how a job fails, if it does: by the events of the appliance, otherwise by chance."""
        share = self._plan.share(moment)
        failure = None
        if kind != "LOCAL_BACKUP" and self._appliance.trouble.holds(share):
            failure = failures.of_target(self._chance, self._appliance, share, size, seconds)
        elif kind != "LOCAL_BACKUP" and self._appliance.snapshot.holds(share):
            failure = failures.of_snapshot(self._chance)
        return failure or failures.of_chance(self._chance, build)


def _milliseconds(seconds: float) -> timedelta:
    return timedelta(milliseconds=int(1000 * seconds))
