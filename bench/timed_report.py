"""Run one report in process and print its seconds: `python timed_report.py URL NAME [GROUP]`.

It imports only the package `archive`, so that PYTHONPATH decides which checkout is measured.
"""

from __future__ import annotations

import sys
import time

from archive import db, reports
from archive.db import migrate


def main() -> None:
    """Print the seconds until the last row of the report."""
    url, name, *by = sys.argv[1:]
    engine = migrate.connect(url)
    with db.reading(engine) as connection:
        start = time.perf_counter()
        for _ in reports.run(connection, name, reports.Scope(by=by[0] if by else None)):
            pass
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
