"""Appliances to collect from: the tests' server, in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.support.command import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

JOBS = 60
LATENCY_MS = 20
# The source of the password in the configuration.
VARIABLE = "BENCH_VCENTER_PASSWORD"


class Fleet(NamedTuple):
    """Running appliances, and the credentials to sign in."""

    addresses: Sequence[str]
    user: str
    password: str
    ca_file: str

    def configure(self, path: Path, concurrency: int, appliances: int) -> Path:
        """Write a configuration with the first `number` appliances, and return its path."""
        lines = [
            f"concurrency = {concurrency}",
            "[defaults]",
            f'user = "{self.user}"',
            f'secret = {{ environment = "{VARIABLE}" }}',
            f'ca_file = "{self.ca_file}"',
        ]
        for number, address in enumerate(self.addresses[:appliances]):
            lines += ["[[appliance]]", f'name = "vc{number:05}"', f'address = "{address}"']
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@contextmanager
def listening(appliances: int) -> Iterator[Fleet]:
    """Serve appliances with a history of 60 jobs each, and a delay of 20 ms for each answer."""
    options = {"--appliances": appliances, "--jobs": JOBS, "--latency-ms": LATENCY_MS}
    arguments = [text for option, value in options.items() for text in (option, str(value))]
    command = [sys.executable, "-m", "tests.vcenter_server", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as process:
        told = process.stdout.readline() if process.stdout else b""
        if not told:
            raise SystemExit(f"{' '.join(command)} does not listen")
        yield Fleet(**json.loads(told))
        process.communicate()
