"""What all other tables and their columns mean: days, totals, facts, logs."""

from __future__ import annotations

from archive.db.comments.phrases import (
    APPLIANCE,
    CALENDAR,
    DAY,
    OTHER,
    PERIOD,
    STATUS,
    TYPE,
    Described,
)

OTHER_TABLES = {
    "calendar": Described(
        "a day; 2016 to 2045, and all other years that have jobs",
        {
            "day": "the date",
            "ordinal": "number of the day, to count days with; 1 is 1 January of year 1, a Monday",
            **{name: CALENDAR[name] for name in ("week", "month", "quarter", "year")},
            "start_time": "when the day starts, by the archive's time zone and start of day",
        },
    ),
    "day_total": Described(
        "a day, type and status that has jobs; kept exactly with every load",
        {
            "day": DAY,
            "type": TYPE + "; empty: none",
            "status": STATUS,
            "jobs": "number of jobs",
            "sized": "jobs that have a size",
            "size_high": "their sum is size_high * 4294967296 + size_low",
            "size_low": "lower half of the sum, never negative",
            "timed": "jobs that have a duration",
            "duration_high": "their sum is duration_high * 4294967296 + duration_low",
            "duration_low": "lower half of the sum, never negative",
        },
    ),
    "day_sketch": Described(
        "a day, type and status that has jobs, for percentiles within 1 %",
        {
            "day": DAY,
            "type": TYPE + "; empty: none",
            "status": STATUS,
            "sizes": "sketch of the sizes, in a form of the archive's own",
            "durations": "sketch of the durations",
        },
    ),
    "latest_import": Described(
        "an appliance that has answered, with what its latest answer held",
        {
            "appliance_id": APPLIANCE,
            "seen_at": "as of when the answer is",
            "documents": "fingerprints of its documents and the numbers of their jobs, in a form of the archive's own",
        },
    ),
    "schedule": Described(
        "a backup schedule, from when to when an appliance told it",
        {
            "appliance_id": APPLIANCE,
            "key": "vCenter's own key of the schedule",
            **PERIOD,
            "enabled": "whether it is enabled",
            "hour": "hour of appliance time",
            "minute": "minute of the hour",
            "days": "JSON list of days of the week; NULL: daily",
            "max_count": "how many backups it keeps",
            "parts": "JSON list of what it backs up",
            "fast_backup": "whether its backups are fast ones",
            "location_id": "the backup target",
            "location_user": "user at the target",
            "other": OTHER,
        },
    ),
    "system_version": Described(
        "what an appliance ran, from when to when it told so",
        {
            "appliance_id": APPLIANCE,
            **PERIOD,
            "version": "such as 8.0.3.00400",
            "product": "such as VMware vCenter Server",
            "build_number": "such as 24322831",
            "type": "such as vCenter Server with an embedded Platform Services Controller",
            "summary": "in a sentence",
            "release_date": "as it was told",
            "install_time": "as it was told",
            "name": "of the system",
            "other": OTHER,
        },
    ),
    "system_time_zone": Described(
        "an appliance's time zone, from when to when it told so",
        {"appliance_id": APPLIANCE, **PERIOD, "time_zone": "as it was told"},
    ),
    "collection": Described(
        "a run over the fleet",
        {
            "id": "number of the collection",
            "started": "when it began",
            "finished": "when it ended; NULL: it runs, or its process died",
            "outcome": "running, complete, partial, failed or interrupted",
            "asked": "how many appliances it was to ask",
            "complete": "how many answered",
            "partial": "how many answered with something that is in quarantine or missing",
            "failed": "of how many nothing was archived",
        },
    ),
    "attempt": Described(
        "an appliance that was asked in a collection",
        {
            "appliance_name": "the archive's name of it; one that has never answered has no other row",
            "collection_id": "number of the collection",
            "asked_at": "when it was asked",
            "answered_at": "when its answer was there; NULL: there was none",
            "outcome": "complete, partial, failed or interrupted",
            "reason": "why it is not complete",
            "run_id": "import that the answer became",
        },
    ),
    "ingest_run": Described(
        "an import that was tried, a file or an answer",
        {
            "id": "number of the import",
            "source": "name of the file, or of the appliance",
            "appliance_id": "whose jobs it has; NULL: of several appliances, or not known",
            "seen_at": "as of when the answer is",
            "started": "when it began to be read",
            "finished": "when that ended; NULL: it runs, or its process died",
            "outcome": "running, complete or failed",
            "error": "why it failed",
            "seen": "documents in it",
            "new": "jobs that were not there before",
            "changed": "jobs whose document was replaced",
            "unchanged": "jobs that were known as they are",
            "findings": "what its documents break of the published rules",
            "quarantined": "documents that could not be archived as jobs",
        },
    ),
    "quarantine": Described(
        "a document that could not be archived as a job",
        {
            "id": "number of the document",
            "digest": "SHA-256 that tells it apart from others",
            "appliance_name": "whose it is, if that is known",
            "job_key": "key of the job, if that is known",
            "position": "where in the import it stood",
            "reason": "why it could not be archived",
            "document": "its bytes as they came",
            "first_seen": "when it first came",
            "last_seen": "when it last came",
            "run_id": "import that first brought it",
        },
    ),
    "setting": Described(
        "something that the archive knows of itself",
        {
            "name": "calendar.time_zone or calendar.day_start",
            "value": "the setting, as text",
        },
    ),
}
