"""The load that archive is measured against, as dlt's documentation advises it for this job.

Called with a file of JSON Lines, a database URL, a dataset and a folder for dlt's own state. Pages
instead of rows, dlt's own JSON parser, processes that normalise side by side, files that rotate so
that there is something for each of them, no compression of files that are read once, and on
PostgreSQL COPY instead of INSERT. Prints the seconds of its parts as JSON.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 2500
WORKERS = os.cpu_count() or 1


def main(path: str, url: str, dataset: str, state: str) -> None:
    """Load the file, and say how long it took."""
    start = time.perf_counter()
    os.environ.update(_settings(state))
    import dlt

    imported = time.perf_counter()
    postgresql = url.startswith("postgresql")
    destinations = dlt.destinations
    pipeline = dlt.pipeline(
        "fleet",
        destination=destinations.postgres(url) if postgresql else destinations.sqlalchemy(url),
        dataset_name=dataset,
        pipelines_dir=state,
    )
    jobs = dlt.resource(
        _pages(Path(path)),
        name="jobs",
        write_disposition="merge",
        primary_key=("appliance", "job"),
    )
    pipeline.run(jobs, loader_file_format="csv" if postgresql else None)
    done = time.perf_counter()
    parts = {
        f"of which {step.step}": (step.finished_at - step.started_at).total_seconds()
        for step in pipeline.last_trace.steps
        if step.step in ("extract", "normalize", "load")
    }
    parts = {"without start-up and imports": done - imported} | parts
    print(dlt.common.json.dumps({"of which imports": imported - start} | parts))


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    from dlt.common import json

    with path.open("rb") as file:
        while page := list(islice(file, PAGE)):
            lines = [json.loadb(line) for line in page]
            yield [
                {"appliance": line["appliance"], "job": line["job"], **line["info"]}
                for line in lines
            ]


def _settings(state: str) -> dict[str, str]:
    return {
        "DLT_DATA_DIR": state,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "SOURCES__DATA_WRITER__FILE_MAX_ITEMS": str(2 * PAGE),
        "SOURCES__DATA_WRITER__BUFFER_MAX_ITEMS": str(2 * PAGE),
        "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
        "NORMALIZE__WORKERS": str(WORKERS),
        "NORMALIZE__START_METHOD": "fork",
        "LOAD__WORKERS": str(WORKERS),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
