"""Descriptions of the tables of appliances, jobs and messages, and of their columns."""

from __future__ import annotations

from archive.db.comments.phrases import (
    APPLIANCE,
    CONTENT,
    DIGEST,
    OF_CONTENT,
    OF_JOB,
    STATUS,
    TYPE,
    Described,
)

# In the order of the page.
JOB_TABLES = {
    "appliance": Described(
        "an appliance with at least one import",
        {
            "id": "number of the appliance",
            "name": "the archive's name of the appliance, its identity",
            "first_seen": "time (seen_at) of its earliest import",
            "last_seen": "time (seen_at) of its last import",
            "cadence_seconds": "configured time between backups; NULL: not configured",
            "rpo_seconds": "configured RPO; NULL: not configured",
            "retired_at": "nothing is expected from then on; NULL: not retired",
            "held_at": "since when the appliance is on legal hold: nothing is pruned; NULL: not",
        },
    ),
    "job": Described(
        "a backup job",
        {
            "appliance_id": APPLIANCE,
            "id": "number of the job, counted per appliance",
            "key": "vCenter's key of the job, unique per appliance",
            "day": "calendar day of its start; without a start, of the time in its key, otherwise of first_seen",
            "status": STATUS,
            "type": TYPE,
            "start_time": "start; NULL: not started",
            "end_time": "end; NULL: not ended",
            "duration_seconds": "as reported; says little unless the job succeeded",
            "duration_derived": "true: the document has no duration, this is end minus start; otherwise NULL",
            "size_bytes": "data transferred to the target, as reported; says little unless the job succeeded",
            "location_folder": "folder of this backup on the target",
            "location_user": "user name on the target",
            "fast_backup": "whether it is a fast backup",
            "cancelable": "whether it can be cancelled",
            "user_name": "user who started it; NULL: the system",
            "parent": "task that the job is part of",
            "target_type": "type of the object that the job works on",
            "target_id": "identifier of the object that the job works on",
            "progress_total": "total amount of work, without a unit",
            "progress_completed": "completed amount of work",
            "location_id": "backup target",
            "build_id": "build of the appliance when the job ran; NULL before 6.7.2",
            "operation_id": "operation, as vCenter names it",
            "digest": "SHA-256 of the document's canonical JSON",
            "first_seen": "time of the earliest import with the job",
            "last_seen": "time of the last import with the job; NULL: the appliance's last import has it",
            "run_id": "import that brought the current document",
        },
    ),
    "job_status": Described(
        "a status in which a job has been seen",
        OF_JOB
        | {
            "status": STATUS,
            "observed_at": "when the job was first seen in this status",
            "run_id": "import that brought it",
        },
    ),
    "job_finding": Described(
        "a finding: a place where a job's document breaks the published rules",
        OF_JOB
        | {
            "seq": "position among the findings of the job",
            "code": "rule, such as missing_field",
            "field": "field of the document",
            "detail": "the problem in a sentence",
        },
    ),
    "job_error": Described(
        "the error of a job; the error's messages are in the table message",
        OF_JOB
        | {
            "class_name": "class of the error in the API",
            "error_type": "as vCenter reports it",
            "challenge": "how to authenticate, if authentication failed",
            "data": "JSON of any structure",
            "has_value": "whether it was wrapped in a value, as /rest does",
            "has_messages": "whether it had a list of messages, even an empty one",
        },
    ),
    "irregular_document": Described(
        "a job whose document has more than the tables can hold",
        OF_JOB | {"document": "canonical JSON of the whole document"},
    ),
    "message": Described(
        "a message of a job",
        OF_JOB
        | {
            "seq": "position of the message in the job",
            "role": "0 description, 1 progress, 2 message, 3 error; `v_message` has the words",
            "content_id": CONTENT,
        },
    ),
    "message_content": Described(
        "the content that messages of an appliance share",
        {
            "appliance_id": APPLIANCE,
            "id": CONTENT,
            "digest": "first 16 bytes of the SHA-256 of its canonical JSON",
            "template_id": "message id and English text",
            "localized": "text in the requested language; NULL: not sent",
            "has_params": "whether it had params, even an empty list",
        },
    ),
    "message_arg": Described(
        "a positional argument of a message",
        OF_CONTENT | {"seq": "position of the argument", "value": "value of the argument"},
    ),
    "message_param": Described(
        "a named argument of a message; it may have others nested in it",
        OF_CONTENT
        | {
            "seq": "position among all params of the message",
            "parent_seq": "the param that contains it; NULL: none",
            "name": "name of the param",
            "path": "names of the params that contain it and its own, joined by a dot; if longer than 1,000 characters, U+2026 and the last 1,000",
            "s": "value, if it is a text",
            "dt": "value, if it is a time",
            "i": "value, if it is a whole number",
            "d": "value, if it is a number with a fraction",
            "format": "format for showing dt, such as SHORT_DATE_TIME",
            "precision": "number of decimal places for showing d",
            "nested_id": "value, if it is another message: the id of that message",
            "nested_has_params": "whether that message had params, even an empty list; NULL: there is no such message",
        },
    ),
    "message_template": Described(
        "a message id and English text that messages share",
        {
            "id": "number of the template",
            "digest": DIGEST,
            "message_id": "id of the message, the same in every language",
            "default_message": "English text with the arguments filled in",
        },
    ),
    "build": Described(
        "a build that appliances ran during a job",
        {
            "id": "number of the build",
            "digest": DIGEST,
            "version_name": "such as 8.0 U3",
            "version": "such as 8.0.3.00400",
            "build_number": "such as 24322831",
        },
    ),
    "location": Described(
        "a backup target as configured",
        {
            "id": "number of the target",
            "digest": DIGEST,
            "url": "URL as imported; may contain a password",
            "masked_url": "URL with the password hidden",
        },
    ),
    "operation": Described(
        "an operation of jobs, as vCenter names it",
        {
            "id": "number of the operation",
            "digest": DIGEST,
            "service": "identifier of the service",
            "operation": "identifier of the operation",
        },
    ),
}
