"""A small fleet whose reports can be computed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.archives import import_documents
from tests.support.copies import copied
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

LONDON, BERLIN = "vc01.lon.example.com", "vc01.ber.example.com"
NAS = "sftp://nas.example.com/backup"
NEW = {"version_name": "8.0 U3", "version": "8.0.3.00400", "build_number": "24322831"}
OLD = {"version_name": "7.0 U3", "version": "7.0.3.02100", "build_number": "21784236"}


def on(day: str, status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a job that starts at noon of a day; `size` and `duration` as given.

    With the duration None it has no end either: its duration is not known.
    """
    if fields.get("duration", 0) is None:
        fields = {"end_time": None, **fields}
    return job(status, **{"start_time": f"{day}T12:00:00.000Z", **fields})


FLEET: dict[str, dict[str, dict[str, Any]]] = {
    LONDON: {
        "20260105-120000-1": on("2026-01-05", size=100, duration=60, build=OLD),
        "20260120-120000-1": on("2026-01-20", size=300, duration=120, build=OLD),
        # A failed job's size and duration are in no total and no percentile.
        "20260131-120000-1": on("2026-01-31", "FAILED", size=10**12, duration=9999, build=OLD),
        "20260210-120000-1": on("2026-02-10", "RUNNING", size=7, duration=7, build=NEW),
        "20260301-120000-1": on("2026-03-01", "FAILED", build=NEW),
    },
    BERLIN: {
        # No build and no location; an unpublished type.
        "20260106-120000-1": on("2026-01-06", size=200, duration=600, type="MANUAL", location=None),
        # It has not started, so the stamp of its key gives the day; it has no size.
        "20260214-120000-1": job("PENDING", type=None, location=None),
        # An unpublished status.
        "20260302-120000-1": on("2026-03-02", "CANCELLED", size=5, duration=5, build=NEW),
        # A success without size and duration.
        "20260401-120000-1": on("2026-04-01", size=None, duration=None, build=NEW),
    },
}


@copied
def load(engine: Engine) -> None:
    """Ingest the fleet's jobs, each appliance at its own time."""
    import_documents(engine, FLEET[LONDON], LONDON, "2026-04-02T00:00:00.000000Z")
    import_documents(engine, FLEET[BERLIN], BERLIN, "2026-04-03T00:00:00.000000Z")
