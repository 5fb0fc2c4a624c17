"""The statuses that vSphere publishes for a backup job, by whether they are final."""

from __future__ import annotations

FINISHED = ("SUCCEEDED", "FAILED")
OPEN = ("PENDING", "BLOCKED", "RUNNING")
