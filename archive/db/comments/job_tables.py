"""What the tables of appliances, jobs and messages mean, and their columns."""

from __future__ import annotations

from archive.db.comments.phrases import (
    APPLIANCE,
    DIGEST,
    OF_JOB,
    OF_MESSAGE,
    STATUS,
    TYPE,
    Described,
)

JOB_TABLES = {
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
            "appliance_id": APPLIANCE,
            "id": "number of the job, counted per appliance",
            "key": "vCenter's own key of the job",
            "day": "day of the archive's calendar on which it started; without a start, that of its key, else on which it was first seen",
            "status": STATUS,
            "type": TYPE,
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
            "last_seen": "when it was last told of it; NULL: with its appliance's latest import",
            "run_id": "import that brought the document",
        },
    ),
    "job_status": Described(
        "a status in which a job has been seen",
        OF_JOB
        | {
            "status": STATUS,
            "observed_at": "when it was first seen in it",
            "run_id": "import that told of it",
        },
    ),
    "job_finding": Described(
        "something in a job's document that breaks the published rules",
        OF_JOB
        | {
            "seq": "place among the findings of the job",
            "code": "which rule, such as missing_field",
            "field": "which field of the document",
            "detail": "what is wrong, in a sentence",
        },
    ),
    "job_error": Described(
        "a job that has an error; the error's messages are rows of message",
        OF_JOB
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
        OF_JOB | {"document": "the canonical JSON of all of it"},
    ),
    "message": Described(
        "a message of a job",
        OF_JOB
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
        OF_MESSAGE | {"seq": "place of the argument", "value": "the argument"},
    ),
    "message_param": Described(
        "an argument of a message, by name; one may have others below it",
        OF_MESSAGE
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
            "digest": DIGEST,
            "message_id": "the same in every language",
            "default_message": "in English, arguments put in",
        },
    ),
    "build": Described(
        "what appliances ran when they ran a job",
        {
            "id": "number of the build",
            "digest": DIGEST,
            "version_name": "such as 8.0 U3",
            "version": "such as 8.0.3.00400",
            "build_number": "such as 24322831",
        },
    ),
    "location": Described(
        "a backup target as it is configured",
        {
            "id": "number of the target",
            "digest": DIGEST,
            "url": "as it was imported; may hold a password",
            "masked_url": "the same, its password hidden",
        },
    ),
    "operation": Described(
        "what a job does, in vCenter's terms",
        {
            "id": "number of the operation",
            "digest": DIGEST,
            "service": "identifier of the service",
            "operation": "identifier of the operation",
        },
    ),
}
