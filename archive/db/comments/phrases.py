"""The type of a description, and the descriptions that several tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Described(NamedTuple):
    """What one row of a table or view stands for, and the description of each column.

    `rows` completes the sentence "One row is ...". Texts have no full stop.
    """

    rows: str
    columns: dict[str, str]


def pick(columns: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the descriptions of these columns, in this order."""
    return {name: columns[name] for name in names}


# Descriptions of what stands in several tables, so that one thing has one description.
APPLIANCE = "number of the appliance"
JOB = "number of the job, unique per appliance"
OF_JOB = {"appliance_id": APPLIANCE, "job_id": JOB}
CONTENT = "number of the content, unique per appliance"
OF_CONTENT = {"appliance_id": APPLIANCE, "content_id": CONTENT}
STATUS = (
    "as vCenter reports it: SUCCEEDED, FAILED, PENDING, BLOCKED, RUNNING or an undocumented value"
)
TYPE = "as vCenter reports it: SCHEDULED, MANUAL, LOCAL_BACKUP or an undocumented value"
DIGEST = "start of the SHA-256 of the texts, for the unique index: a text may be too long for one"
ANOMALY = {
    "what": "empty, tiny or size (figures in bytes), duration (seconds), location, user, type or build",
    "severity": "3 critical, 2 warning, 1 notice",
    "figure": "the size or duration; NULL: another value has changed",
    "expected": "size or duration that was expected; NULL: too little was known",
    "lower": "the least that would have been usual",
    "upper": "the most that would have been usual",
    "previous": "location (passwords hidden), user, type or build before; NULL: a size or duration",
}
PERIOD = {
    "first_seen": "when an appliance first reported this value",
    "last_seen": "when the appliance last reported this value",
    "ended_at": "when the appliance first reported another value or none; NULL: still current",
}
OTHER = "JSON of the fields that have no column"
DAY = "day in the archive's calendar"
CALENDAR = {
    "day": DAY,
    "day_ordinal": "running number of the day, for counting days",
    "week": "ISO 8601 week, such as 2026-W30",
    "month": "such as 2026-07",
    "quarter": "such as 2026-Q3",
    "year": "such as 2026",
}
