"""The statuses of a backup job in vSphere's API: final ones and open ones."""

from __future__ import annotations

FINISHED = ("SUCCEEDED", "FAILED")
OPEN = ("PENDING", "BLOCKED", "RUNNING")
