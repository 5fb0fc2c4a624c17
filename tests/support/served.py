"""A server of an archive in a process of its own, as users start it, and its answers."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Answer(NamedTuple):
    """An answer; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Served:
    """A running server at `url`, which ends in a slash."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Return the answer to a request; `_` in the name of a header is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, headers=named, method=method)  # noqa: S310 - of the loopback
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - of the loopback
                return _answer(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)

    def end(self) -> tuple[int, str]:
        """Ask the server to end; return its exit code and the rest of its log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=30)
        return self.process.returncode, log

    @property
    def memory(self) -> int:
        """The resident size of the process in bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _answer(answer: object) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}  # type: ignore[attr-defined]
    return Answer(answer.status, headers, answer.read())  # type: ignore[attr-defined]


@contextmanager
def served(*arguments: str) -> Iterator[Served]:
    """Run `archive serve` on a free port until the end of the block."""
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = line.strip().rpartition(" ")[2]
        try:
            assert address.startswith("http://"), line
            yield Served(process, address)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
