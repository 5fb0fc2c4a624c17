"""What a description is, and what several of them say alike."""

from __future__ import annotations

from typing import NamedTuple


class Described(NamedTuple):
    """What a table or a view has a row for, and what its columns mean."""

    rows: str
    columns: dict[str, str]


APPLIANCE = "number of the appliance"
JOB = "number of the job, unique for its appliance"
OF_JOB = {"appliance_id": APPLIANCE, "job_id": JOB}
OF_MESSAGE = OF_JOB | {"message_seq": "place of the message among those of its job"}
STATUS = "as vCenter wrote it: SUCCEEDED, FAILED, PENDING, BLOCKED, RUNNING, or one that it does not publish"
TYPE = "as vCenter wrote it: SCHEDULED, MANUAL, LOCAL_BACKUP, or one that it does not publish"
DIGEST = "SHA-256 of the texts, which may be of any length, for the unique index"
PERIOD = {
    "first_seen": "since when it was told",
    "last_seen": "when it was last told",
    "ended_at": "when something else was told, or that it is gone; NULL: it is as it was last told",
}
OTHER = "JSON of the fields that have no column"
DAY = "day of the archive's calendar"
CALENDAR = {
    "day": DAY,
    "day_ordinal": "number of the day, to count days with",
    "week": "ISO 8601 week, such as 2026-W30",
    "month": "such as 2026-07",
    "quarter": "such as 2026-Q3",
    "year": "such as 2026",
}
