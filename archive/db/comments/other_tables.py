"""Descriptions of all other tables and their columns: days, totals, facts, logs."""

from __future__ import annotations

from archive.db.comments.phrases import (
    ANOMALY,
    APPLIANCE,
    CALENDAR,
    DAY,
    OF_JOB,
    OTHER,
    PERIOD,
    STATUS,
    TYPE,
    Described,
    pick,
)

# Columns of totals, also of those of pruned jobs.
DAY_VALUES = {
    "jobs": "number of jobs",
    "sized": "number of jobs with a size",
    "size_high": "the sum of sizes is size_high * 4294967296 + size_low",
    "size_low": "lower half of the sum, never negative",
    "timed": "number of jobs with a duration",
    "duration_high": "the sum of durations is duration_high * 4294967296 + duration_low",
    "duration_low": "lower half of the sum, never negative",
    "rated": "number of jobs with a size and a duration above 0, which have a rate",
    "rated_size_high": "the sum of their sizes is rated_size_high * 4294967296 + rated_size_low",
    "rated_size_low": "lower half of the sum, never negative",
    "rated_duration_high": "the sum of their durations is rated_duration_high * 4294967296 + rated_duration_low",
    "rated_duration_low": "lower half of the sum, never negative",
}
MONTH_VALUES = {
    "type": TYPE + "; NULL: none",
    "status": STATUS,
    "location_id": "number of the backup target; NULL: none",
    "build_id": "number of the build; NULL: none",
    "jobs": "number of jobs",
    "sized": "number of jobs with a size",
    "size_high": "the sum of sizes is size_high * 4294967296 + size_low",
    "size_low": "lower halves of the sizes added up, never negative",
    "timed": "number of jobs with a duration",
    "duration_high": "the sum of durations is duration_high * 4294967296 + duration_low",
    "duration_low": "lower halves of the durations added up, never negative",
    "first_day": "first day with such a job",
    "last_day": "last day with such a job",
    "days": "days with such jobs, as bits: the first day of the month is 1, the second 2, the third 4",
}
# In the order of the page.
OTHER_TABLES = {
    "write_lock": Described(
        "the names of the locks that writers hold on PostgreSQL; nobody reads them",
        {"name": "name of a lock, such as that of an appliance"},
    ),
    "calendar": Described(
        "a calendar day; 2016 to 2045, and all other years that have jobs",
        {
            "day": "the date",
            "ordinal": "running number of the day, for counting days; 1 is 1 January of year 1, a Monday",
            **pick(CALENDAR, "week", "month", "quarter", "year"),
            "start_time": "when the day starts, by the archive's time zone and start of day",
        },
    ),
    "day_total": Described(
        "the totals of a day, type and status with jobs; every import updates them exactly",
        {
            "day": DAY,
            "type": TYPE + "; empty: none",
            "status": STATUS,
            **DAY_VALUES,
        },
    ),
    "day_sketch": Described(
        "the sketches of a day, type and status with jobs, for percentiles within 1 %",
        {
            "day": DAY,
            "type": TYPE + "; empty: none",
            "status": STATUS,
            "sizes": "sketch of the sizes, in an internal format",
            "durations": "sketch of the durations, in an internal format",
            "rates": "sketch of the rates (whole bytes per second), in an internal format",
        },
    ),
    "build_sketch": Described(
        "the sketches of an appliance's succeeded jobs by build, for medians within 1 %",
        {
            "appliance_id": APPLIANCE,
            "build_id": "number of the build; 0: jobs without a build",
            "sizes": "sketch of the sizes, in an internal format",
            "durations": "sketch of the durations, in an internal format",
        },
    ),
    "size_forecast": Described(
        "the forecast of the sizes of an appliance's backups; the report growth evaluates it",
        {
            "appliance_id": APPLIANCE,
            "until_day": "the whole weeks before this Monday count: that of the last success",
            "successes": "number of successes with a size in 365 days before that",
            "reason": "why there is no forecast; NULL: there is one",
            "last_day": "day of the last of these successes",
            "size_bytes": "usual size on that day",
            "weeks": "number of weeks since the last change of level",
            "freedom": "degrees of freedom of both lines",
            "line_weight": "weight of the line, from 0 to 1; the curve has the rest",
            **{
                f"{line}_{name}": text
                for line, value in (("line", "bytes"), ("curve", "their natural logarithm"))
                for name, text in (
                    ("day", "centre of the weeks, in days from 0001-01-01, which is 1"),
                    ("value", f"value there: {value}"),
                    ("slope", "change of the value a day"),
                    ("slope_error", "standard error of that"),
                    ("deviation", "standard deviation of the weeks"),
                )
            },
        },
    ),
    "appliance_month": Described(
        "the totals of an appliance and month, by type, status, target and build; every import updates them exactly",
        {
            "appliance_id": APPLIANCE,
            "month": CALENDAR["month"],
            "seq": "position of the row, by type, status, target and build",
            **MONTH_VALUES,
        },
    ),
    "anomaly": Described(
        "an anomaly: a way in which a success is unlike those before it; every import updates them",
        {
            **OF_JOB,
            **ANOMALY,
            "confirmed_by": "number of the job that confirms that the job began a new level; NULL: none",
        },
    ),
    "latest_import": Described(
        "the documents in the last import of an appliance",
        {
            "appliance_id": APPLIANCE,
            "seen_at": "time (seen_at) of the import",
            "documents": "fingerprints of its documents and the numbers of their jobs, in an internal format",
        },
    ),
    "schedule": Described(
        "a backup schedule of an appliance and when it was valid",
        {
            "appliance_id": APPLIANCE,
            "key": "vCenter's key of the schedule",
            **PERIOD,
            "enabled": "whether it is enabled",
            "hour": "hour, in the appliance's time zone",
            "minute": "minute of the hour",
            "days": "JSON list of days of the week; NULL: daily",
            "max_count": "number of retained copies",
            "parts": "JSON list of the parts that it backs up",
            "fast_backup": "whether it makes fast backups",
            "location_id": "backup target",
            "location_user": "user name on the target",
            "other": OTHER,
        },
    ),
    "system_version": Described(
        "a version of an appliance and when it ran it",
        {
            "appliance_id": APPLIANCE,
            **PERIOD,
            "version": "such as 8.0.3.00400",
            "product": "such as VMware vCenter Server",
            "build_number": "such as 24322831",
            "type": "such as vCenter Server with an embedded Platform Services Controller",
            "summary": "description in a sentence",
            "release_date": "text as reported",
            "install_time": "text as reported",
            "name": "name of the system",
            "other": OTHER,
        },
    ),
    "system_time_zone": Described(
        "a time zone of an appliance and when it used it",
        {"appliance_id": APPLIANCE, **PERIOD, "time_zone": "name as reported"},
    ),
    "collection": Described(
        "a collection: one run of archive collect over the fleet",
        {
            "id": "number of the collection",
            "started": "start",
            "finished": "end; NULL: still running, or its process died",
            "outcome": "running, complete, partial, failed or interrupted",
            "asked": "number of appliances to ask",
            "complete": "number of appliances with a complete answer",
            "partial": "number of appliances with an answer that is incomplete or partly in quarantine",
            "failed": "number of appliances from which nothing was archived",
        },
    ),
    "attempt": Described(
        "an appliance asked in a collection",
        {
            "appliance_name": "the archive's name of the appliance, which may have no row in appliance yet",
            "collection_id": "number of the collection",
            "asked_at": "when the appliance was asked",
            "answered_at": "when the answer arrived; NULL: no answer",
            "outcome": "complete, partial, failed or interrupted",
            "reason": "why the outcome is not complete",
            "run_id": "import of the answer",
        },
    ),
    "ingest_run": Described(
        "an import: a file or answer taken in, successfully or not",
        {
            "id": "number of the import",
            "source": "name of the file or of the appliance",
            "appliance_id": "appliance of the jobs; NULL: several, or unknown",
            "seen_at": "time of the content: when it was received, or as given with --seen-at",
            "started": "start of the import",
            "finished": "end of the import; NULL: still running, or its process died",
            "outcome": "running, complete, failed or undone",
            "error": "why it failed",
            "seen": "number of documents",
            "new": "number of new jobs",
            "changed": "number of jobs whose document was replaced",
            "unchanged": "number of jobs whose document did not change",
            "findings": "number of findings in its documents",
            "quarantined": "number of documents put in quarantine",
            "pruned": "number of documents of jobs that were pruned, or would be: they were not archived",
        },
    ),
    "maintenance": Described(
        "what changed the history other than imports",
        {
            "id": "number of the change, in order",
            "done_at": "when it was done",
            "what": "rename, merge, retire, forget, undo, calendar, vacuum, prune, hold or release",
            "appliance_name": "the appliance, by its name at that time; NULL: not about one appliance",
            "new_name": "name after a rename or merge",
            "jobs": "number of jobs that moved, went or changed",
            "detail": "what else a reader has to know",
        },
    ),
    "quarantine": Described(
        "a document that could not be archived as a job",
        {
            "id": "number of the document",
            "digest": "SHA-256 that identifies the document",
            "appliance_name": "name of its appliance, if known",
            "job_key": "key of the job, if known",
            "position": "where it stood in the import",
            "reason": "why it could not be archived",
            "document": "its bytes as imported",
            "first_seen": "time of the earliest import with it",
            "last_seen": "time of the last import with it",
            "run_id": "first import with it",
        },
    ),
    "notified_problem": Described(
        "a problem that archive notify has sent to a recipient",
        {
            "recipient": "name of the recipient in the configuration",
            "appliance_name": "name of the appliance, which may have no row in appliance; empty: the archive itself",
            "problems": "what is wrong, each with its level, such as age WARNING, failures CRITICAL",
            "notified_at": "when the recipient was last notified of this appliance, or its problems became fewer",
        },
    ),
    "setting": Described(
        "a setting of the archive",
        {
            "name": "calendar.time_zone or calendar.day_start",
            "value": "the setting, as text",
        },
    ),
}
