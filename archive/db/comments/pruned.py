"""Descriptions of the tables with what is left of pruned jobs."""

from __future__ import annotations

from archive.db.comments.other_tables import DAY_VALUES, MONTH_VALUES, OTHER_TABLES
from archive.db.comments.phrases import APPLIANCE, CALENDAR, DAY, STATUS, TYPE, Described, pick

_STREAKS = "before until_time"
# In the order of the page.
PRUNED_TABLES = {
    "pruned_appliance": Described(
        "an appliance with pruned jobs, and from when on its jobs are there",
        {
            "appliance_id": APPLIANCE,
            "until_time": "jobs that began before are gone, except for failures and others that were kept",
            "judged_from_time": "what was expected before stays as it was judged",
            "jobs": "number of pruned jobs",
            "pruned_at": "when jobs were pruned last",
            "consecutive_failures": f"failures in a row as of the last finished job {_STREAKS}",
            "failing_since_time": "start of the first of these; NULL: none",
            "worst_consecutive_failures": f"the most failures in a row {_STREAKS}",
            "worst_since_time": "start of the first of these; NULL: none",
            "recoveries": f"number of recoveries {_STREAKS}",
            "recovery_seconds": "their durations added up",
            "recovery_worst_seconds": "the longest of them",
        },
    ),
    "pruned_day": Described(
        "the share of pruned jobs in day_total and day_sketch",
        {
            "day": DAY,
            "type": TYPE + "; empty: none",
            "status": STATUS,
            **DAY_VALUES,
            **pick(OTHER_TABLES["day_sketch"].columns, "sizes", "durations", "rates"),
        },
    ),
    "pruned_month": Described(
        "the share of pruned jobs in appliance_month",
        {
            "appliance_id": APPLIANCE,
            "month": CALENDAR["month"],
            "seq": "position of the row, by type, status, target and build",
            **MONTH_VALUES,
        },
    ),
    "pruned_build": Described(
        "the share of pruned jobs in build_sketch",
        dict(OTHER_TABLES["build_sketch"].columns),
    ),
}
