"""The sample documents, and functions for small ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
API = (DATA / "details_api.json").read_bytes()
REST = (DATA / "details_rest.json").read_bytes()
SAMPLES: dict[str, dict[str, Any]] = json.loads(API)
# The richest sample: nested params, a double, a localized text.
BASE = SAMPLES["20260723-021500-25148086"]


def job(status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a small document with a status, and the fields that the schema requires."""
    info: dict[str, Any] = {
        "location": "sftp://nas.example.com/backup/vCenter/sn_vc/S_8.0.3.00400_20260301-021500_",
        "location_user": "backup",
        "type": "SCHEDULED",
        "messages": [],
        "description": {"id": "d", "default_message": "Backup job", "args": []},
        "service": "service",
        "operation": "create",
        "status": status,
        "cancelable": False,
    }
    if status != "PENDING":
        info["start_time"] = "2026-03-01T02:15:00.000Z"
    if status not in ("PENDING", "BLOCKED"):
        info |= {
            "duration": 60,
            "size": 1024,
            "progress": {
                "total": 100,
                "completed": 100,
                "message": {"id": "p", "default_message": "100%", "args": []},
            },
        }
    if status in ("SUCCEEDED", "FAILED"):
        info["end_time"] = "2026-03-01T02:16:00.000Z"
    return info | fields


def api(**jobs: dict[str, Any]) -> bytes:
    """Return an `/api` answer."""
    return json.dumps(jobs).encode()


def stream(*values: Any) -> bytes:
    """Return JSON Lines, one value a line."""
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def exported(key: str, **fields: Any) -> dict[str, Any]:
    """Return an exported job."""
    return {"appliance": "vc01", "job": key, "info": job()} | fields
