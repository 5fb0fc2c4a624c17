from __future__ import annotations

import socket

import pytest

from archive.serve import run


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_parts_of_an_answer_wait_for_nothing(host: str) -> None:
    """Every accepted connection sends what it has at once."""
    with run.listen(host, 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
