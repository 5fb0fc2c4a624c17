from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from archive.ingest.formats import Line
from archive.ingest.observe import observe_line
from archive.ingest.parallel_parse import reading_ahead
from tests.support.command import environment
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEN = "2026-10-01T06:00:00.000000Z"


def plain(value: Any) -> Any:
    """Return a value with tuples for all lists and named tuples."""
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


def texts(number: int) -> list[bytes]:
    """Lines of an export, every third of which is uncommon."""
    values = [
        {"appliance": "a", "job": str(n), "info": job(size="5" if n % 3 == 2 else 5)}
        for n in range(number)
    ]
    return [json.dumps(value).encode() for value in values]


def test_every_kind_of_document_passes_between_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors with messages, too, whose rows are made elsewhere than those of other messages."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    lines = [
        Line(number, json.dumps({"appliance": "a", "job": key, "info": info}).encode())
        for number, (key, info) in enumerate(SAMPLES.items(), 1)
    ]

    def batches() -> Iterator[list[Line]]:
        yield lines
        time.sleep(2)  # until the other process has started
        yield lines

    with reading_ahead(SEEN) as read:
        found = [one for _, batch in read(batches()) for one in batch]
    expected = [plain(observe_line(line.text, SEEN)) for line in lines]
    assert None not in expected
    assert list(map(plain, found)) == expected * 2


@pytest.mark.parametrize("processors", [1, 2, 9])
@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_lines_keep_their_order(
    monkeypatch: pytest.MonkeyPatch, processors: int, wait: float
) -> None:
    """In this process or another, before or after it has started: the same lines, in order."""
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    lines = [Line(number, text) for number, text in enumerate(texts(30), 1)]

    def batches() -> Iterator[list[Line]]:
        for start in range(0, 30, 5):
            time.sleep(wait)
            yield lines[start : start + 5]

    with reading_ahead(SEEN) as read:
        found = list(read(batches()))
    assert [line for batch, _ in found for line in batch] == lines
    reads = [one for _, batch in found for one in batch]
    assert list(map(plain, reads)) == [plain(observe_line(line.text, SEEN)) for line in lines]
    assert reads.count(None) == 10


def test_stopping_early_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while batches are written ends the processes, too."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    lines = [Line(1, texts(1)[0])] * 100

    def stop() -> None:
        with reading_ahead(SEEN) as read:
            next(iter(read([lines] * 50)))
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        stop()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_processes_end_with_their_parent(end: signal.Signals) -> None:
    """A killed import leaves no process, which would hold its output open for ever."""
    program = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # nohup makes children ignore it
        "os.cpu_count = lambda: 3\n"
        "from archive.ingest.formats import Line\n"
        "from archive.ingest.parallel_parse import reading_ahead\n"
        "def batches():\n"
        "    while True:\n"
        "        yield [Line(1, b'{}')]\n"
        "if __name__ == '__main__':\n"
        "    with reading_ahead('') as read:\n"
        "        for number, _ in enumerate(read(batches())):\n"
        "            if number == 3000:\n"
        "                print('running', flush=True)\n"
        "                time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment()
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"running\n"
        parent.send_signal(end)
        assert parent.stdout.read() == b""  # ends only when nobody holds the pipe any more


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize(("start_s", "lines"), [(0, 3000), (1, 1)], ids=["waiting", "starting"])
def test_processes_say_nothing_when_all_are_ended(
    end: signal.Signals, start_s: int, lines: int
) -> None:
    """A terminal and systemd signal them together with their parent, which alone has an exit code."""
    program = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may ignore it
        "os.cpu_count = lambda: 3\n"
        f"os.register_at_fork(after_in_child=lambda: time.sleep({start_s}))\n"
        "from archive.cli.interrupts import ends_are_interrupts\n"
        "from archive.ingest.formats import Line\n"
        "from archive.ingest.parallel_parse import reading_ahead\n"
        "if __name__ == '__main__':\n"
        "    with ends_are_interrupts(), reading_ahead('') as read:\n"
        f"        for _ in read([Line(1, b'{{}}')] for _ in range({lines})):\n"
        "            pass\n"
        "        try:\n"
        "            print('waiting', flush=True)\n"
        "            time.sleep(60)\n"
        "        except KeyboardInterrupt:\n"
        "            raise SystemExit(143) from None\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), start_new_session=True,
    ) as parent:  # fmt: skip
        assert parent.stdout
        assert parent.stderr
        assert parent.stdout.readline() == b"waiting\n"
        os.killpg(parent.pid, end)
        assert parent.stderr.read() == b""
        assert parent.wait() == (129 if end == signal.SIGHUP else 143)
