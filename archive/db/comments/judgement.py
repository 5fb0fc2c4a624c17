"""Descriptions of the tables and views of the judgement: what was expected, and how appliances stand."""

from __future__ import annotations

from archive.db.comments.job_tables import JOB_TABLES
from archive.db.comments.phrases import APPLIANCE, CALENDAR, DAY, Described

_NAME = {"appliance": "the archive's name of the appliance"}
_JOB = "number of the job that met it, otherwise of the last attempt; NULL: no attempt"
_BASIS = "why it is expected: schedule, cadence (configured) or learned"
_ATTEMPTS = "number of its jobs without success"
_RPO = "greatest allowed age of the last success; NULL: nothing is expected"
_RPO_FROM = "rpo (configured), schedule, cadence, learned, irregular (from the gaps) or none"
_OVERDUE = "due time of the first missed backup, as of the last import; NULL: not overdue"
_NEXT = "when the next backup is due after the last import; NULL: none is expected"
_USUAL = "usual time between imports, from those of 90 days; NULL: too few"
_IMPORT_DUE = "when another import is missing; from then on there is no recent data"
_FAILURES = {
    "consecutive_failures": "number of finished jobs that FAILED since the last success",
    "failing_since_time": "start of the first of them; NULL: the last finished job succeeded",
    "worst_consecutive_failures": "the most there ever were",
    "worst_since_time": "start of the first of these; of equally many, the latest count",
}
_EXPECTED = {
    **_NAME,
    **CALENDAR,
    "day": DAY,
    "due_time": "when the backup was due",
    "basis": _BASIS,
    "outcome": "met, failed, running, did not run, no data (an import is missing) or habit changed",
    "attempts": _ATTEMPTS,
    "key": "key of the job that met it, otherwise of the last attempt",
    "status": "status of that job",
    "appliance_id": APPLIANCE,
    "job_id": _JOB,
}

# In the order of the page.
JUDGEMENT_TABLES = {
    "expected_backup": Described(
        "a backup that was or will be due; every import updates them: read v_expected_backup",
        {
            "appliance_id": APPLIANCE,
            "day": DAY,
            "number": "counts the expected backups of the day",
            "due_time": "when the backup is due",
            "basis": _BASIS,
            "grace_seconds": "so long after that it is missed",
            "outcome": "met, failed, running, did not run or habit changed; NULL until an import could show it",
            "job_id": _JOB,
            "attempts": _ATTEMPTS,
        },
    ),
    "appliance_standing": Described(
        "an appliance as its last import shows it; every import updates it: read v_standing",
        {
            "appliance_id": APPLIANCE,
            "pending_from": "jobs from this time on are not judged yet, an import is in progress; NULL: all are",
            "success_id": "number of the last success",
            "attempt_id": "number of the last job, in any status",
            "finished_id": "number of the last job that SUCCEEDED or FAILED",
            **_FAILURES,
            "recoveries": "number of successes after failures",
            "recovery_seconds": "sum of the times from a first failure to the end of the next success",
            "recovery_worst_seconds": "the longest of these times",
            "rpo_seconds": _RPO,
            "rpo_from": _RPO_FROM,
            "overdue_since_time": _OVERDUE,
            "next_due_time": _NEXT,
            "usual_import_seconds": _USUAL,
            "import_due_time": _IMPORT_DUE,
        },
    ),
}

# Jobs of one that has not ended, or was killed, are judged by reports alone.
_SO_FAR = ", by the imports that have ended"
JUDGEMENT_VIEWS = {
    "v_expected_backup": Described(f"an expected backup and what became of it{_SO_FAR}", _EXPECTED),
    "v_missed": Described(
        f"an expected backup without a success{_SO_FAR}",
        {**_EXPECTED, "outcome": "failed, running, did not run or no data (an import is missing)"},
    ),
    "v_standing": Described(
        f"an appliance with its state, last success and RPO{_SO_FAR}; one that never answered has only a"
        " state",
        {
            **_NAME,
            "state": "ok, overdue, never (no success yet), no recent data (an import is missing) or retired",
            "last_success": "day of its last successful job",
            "last_success_key": "key of that job",
            "last_success_start_time": "start of that job",
            "last_success_end_time": "end of that job",
            "last_success_size_bytes": "size of that backup",
            "last_success_duration_seconds": "duration of that job",
            "last_attempt": "day of its last job, in any status",
            "last_attempt_key": "key of that job",
            "last_attempt_status": "status of that job",
            "last_attempt_start_time": "start of that job",
            **{name: _FAILURES[name] for name in _FAILURES},
            "rpo_seconds": _RPO,
            "rpo_from": _RPO_FROM,
            "overdue_since_time": _OVERDUE,
            "next_due_time": "when the next backup is due; NULL: none is expected, or see next_due",
            "next_due": "overdue or unknown if that time has passed and no import has shown what became of it; otherwise NULL",
            "last_seen": JOB_TABLES["appliance"].columns["last_seen"],
            "usual_import_seconds": _USUAL,
            "import_due_time": _IMPORT_DUE,
            "not_reporting": "1 if that time has passed and it is not retired, otherwise 0",
            "retired_at": JOB_TABLES["appliance"].columns["retired_at"],
            "appliance_id": APPLIANCE,
        },
    ),
}
