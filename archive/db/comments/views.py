"""Descriptions of the views and their columns."""

from __future__ import annotations

from archive.db.comments.job_tables import JOB_TABLES
from archive.db.comments.judgement import JUDGEMENT_VIEWS
from archive.db.comments.phrases import (
    ANOMALY,
    APPLIANCE,
    CALENDAR,
    JOB,
    OF_JOB,
    STATUS,
    TYPE,
    Described,
    pick,
)

_APPLIANCE = {"appliance": "the archive's name of the appliance"}
_JOB = JOB_TABLES["job"].columns
_MESSAGE = JOB_TABLES["message"].columns
_TEMPLATE = JOB_TABLES["message_template"].columns

# Shared by the views of totals.
_COUNTS = {
    "jobs": "number of jobs",
    "finished": "number of jobs that SUCCEEDED or FAILED",
    "succeeded": "number of jobs that SUCCEEDED",
    "failed": "number of jobs that FAILED",
    "open": "number of jobs in progress: PENDING, BLOCKED or RUNNING",
    "other": "number of jobs in any other status",
    "sized": "number of jobs with a size",
    "size_bytes": "exact sum of the sizes; above 64 bits SQLite rounds it",
    "timed": "number of jobs with a duration",
    "duration_seconds": "exact sum of the durations; above 64 bits SQLite rounds it",
}

# In the order of the page. Views of judgement have their descriptions beside their tables.
VIEWS = {
    "v_job": Described(
        "a job with all names resolved",
        {
            **_APPLIANCE,
            **pick(_JOB, "key", "status"),
            "finished": "1 if the job SUCCEEDED or FAILED, otherwise 0; for sums",
            "succeeded": "1 if it SUCCEEDED, otherwise 0; success rate: sum(succeeded) * 1.0 / nullif(sum(finished), 0)",
            "failed": "1 if it FAILED, otherwise 0",
            "open": "1 if it is PENDING, BLOCKED or RUNNING, otherwise 0",
            "other": "1 if its status is none of these, otherwise 0",
            **pick(_JOB, "type", "start_time", "end_time", "duration_seconds", "size_bytes"),
            **CALENDAR,
            "day": _JOB["day"],
            "location": "backup target, with the password hidden",
            **pick(_JOB, "location_folder", "location_user"),
            "version_name": "of the appliance when the job ran, such as 8.0 U3; NULL before 6.7.2",
            "version": "of the appliance when the job ran; NULL before 6.7.2",
            "build_number": "of the appliance when the job ran; NULL before 6.7.2",
            **pick(_JOB, "user_name", "progress_total", "progress_completed", "first_seen"),
            "last_seen": "time of the last import with the job",
            "wrong_clock": "1 if it starts more than a day after it was first seen, otherwise 0: it is never the last job",
            "appliance_id": APPLIANCE,
            "job_id": JOB,
        },
    ),
    "v_message": Described(
        "a message of a job",
        {
            **_APPLIANCE,
            "key": _JOB["key"],
            "status": "status of the job",
            "day": "calendar day of the job",
            **pick(_MESSAGE, "seq", "role"),
            "message_id": _TEMPLATE["message_id"],
            "text": "text to show: localized, otherwise in English",
            "default_message": _TEMPLATE["default_message"],
            "localized": JOB_TABLES["message_content"].columns["localized"],
            **OF_JOB,
        },
    ),
    "v_day": Described(
        "the totals of a day, type and status with jobs; reads days, not jobs",
        {
            **CALENDAR,
            "type": TYPE + "; NULL: none",
            "status": STATUS,
            **_COUNTS,
        },
    ),
    "v_month": Described(
        "the totals of an appliance and month by type, status, target and build; reads no jobs",
        {
            **_APPLIANCE,
            **pick(CALENDAR, "month", "quarter", "year"),
            "type": TYPE + "; NULL: none",
            "status": STATUS,
            "location": "backup target, with the password hidden; NULL: none",
            "version_name": "of the appliance when the jobs ran; NULL before 6.7.2",
            "version": "of the appliance when the jobs ran; NULL before 6.7.2",
            "build_number": "of the appliance when the jobs ran; NULL before 6.7.2",
            **_COUNTS,
            "first_day": "first day with such a job",
            "last_day": "last day with such a job",
            "appliance_id": APPLIANCE,
        },
    ),
    "v_today": Described(
        "one row: the calendar day now, by the archive's time zone and start of day", {**CALENDAR}
    ),
    "v_appliance": Described(
        "an appliance with its latest state",
        {
            **_APPLIANCE,
            **pick(JOB_TABLES["appliance"].columns, "first_seen", "last_seen"),
            "version": "as last reported; otherwise of its last job, or of its last success",
            "build_number": "of the same source as version",
            "product": "such as VMware vCenter Server; NULL: not collected",
            "time_zone": "of its clock, as last reported; NULL: not collected",
            "last_success": "day of its last successful job; a job that starts more than a day after it was first seen does not count",
            "last_success_key": "key of that job",
            "last_attempt": "day of its last job, in any status, by the same rule",
            "last_attempt_key": "key of that job",
            "last_status": "status of that job",
            "schedules": "number of backup schedules; 0: none, or not collected",
            "schedule_key": "key of the schedule below: the first enabled one by key, otherwise the first one",
            "schedule": "that schedule in words, such as daily at 02:15, the last 14 kept",
            "schedule_enabled": "1 if it is enabled, otherwise 0",
            "schedule_hour": "hour, in the appliance's time zone",
            "schedule_minute": "minute of the hour",
            "schedule_days": "JSON list of days of the week; NULL: daily",
            "schedule_max_count": "number of retained copies; NULL: not reported",
            "appliance_id": APPLIANCE,
        },
    ),
    "v_anomaly": Described(
        "a way in which a success is unlike those before it",
        {
            **_APPLIANCE,
            **pick(_JOB, "key"),
            **CALENDAR,
            **pick(_JOB, "type", "start_time"),
            **ANOMALY,
            "new_level": "1 if the next two successes confirm a new level, otherwise 0",
            **OF_JOB,
        },
    ),
} | JUDGEMENT_VIEWS
