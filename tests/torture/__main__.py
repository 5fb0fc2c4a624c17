"""Try faults on archives, and print how often, and what was lost, doubled or wrong: `make torture`.

    python -m tests.torture --seconds 60
    python -m tests.torture --database sqlite --fault statements_of_imports

Each fault is tried until it has been tried often enough, or its time has passed. The exit code is 1 if
anything was lost, doubled or wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from archive.db import migrate
from tests.support import postgres
from tests.support.forking import Forking
from tests.torture import place as places
from tests.torture.faults import FAULTS
from tests.torture.judge import Budget, Tally

if TYPE_CHECKING:
    from tests.torture.faults import Fault

# A commit survives the death of the server's processes, if not that of the machine.
_SETTINGS = f"{postgres.SETTINGS}synchronous_commit = on\n"
_DATABASES = ("sqlite", "postgresql")
_ROW = "| {} | {} | {:,} | {} | {} | {} |"


def main() -> int:
    """Try faults, and print a table of them in Markdown, with notes on standard error."""
    arguments = _arguments()
    databases = [arguments.database] if arguments.database else _DATABASES
    print("| Fault | Database | Tried | Lost | Doubled | Wrong |")  # noqa: T201 - a command
    print("|---|---|---:|---:|---:|---:|")  # noqa: T201
    code = 0
    with Forking() as forking, ExitStack() as stack:
        server = (
            stack.enter_context(postgres.running(_SETTINGS)) if "postgresql" in databases else None
        )
        for fault in FAULTS:
            for database in fault.databases:
                if database not in databases or arguments.fault not in (None, fault.name):
                    continue
                budget = Budget(arguments.seconds, fault.tries)
                tally = _tried(fault, budget, forking, server if database != "sqlite" else None)
                row = (fault.title, database, tally.tried, tally.lost, tally.doubled, tally.wrong)
                print(_ROW.format(*row), flush=True)  # noqa: T201
                for note in tally.notes[:20]:
                    print(f"{fault.name}, {database}: {note}", file=sys.stderr, flush=True)  # noqa: T201
                code |= not tally.is_clean
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=60, help="of each fault on each database (default: 60)"
    )
    parser.add_argument("--database", choices=_DATABASES)
    parser.add_argument("--fault", choices=[fault.name for fault in FAULTS])
    return parser.parse_args()


def _tried(
    fault: Fault, budget: Budget, forking: Forking, server: postgres.Running | None
) -> Tally:
    """Try a fault on a new archive."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="archive-torture-") as name, ExitStack() as stack:
        folder = Path(name)
        url = str(folder / "archive.db")
        if server is not None:
            url = stack.enter_context(postgres.new_database(server.url))
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        fault.inflict(places.on(engine, folder, forking, server=server), budget, tally)
        engine.dispose()
    return tally


if __name__ == "__main__":
    sys.exit(main())
