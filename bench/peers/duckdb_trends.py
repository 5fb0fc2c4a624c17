"""DuckDB's side of the trends: a table of its own, asked line by line.

Started with a CSV file of jobs; for each line read, `counts` or `percentiles`, it asks its table and
answers with the rows as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import duckdb

COUNTS = """
    CAST(day AS VARCHAR),
    count(*) FILTER (status IN ('SUCCEEDED', 'FAILED')),
    count(*) FILTER (status = 'SUCCEEDED'),
    count(*) FILTER (status = 'FAILED'),
    sum(size_bytes) FILTER (status = 'SUCCEEDED')
"""
PERCENTILES = """,
    quantile_disc(size_bytes, 0.5) FILTER (status = 'SUCCEEDED'),
    quantile_disc(duration_seconds, 0.5) FILTER (status = 'SUCCEEDED'),
    quantile_disc(duration_seconds, 0.95) FILTER (status = 'SUCCEEDED')
"""
DURATIONS = ", sum(duration_seconds) FILTER (status = 'SUCCEEDED')"
TEXT = "SELECT {} FROM job GROUP BY day ORDER BY day"
QUERIES = {
    "counts": TEXT.format(COUNTS + DURATIONS),
    "percentiles": TEXT.format(COUNTS + PERCENTILES),
}


def main(source: str) -> None:
    """Load the file, then answer until the input ends."""
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(str(Path(folder, "jobs.duckdb")))
        connection.execute("CREATE TABLE job AS SELECT * FROM read_csv(?)", [source])
        connection.execute("CHECKPOINT")
        print("ready", flush=True)
        for line in sys.stdin:
            rows = connection.execute(QUERIES[line.strip()]).fetchall()
            print(json.dumps([[_number(value) for value in row] for row in rows]), flush=True)


def _number(value: object) -> object:
    """Return a value as JSON has it: sums are of 128 bits, which it may give as a float."""
    return int(value) if isinstance(value, float) else value


if __name__ == "__main__":
    main(sys.argv[1])
