"""A proxy on the loopback that tunnels (`CONNECT`), and records the targets."""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Proxy(NamedTuple):
    """Its address ("127.0.0.1:PORT"), and its requests so far."""

    address: str
    asked: list[str]


@contextmanager
def proxy(context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Serve until the end of the block, with a certificate of its own if there is a context."""
    asked: list[str] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client refused the certificate, or left
                if context is None:
                    self.tunnel()
                    return
                with context.wrap_socket(self.request, server_side=True) as self.request:
                    self.tunnel()

        def tunnel(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                received = self.request.recv(1 << 16)
                if not received:  # the client left
                    return
                head += received
                if head.startswith(b"\x16"):  # TLS, which this proxy does not speak
                    self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    return
            asked.append(head.decode())
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as target:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _tunnel(self.request, target)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield Proxy(f"127.0.0.1:{server.server_address[1]}", asked)
        finally:
            server.shutdown()


def _tunnel(one: socket.socket, other: socket.socket) -> None:
    ways = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(ways), [], [])
        for end in readable:
            data = end.recv(1 << 16)
            while isinstance(end, ssl.SSLSocket) and end.pending():
                data += end.recv(1 << 16)
            if not data:
                return
            ways[end].sendall(data)
