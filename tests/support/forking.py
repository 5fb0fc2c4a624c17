"""Run the command without its start-up time: `python -m tests.support.forking` imports everything, and forks.

A line of JSON with arguments, and a fault to inflict, starts a run; a line with its process id comes
back, and another with its status, in the form of `waitpid`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any, Self

from tests.support.command import environment
from tests.torture import driver

if TYPE_CHECKING:
    from types import TracebackType


class Forking:
    """The forking process, for the duration of a `with` block."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def start(self, *arguments: str, fault: tuple[str, int] | None = None) -> int:
        """Start a run, with a fault of `tests.torture.driver` if one is given; return its process id."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([arguments, fault]).encode() + b"\n")
        self._process.stdin.flush()
        return self._said()

    def wait(self) -> int:
        """Wait for the end of a run; return its exit code, or the signal that ended it, negative."""
        return os.waitstatus_to_exitcode(self._said())

    def _said(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork for each line of standard input."""
    import aiohttp  # noqa: F401
    import alembic.autogenerate  # noqa: F401

    import archive.cli.app
    import archive.collect.run
    import archive.db.migrate  # noqa: F401

    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _run(*json.loads(line))
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def _run(arguments: list[str], fault: list[Any] | None) -> None:
    import archive.cli

    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        if fault is not None:  # which is reported, and expected
            os.dup2(0, 2)
            driver.inflict(*fault)
        sys.argv = ["archive", *arguments]
        archive.cli.main()
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException:  # noqa: BLE001 - this process must not go on as the one it came from
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    main()
