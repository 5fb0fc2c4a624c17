"""A job's document as vCenter would return it at a given moment, in either wire shape."""

from __future__ import annotations

import json
from base64 import b32encode
from typing import TYPE_CHECKING, Any

from archive.demo import failures
from archive.demo.fleet import V67

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from archive.demo.fleet import Appliance
    from archive.demo.jobs import Job

# The API's own name of the service that starts backups.
_SERVICE = "com.vmware.appliance.recovery.backup.job"
# The first letter of a backup's folder, as vCenter names it.
_LETTERS = {"SCHEDULED": "S", "MANUAL": "M"}


def details(appliance: Appliance, job: Job, at: datetime) -> dict[str, Any]:
    """Return the document of a job as it stood at `at`, in the shape of `/api`.

    A running job has the share of its size and progress that the time suggests.
    """
    local = job.type == "LOCAL_BACKUP"
    document: dict[str, Any] = {
        "location": _location(appliance, job, started=at >= job.start),
        "location_user": "" if local else appliance.target.user,
        "type": job.type,
        "messages": [],
        "description": failures.message("description", "Backup job"),
        "service": _SERVICE,
        "operation": f"{_SERVICE}.create",
        "status": "PENDING",
        "cancelable": False,
    }
    if not local:
        document["user"] = "administrator@VSPHERE.LOCAL" if job.type == "MANUAL" else "root"
    if at < job.start:
        return document
    if job.build != V67:  # builds before 6.7.2 do not have the field
        document["build"] = job.build._asdict()
    if job.build.version.startswith("9"):
        document["fast_backup"] = not local
    if at < job.end:
        return document | _running(job, at)
    return document | _finished(job)


def answer(appliance: Appliance, jobs: Iterable[Job], at: datetime) -> bytes:
    """Return an appliance's answer with these jobs at `at`, newest job first.

    The shape is that of `/rest` for an appliance with the legacy API, otherwise that of `/api`.
    """
    documents = {job.key: details(appliance, job, at) for job in jobs}
    newest_first = dict(reversed(documents.items()))
    whole: Any = newest_first
    if appliance.legacy_api:
        whole = {"value": _entries(newest_first)}
    return json.dumps(whole).encode()


def _location(appliance: Appliance, job: Job, *, started: bool) -> str:
    """Return where a backup is written to; the folder is known from the start on."""
    if job.type == "LOCAL_BACKUP":
        return "file:///storage/backup/local"
    if not started:
        return appliance.target.url
    comment = b32encode(job.comment.encode()).decode()
    folder = f"{_LETTERS[job.type]}_{job.build.version}_{job.key[:15]}_{comment}"
    return f"{appliance.target.url}/vCenter/sn_{appliance.name}/{folder}"


def _running(job: Job, at: datetime) -> dict[str, Any]:
    """Return the fields of a job in progress, in proportion to its time so far."""
    share = (at - job.start) / (job.end - job.start)
    return {
        "status": "RUNNING",
        "cancelable": True,
        "duration": int((at - job.start).total_seconds()),
        "size": int(job.size * share),
        "progress": _progress(int(share * (job.failure.percent if job.failure else 100))),
        "start_time": failures.instant(job.start),
    }


def _finished(job: Job) -> dict[str, Any]:
    """Return the fields of a job that has ended."""
    document: dict[str, Any] = {
        "status": "SUCCEEDED",
        "duration": int((job.end - job.start).total_seconds()),
        "size": job.size,
        "progress": _progress(job.failure.percent if job.failure else 100),
        "start_time": failures.instant(job.start),
        "end_time": failures.instant(job.end),
    }
    if job.failure is not None:
        document |= {"status": "FAILED", "messages": job.failure.messages}
        if job.failure.error is not None:
            document["error"] = job.failure.error
    elif job.remark is not None:
        document["messages"] = [job.remark]
    return document


def _progress(percent: int) -> dict[str, Any]:
    text = failures.message("progress", f"{percent}%")
    return {"total": 100, "completed": percent, "message": text}


def _entries(mapping: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a map as `/rest` writes it: a list of entries, also for nested `params`."""
    return [{"key": key, "value": _legacy(value)} for key, value in mapping.items()]


def _legacy(value: Any) -> Any:
    """Return a value in the shape of `/rest`: `params` become lists of entries, at any depth."""
    if isinstance(value, dict):
        return {
            key: _entries(item) if key == "params" else _legacy(item) for key, item in value.items()
        }
    return [_legacy(item) for item in value] if isinstance(value, list) else value
