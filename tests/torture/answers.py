"""What is imported while faults happen: answers and exports that overlap, and change jobs they brought."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from tests.support.samples import BASE, job, stream

if TYPE_CHECKING:
    from pathlib import Path

# Long ago: an import of the future is no fault that is meant.
_FIRST = datetime(2017, 3, 1, 2, 15, tzinfo=UTC)
_JOBS = 6
_APPLIANCES = 3


class Import(NamedTuple):
    """A file to import, and the arguments of `archive ingest` for it."""

    content: bytes
    name: str
    appliance: str | None
    seen_at: str

    def write(self, folder: Path) -> tuple[str, ...]:
        """Write the file, and return the arguments that import it."""
        path = folder / self.name
        path.write_bytes(self.content)
        named = () if self.appliance is None else ("--appliance", self.appliance)
        return ("ingest", str(path), "--seen-at", self.seen_at, *named)


def history(number: int) -> dict[str, Any]:
    """Return an appliance's jobs on a day, counted from 0: the newest one is running, the others ended.

    With one document that is kept whole, and one that goes to quarantine.
    """
    jobs: dict[str, Any] = {}
    for day in range(max(0, number - _JOBS), number + 1):
        start = _FIRST + timedelta(days=day)
        jobs[f"{start:%Y%m%d-%H%M%S}-1"] = job(
            start_time=timestamps.document_form(timestamps.from_datetime(start)),
            end_time=timestamps.document_form(
                timestamps.from_datetime(start + timedelta(seconds=60))
            ),
            messages=[{"id": f"m{day}", "default_message": "text", "args": [str(day)]}],
        )
    jobs[max(jobs)] = job("RUNNING", duration=number)
    jobs[f"whole-{number % 5}"] = BASE | {"new": number}
    jobs["bad"] = {"no": number % 7}
    return jobs


def answer(number: int) -> Import:
    """Return an import; in turns it is an appliance's answer, or an export of all as JSON Lines."""
    seen_at = timestamps.from_datetime(_FIRST + timedelta(days=number, hours=1))
    if number % 4 == 3:
        lines = [
            {"appliance": f"vc{place}", "job": key, "info": info}
            for place in range(_APPLIANCES)
            for key, info in history(number).items()
        ]
        return Import(stream(*lines), f"{number}.jsonl", None, seen_at)
    content = json.dumps(history(number)).encode()
    return Import(content, f"{number}.json", f"vc{number % _APPLIANCES}", seen_at)
