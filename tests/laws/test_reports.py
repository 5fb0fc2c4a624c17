from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.reports import Scope
from tests.reports.fleet import on
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Engine

INT64 = st.integers(-(2**63), 2**63 - 1)
STATUSES = ("SUCCEEDED", "FAILED", "PENDING", "BLOCKED", "RUNNING", "CANCELLED")


# From start to end in seconds: the duration of a job that reports none.
LASTED = 30 * 60
# Reports whose figures are recomputed here.
BY_PERIOD = ("trends", "success", "volume", "sizes", "durations")


class Job(NamedTuple):
    """The fields of a job that reports use."""

    day: str
    status: str
    type: str
    size: int | None
    duration: int | None


# Mostly succeeded, with few different values, so that ties and several jobs a row are common.
JOBS = st.builds(
    Job,
    st.sampled_from(["2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"]),
    st.sampled_from(STATUSES) | st.just("SUCCEEDED"),
    st.sampled_from(["MANUAL", "SCHEDULED"]),
    st.none() | st.integers(0, 5) | INT64,
    st.none() | st.integers(0, 5) | INT64,
)


def nearest_rank(values: list[int], percent: int) -> int | None:
    """Return the least value that at least so many percent of all values do not exceed."""
    ordered = sorted(values)
    for place, value in enumerate(ordered, 1):
        if 100 * place >= percent * len(ordered):
            return value
    return None


def expected(jobs: Iterable[Job]) -> dict[str, Any]:
    """Return the values of all reports, by their plain definitions."""
    jobs = list(jobs)
    number = {status: sum(job.status == status for job in jobs) for status in STATUSES}
    finished = number["SUCCEEDED"] + number["FAILED"]
    good = [job for job in jobs if job.status == "SUCCEEDED"]
    found: dict[str, Any] = {
        "jobs": len(jobs),
        "finished": finished,
        "succeeded": number["SUCCEEDED"],
        "failed": number["FAILED"],
        "open": number["PENDING"] + number["BLOCKED"] + number["RUNNING"],
        "other": number["CANCELLED"],
        "success_rate": number["SUCCEEDED"] / finished if finished else None,
        "appliances": 1,
    }
    sizes = [job.size for job in good if job.size is not None]
    durations = [LASTED if job.duration is None else job.duration for job in good]
    for name, unit, values in (("size", "bytes", sizes), ("duration", "seconds", durations)):
        found |= {
            f"{name}_total_{unit}": sum(values) if values else None,
            f"{name}_min_{unit}": min(values, default=None),
            f"{name}_median_{unit}": nearest_rank(values, 50),
            f"{name}_p95_{unit}": nearest_rank(values, 95),
            f"{name}_max_{unit}": max(values, default=None),
        }
    return found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(JOBS, min_size=1, max_size=40))
def test_reports_follow_their_definitions(engines: list[Engine], jobs: list[Job]) -> None:
    """Counts add up, and rates, totals and percentiles follow the plain definitions."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.day[:7], job.type), []).append(job)
    documents = {
        str(place): on(
            job.day,
            job.status,
            type=job.type,
            size=job.size,
            duration=job.duration,
            end_time=f"{job.day}T12:30:00.000Z",
        )
        for place, job in enumerate(jobs)
    }
    for engine in each(engines):
        import_documents(engine, documents)
        scope = Scope(by="type")
        for name in BY_PERIOD:
            report = reports.find(name)
            with db.reading(engine) as connection:
                found = list(reports.run(connection, name, scope))
            columns = [column.name for column in report.columns_of(scope)]
            assert [row[:2] for row in found] == sorted(groups)
            for row in found:
                values = dict(zip(columns, row, strict=True))
                wanted = expected(groups[values.pop("period"), values.pop("type")])
                assert values == {key: wanted[key] for key in values}
                if name == "success":
                    parts = (values[key] for key in ("succeeded", "failed", "open", "other"))
                    assert values["jobs"] == sum(parts)
