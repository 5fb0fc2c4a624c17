"""Failures of made-up jobs: their messages, and how far a job gets before it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from archive.demo.fleet import GIGABYTE

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from archive.demo.fleet import Appliance, Build

# Invented: the API does not publish its message IDs.
_FAMILY = "com.vmware.applmgmt.backup."
# The share of the bad time after which the full target cannot even be reached.
_UNREACHABLE_AFTER = 0.7


class Failure(NamedTuple):
    """A job's failure: its messages, its error if any, the percentage reached, and its duration.

    `percent` is of the progress, and of the size sent.
    """

    messages: list[dict[str, Any]]
    error: dict[str, Any] | None
    percent: int
    seconds: float


def message(name: str, text: str, *args: str) -> dict[str, Any]:
    """Return a message; its English text already contains the arguments."""
    return {"id": _FAMILY + name, "default_message": text, "args": list(args)}


def instant(moment: datetime) -> str:
    """Return a moment in the form of documents."""
    return timestamps.document_form(timestamps.from_datetime(moment))


def of_target(
    chance: Random, appliance: Appliance, share: float, needed: int, seconds: float
) -> Failure | None:
    """Return the failure of a job while its target has a problem; None for some jobs.

    `needed` is the size of the backup in bytes, `seconds` its duration without the failure, `share`
    the moment as a fraction of the history.
    """
    trouble = appliance.trouble
    if chance.random() < 0.15:
        return None
    url = appliance.target.url
    if (share - trouble.start) / (trouble.end - trouble.start) > _UNREACHABLE_AFTER:
        host = url.split("/")[2].partition(":")[0]
        said = message(
            "location_unreachable", f"The host {host} of the location does not answer", host
        )
        refusal = {"messages": [said], "error_type": "RESOURCE_INACCESSIBLE"}
        return Failure([said], refusal, 0, chance.uniform(60, 75))
    percent = chance.randint(35, 95)
    free = f"{percent * needed / 100 / GIGABYTE:.1f}"
    said = message("location_full", f"The location {url} is full after {free} GB", url, free)
    error: dict[str, Any] = {
        "messages": [said, message("write_failed", "No space left on device")],
        "data": {"needed_bytes": needed, "written_bytes": percent * needed // 100},
        "error_type": "UNABLE_TO_ALLOCATE_RESOURCE",
    }
    return Failure([said], error, percent, percent / 100 * seconds)


def of_snapshot(chance: Random) -> Failure:
    """Return the failure of a job while the appliance's machine has a snapshot."""
    cause = "Full backup not allowed during VM snapshot"
    text = f"BackupManager encountered an exception. Exception: {cause}"
    return Failure([message("manager_exception", text, cause)], None, 10, chance.uniform(60, 95))


def of_chance(chance: Random, build: Build) -> Failure | None:
    """Return a random failure for one job in seventy; None for the others."""
    kind = chance.random() * 70
    if kind >= 1:
        return None
    if kind < 0.4:
        return of_snapshot(chance)
    if kind < 0.6:
        text = (
            "Db health is UNHEALTHY, Backup Failed."
            "Disable health check to take backup in current state."
        )
        return Failure([message("db_unhealthy", text)], None, 10, chance.uniform(40, 55))
    if kind < 0.8 and build.version.startswith("9"):
        text = "BackupManager encountered an exception"
        return Failure([message("manager_exception", text)], None, 45, chance.uniform(200, 320))
    part = chance.choice(("vum", "wcp"))
    said = message("component_failed", f"Error during component {part} backup", part)
    error = {"messages": [said], "error_type": "ERROR"}
    return Failure([said], error, 22, chance.uniform(5, 130))


def slow(chance: Random, minutes: float, started: datetime) -> dict[str, Any]:
    """Return the message of a slow successful job, with named params."""
    part = chance.choice(("seat", "common"))
    nested = {"id": f"com.vmware.applmgmt.part.{part}", "params": {"name": {"s": part}}}
    return {
        "id": _FAMILY + "slow",
        "default_message": f"Backup took {minutes:.2f} minutes, longest in part {part}",
        "args": [],
        "params": {
            "minutes": {"d": round(minutes, 2), "precision": 2},
            "part": {"l": nested},
            "retries": {"i": chance.randint(0, 3)},
            "start": {"dt": instant(started), "format": "SHORT_DATE_TIME"},
        },
    }
