"""The statuses of a backup job in vSphere's API: final ones and open ones.

Source: the enumeration `Status` of `cis/task`, which `appliance/recovery/backup/job/details` uses.
An appliance may report others: they are in neither group, and count as neither a success nor a
failure.
"""

from __future__ import annotations

FINISHED = ("SUCCEEDED", "FAILED")
# In the order in which a job has them.
OPEN = ("PENDING", "BLOCKED", "RUNNING")
