"""A small fleet with a history of some months, of the kinds that differ for a prune."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archive import timestamps
from tests.support.archives import import_documents
from tests.support.copies import copied
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

Jobs = dict[str, dict[str, Any]]
_FIRST = datetime(2025, 9, 1, 2, 15, tzinfo=UTC)
SEEN = "2026-03-11T08:00:00.000000Z"


def _jobs(days: range, *, failing: int = 0, builds: int = 1) -> Jobs:
    """Return a job a day: of `failing` nights one fails, for a reason that is the same a month long."""
    found: Jobs = {}
    for day in days:
        start = _FIRST + timedelta(days=day)
        failed = bool(failing) and day % failing == failing - 1
        build = day * builds // 200
        found[f"{start:%Y%m%d-%H%M%S}-2514{build:04}"] = job(
            "FAILED" if failed else "SUCCEEDED",
            start_time=_text(start),
            end_time=_text(start + timedelta(seconds=200 + day % 7)),
            duration=200 + day % 7,
            size=10_000_000_000 + day * 1_000_000,
            messages=[
                {
                    "id": "m",
                    "default_message": f"No space in {start:%B}",
                    "args": [str(start.month)],
                }
            ]
            if failed
            else [],
            build={"version_name": "v", "version": f"8.0.{build}", "build_number": str(build)},
        )
    return found


def _text(at: datetime) -> str:
    return timestamps.document_form(timestamps.from_datetime(at))


# With failures each eleventh night; weekly; not used for three months; never with a success.
FLEET = {
    "daily": _jobs(range(191), failing=11, builds=3),
    "weekly": _jobs(range(6, 191, 7)),
    "unused": _jobs(range(96), failing=30),
    "failing": _jobs(range(20), failing=1),
}


@copied
def fill(engine: Engine, *names: str) -> None:
    """Import the histories, all or some, as they are at the end."""
    for name in names or FLEET:
        import_documents(engine, FLEET[name], name, SEEN)
