"""The load that archive is measured against, by dlt: tuned as its documentation advises, or plain.

Called with a file of JSON Lines, a database URL, a dataset, a folder for dlt's own state, and `tuned`
or `plain`. Plain is a resource that yields rows, with nothing set. Tuned are pages instead of rows,
dlt's own JSON parser, processes that normalise side by side, files that rotate so that there is
something for each of them, no compression of files that are read once, and on PostgreSQL COPY instead
of INSERT. Prints the seconds of its parts as JSON.
"""

from __future__ import annotations

import json
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


def main(path: str, url: str, dataset: str, state: str, mode: str) -> None:
    """Load the file, and print how long it took."""
    start = time.perf_counter()
    tuned = mode == "tuned"
    os.environ.update(_settings(state) | (_tuning() if tuned else {}))
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
        _pages(Path(path)) if tuned else _rows(Path(path)),
        name="jobs",
        write_disposition="merge",
        primary_key=("appliance", "job"),
    )
    pipeline.run(jobs, loader_file_format="csv" if postgresql and tuned else None)
    done = time.perf_counter()
    parts = {
        f"of which {step.step}": (step.finished_at - step.started_at).total_seconds()
        for step in pipeline.last_trace.steps
        if step.step in ("extract", "normalize", "load")
    }
    parts = {"without start-up and imports": done - imported} | parts
    print(dlt.common.json.dumps({"of which imports": imported - start} | parts))


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    from dlt.common import json as fast

    with path.open("rb") as file:
        while page := list(islice(file, PAGE)):
            lines = [fast.loadb(line) for line in page]
            yield [
                {"appliance": line["appliance"], "job": line["job"], **line["info"]}
                for line in lines
            ]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            yield {"appliance": line["appliance"], "job": line["job"], **line["info"]}


def _settings(state: str) -> dict[str, str]:
    return {"DLT_DATA_DIR": state, "RUNTIME__DLTHUB_TELEMETRY": "false"}


def _tuning() -> dict[str, str]:
    return {
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
