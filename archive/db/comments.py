"""What each table, view and column means: comments in PostgreSQL, and the page `docs/schema.md`.

In the order of the page: what is looked for first comes first. Columns are in their own order. Read
by `archive db upgrade` and by who writes the page; no other command imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Described(NamedTuple):
    """What a table or a view has a row for, and what its columns mean."""

    rows: str
    columns: dict[str, str]


_APPLIANCE = "number of the appliance"
_JOB = "number of the job, unique for its appliance"
_OF_JOB = {"appliance_id": _APPLIANCE, "job_id": _JOB}
_OF_MESSAGE = _OF_JOB | {"message_seq": "place of the message among those of its job"}
_STATUS = "as vCenter wrote it: SUCCEEDED, FAILED, PENDING, BLOCKED, RUNNING, or one that it does not publish"
_TYPE = "as vCenter wrote it: SCHEDULED, MANUAL, LOCAL_BACKUP, or one that it does not publish"
_DIGEST = "SHA-256 of the texts, which may be of any length, for the unique index"
_PERIOD = {
    "first_seen": "since when it was told",
    "last_seen": "when it was last told",
    "ended_at": "when something else was told, or that it is gone; NULL: it is as it was last told",
}
_OTHER = "JSON of the fields that have no column"
_DAY = "day of the archive's calendar"
_CALENDAR = {
    "day": _DAY,
    "day_ordinal": "number of the day, to count days with",
    "week": "ISO 8601 week, such as 2026-W30",
    "month": "such as 2026-07",
    "quarter": "such as 2026-Q3",
    "year": "such as 2026",
}

VIEWS = {
    "v_job": Described(
        "a job, all names resolved",
        {
            "appliance": "the archive's name of the appliance",
            "key": "vCenter's own key of the job, unique for its appliance",
            "status": _STATUS,
            "finished": "1 if the job has SUCCEEDED or FAILED, else 0; to be summed",
            "succeeded": "1 if it has SUCCEEDED, else 0; a success rate is sum(succeeded) * 1.0 / nullif(sum(finished), 0)",
            "failed": "1 if it has FAILED, else 0",
            "type": _TYPE,
            "start_time": "when it started; NULL: not yet",
            "end_time": "when it ended; NULL: not yet",
            "duration_seconds": "as reported; of a job that has not succeeded it says little",
            "size_bytes": "data transferred to the target, as reported; of a job that has not succeeded it says little",
            **_CALENDAR,
            "day": "day of the archive's calendar on which it started; without a start, that of its key, else on which it was first seen",
            "location": "the backup target, its password hidden",
            "location_folder": "folder of this backup below the target",
            "location_user": "user at the target",
            "version_name": "of the appliance when the job ran, such as 8.0 U3; NULL before 6.7.2",
            "version": "of the appliance when the job ran; NULL before 6.7.2",
            "build_number": "of the appliance when the job ran; NULL before 6.7.2",
            "user_name": "who started it; NULL: the system",
            "progress_total": "amount of work, in no unit",
            "progress_completed": "amount of work that is done",
            "first_seen": "when the archive was first told of the job",
            "last_seen": "when it was last told of it",
            "appliance_id": _APPLIANCE,
            "job_id": _JOB,
        },
    ),
    "v_message": Described(
        "a message of a job",
        {
            "appliance": "the archive's name of the appliance",
            "key": "vCenter's own key of the job",
            "status": "of the job",
            "day": "of the job",
            "seq": "place of the message among those of its job",
            "role": "what it is: description, progress, message or error",
            "message_id": "the same in every language",
            "text": "as a person reads it: localized, else in English",
            "default_message": "in English, arguments put in",
            "localized": "in the language that was asked for; NULL: none was",
            "appliance_id": _APPLIANCE,
            "job_id": _JOB,
        },
    ),
    "v_day": Described(
        "a day, type and status that has jobs, with what they add up to; costs days, not jobs",
        {
            **_CALENDAR,
            "type": _TYPE + "; NULL: none",
            "status": _STATUS,
            "jobs": "number of jobs",
            "finished": "those that have SUCCEEDED or FAILED",
            "succeeded": "those that have SUCCEEDED",
            "failed": "those that have FAILED",
            "sized": "jobs that have a size",
            "size_bytes": "their sizes added up, exactly; beyond 64 bits SQLite rounds",
            "timed": "jobs that have a duration",
            "duration_seconds": "their durations added up, exactly; beyond 64 bits SQLite rounds",
        },
    ),
    "v_appliance": Described(
        "an appliance as it was last seen",
        {
            "appliance": "the archive's name of the appliance",
            "first_seen": "as of when its first answer is",
            "last_seen": "as of when its latest answer is",
            "version": "as it last told, else that of its last job, of its last success if that has none",
            "build_number": "of the same",
            "product": "such as VMware vCenter Server; NULL: not told",
            "time_zone": "of its clock, as it last told; NULL: not told",
            "last_success": "day of its last successful job; of a day's jobs the last is the one that was created last",
            "last_success_key": "that job's key",
            "last_attempt": "day of its last job, whatever became of it",
            "last_attempt_key": "that job's key",
            "last_status": "that job's status",
            "schedules": "how many backup schedules it has; 0: none, or not told",
            "schedule_key": "key of the one that is meant below: of the enabled ones, else of all, the first by key",
            "schedule": "that schedule in words, such as daily at 02:15, the last 14 kept",
            "schedule_enabled": "1 if it is enabled, else 0",
            "schedule_hour": "hour of appliance time",
            "schedule_minute": "minute of the hour",
            "schedule_days": "JSON list of days of the week; NULL: daily",
            "schedule_max_count": "how many backups it keeps; NULL: not told",
            "appliance_id": _APPLIANCE,
        },
    ),
    "v_missed": Described(
        "an appliance and a day on which a backup was expected and none succeeded",
        {
            "appliance": "the archive's name of the appliance",
            **_CALENDAR,
            "scheduled": "1 if a schedule names the day; 0 if none is known or enabled, and backups are expected daily",
            "jobs": "its jobs of the day; 0: none ran, or none was ever seen",
            "failed": "those that have FAILED",
            "appliance_id": _APPLIANCE,
        },
    ),
}

TABLES = {
    "appliance": Described(
        "an appliance that has answered",
        {
            "id": "number of the appliance",
            "name": "the archive's own name of it, its identity",
            "first_seen": "as of when its first answer is",
            "last_seen": "as of when its latest answer is",
        },
    ),
    "job": Described(
        "a backup job",
        {
            "appliance_id": _APPLIANCE,
            "id": "number of the job, counted per appliance",
            "key": "vCenter's own key of the job",
            "day": "day of the archive's calendar on which it started; without a start, that of its key, else on which it was first seen",
            "status": _STATUS,
            "type": _TYPE,
            "start_time": "when it started; NULL: not yet",
            "end_time": "when it ended; NULL: not yet",
            "duration_seconds": "as reported; of a job that has not succeeded it says little",
            "size_bytes": "data transferred to the target, as reported; of a job that has not succeeded it says little",
            "location_folder": "folder of this backup below the target",
            "location_user": "user at the target",
            "fast_backup": "whether it is a fast backup",
            "cancelable": "whether it can be cancelled",
            "user_name": "who started it; NULL: the system",
            "parent": "task that it is part of",
            "target_type": "type of what it works on",
            "target_id": "identifier of what it works on",
            "progress_total": "amount of work, in no unit",
            "progress_completed": "amount of work that is done",
            "location_id": "the backup target",
            "build_id": "what the appliance ran; NULL before 6.7.2",
            "operation_id": "what was done, in vCenter's terms",
            "digest": "SHA-256 of the canonical JSON of the document",
            "first_seen": "when the archive was first told of it",
            "last_seen": "when it was last told of it; NULL: with its appliance's latest delivery",
            "run_id": "delivery that brought the document",
        },
    ),
    "job_status": Described(
        "a status in which a job has been seen",
        _OF_JOB
        | {
            "status": _STATUS,
            "observed_at": "when it was first seen in it",
            "run_id": "delivery that told of it",
        },
    ),
    "job_finding": Described(
        "something in a job's document that breaks the published rules",
        _OF_JOB
        | {
            "seq": "place among the findings of the job",
            "code": "which rule, such as missing_field",
            "field": "which field of the document",
            "detail": "what is wrong, in a sentence",
        },
    ),
    "job_error": Described(
        "a job that has an error; the error's messages are rows of message",
        _OF_JOB
        | {
            "class_name": "what kind of error it is, in the vocabulary of the wire",
            "error_type": "as vCenter wrote it",
            "challenge": "how to authenticate, if that is what failed",
            "data": "JSON, any structure",
            "has_value": "whether it came wrapped, as /rest has it",
            "has_messages": "whether it had a list of messages, be it an empty one",
        },
    ),
    "irregular_document": Described(
        "a job with more in its document than the tables can hold",
        _OF_JOB | {"document": "the canonical JSON of all of it"},
    ),
    "message": Described(
        "a message of a job",
        _OF_JOB
        | {
            "seq": "place among the messages of the job",
            "role": "what it is: description, progress, message or error",
            "template_id": "identifier and English text",
            "localized": "in the language that was asked for; NULL: none was",
            "has_params": "whether it had params, be they none",
        },
    ),
    "message_arg": Described(
        "an argument of a message, by place",
        _OF_MESSAGE | {"seq": "place of the argument", "value": "the argument"},
    ),
    "message_param": Described(
        "an argument of a message, by name; one may have others below it",
        _OF_MESSAGE
        | {
            "seq": "place among all params of the message",
            "parent_seq": "the param that it is below; NULL: none",
            "name": "name of the param",
            "s": "value, a text",
            "dt": "value, an instant",
            "i": "value, a whole number",
            "d": "value, a number",
            "format": "how to show dt, such as SHORT_DATE_TIME",
            "precision": "digits of d to show after the point",
            "nested_id": "value, the message of this identifier",
            "nested_has_params": "whether that has params, be they none; NULL: there is no such message",
        },
    ),
    "message_template": Described(
        "an identifier and English text that messages share",
        {
            "id": "number of the template",
            "digest": _DIGEST,
            "message_id": "the same in every language",
            "default_message": "in English, arguments put in",
        },
    ),
    "build": Described(
        "what appliances ran when they ran a job",
        {
            "id": "number of the build",
            "digest": _DIGEST,
            "version_name": "such as 8.0 U3",
            "version": "such as 8.0.3.00400",
            "build_number": "such as 24322831",
        },
    ),
    "location": Described(
        "a backup target as it is configured",
        {
            "id": "number of the target",
            "digest": _DIGEST,
            "url": "as it was delivered; may hold a password",
            "masked_url": "the same, its password hidden",
        },
    ),
    "operation": Described(
        "what a job does, in vCenter's terms",
        {
            "id": "number of the operation",
            "digest": _DIGEST,
            "service": "identifier of the service",
            "operation": "identifier of the operation",
        },
    ),
    "calendar": Described(
        "a day; 2016 to 2045, and all other years that have jobs",
        {
            "day": "the date",
            "ordinal": "number of the day, to count days with; 1 is 1 January of year 1, a Monday",
            **{name: _CALENDAR[name] for name in ("week", "month", "quarter", "year")},
            "start_time": "when the day starts, by the archive's time zone and start of day",
        },
    ),
    "day_total": Described(
        "a day, type and status that has jobs; kept exactly with every load",
        {
            "day": _DAY,
            "type": _TYPE + "; empty: none",
            "status": _STATUS,
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
            "day": _DAY,
            "type": _TYPE + "; empty: none",
            "status": _STATUS,
            "sizes": "sketch of the sizes, in a form of the archive's own",
            "durations": "sketch of the durations",
        },
    ),
    "latest_delivery": Described(
        "an appliance that has answered, with what its latest answer held",
        {
            "appliance_id": _APPLIANCE,
            "seen_at": "as of when the answer is",
            "documents": "fingerprints of its documents and the numbers of their jobs, in a form of the archive's own",
        },
    ),
    "schedule": Described(
        "a backup schedule, from when to when an appliance told it",
        {
            "appliance_id": _APPLIANCE,
            "key": "vCenter's own key of the schedule",
            **_PERIOD,
            "enabled": "whether it is enabled",
            "hour": "hour of appliance time",
            "minute": "minute of the hour",
            "days": "JSON list of days of the week; NULL: daily",
            "max_count": "how many backups it keeps",
            "parts": "JSON list of what it backs up",
            "fast_backup": "whether its backups are fast ones",
            "location_id": "the backup target",
            "location_user": "user at the target",
            "other": _OTHER,
        },
    ),
    "system_version": Described(
        "what an appliance ran, from when to when it told so",
        {
            "appliance_id": _APPLIANCE,
            **_PERIOD,
            "version": "such as 8.0.3.00400",
            "product": "such as VMware vCenter Server",
            "build_number": "such as 24322831",
            "type": "such as vCenter Server with an embedded Platform Services Controller",
            "summary": "in a sentence",
            "release_date": "as it was told",
            "install_time": "as it was told",
            "name": "of the system",
            "other": _OTHER,
        },
    ),
    "system_time_zone": Described(
        "an appliance's time zone, from when to when it told so",
        {"appliance_id": _APPLIANCE, **_PERIOD, "time_zone": "as it was told"},
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
            "run_id": "delivery that the answer became",
        },
    ),
    "ingest_run": Described(
        "a delivery that was tried, a file or an answer",
        {
            "id": "number of the delivery",
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
            "position": "where in the delivery it stood",
            "reason": "why it could not be archived",
            "document": "its bytes as they came",
            "first_seen": "when it first came",
            "last_seen": "when it last came",
            "run_id": "delivery that first brought it",
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


def comments() -> Iterator[tuple[str, str | None, str]]:
    """Yield each comment: the table or view, its column or None for itself, and the text."""
    for name, described in (VIEWS | TABLES).items():
        yield name, None, f"One row is {described.rows}."
        for column, text in described.columns.items():
            yield name, column, text
