"""The server as a process: `python -m tests.vcenter_server`, until its input ends or it is terminated.

Prints one line of JSON when it listens: addresses, user, password, ca_file.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archive.demo.details import details
from archive.demo.fleet import plan
from archive.demo.jobs import jobs
from tests.vcenter_server.appliance import PASSWORD, USER, Appliance
from tests.vcenter_server.server import Server
from tests.vcenter_server.shapes import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same fleet each time.
_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def histories(appliances: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield the newest `count` jobs of each appliance of a made-up fleet."""
    # At least a job a day; a fifth more days for appliances that stop reporting before the end.
    fleet = plan(_NOW, appliances=appliances, days=count + count // 5 + 2)
    for appliance in fleet.appliances:
        newest = list(jobs(fleet, appliance))[-count:]
        yield {job.key: details(appliance, job, fleet.until) for job in newest}


def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.vcenter_server")
    parser.add_argument("--appliances", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Server(latency=options.latency_ms / 1000) as server:
        addresses = []
        for history in histories(options.appliances, options.jobs):
            appliance = server.add(Appliance(history))
            # Now, not at the first request.
            appliance.history.details(Api.NEW, appliance.history.ids())
            addresses.append(appliance.address)
        gc.freeze()
        announced = {
            "addresses": addresses,
            "user": USER,
            "password": PASSWORD,
            "ca_file": str(server.ca_file),
        }
        print(json.dumps(announced), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
