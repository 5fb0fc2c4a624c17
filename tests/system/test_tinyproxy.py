"""A collection through tinyproxy, a proxy for CONNECT from Debian."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.command import archive
from tests.support.samples import SAMPLES
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.configured import configured
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TINYPROXY = shutil.which("tinyproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(TINYPROXY is None, reason="no tinyproxy on the PATH")


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[str]:
    """Give the address of a proxy with these lines in its configuration."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = folder / "tinyproxy.conf"
    file.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Timeout 30", *lines, ""]))
    assert TINYPROXY
    with subprocess.Popen(
        [TINYPROXY, "-d", "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            for _ in range(100):
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            running.terminate()


@pytest.mark.parametrize("form", ["svc:Pass9@{}", "http://svc:Pass9@{}/"])
def test_collection_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """With a password; without the right one, the error is that of the proxy, and shows none."""
    database = f"--database={tmp_path / 'archive.db'}"
    with Server() as server, tinyproxy(tmp_path, "BasicAuth svc Pass9") as address:
        config = configured(server, {"vc01": server.add(Appliance(SAMPLES))}, tmp_path)
        monkeypatch.setenv("https_proxy", form.format(address).replace("Pass9", "hidden"))
        refused = archive("collect", config, database)
        assert refused.code == 1
        assert "the proxy refuses the connection: 401" in refused.err.replace("407", "401")
        assert "hidden" not in refused.out + refused.err
        monkeypatch.setenv("https_proxy", form.format(address))
        done = archive("collect", config, database)
        assert done.code == 0, done.err
