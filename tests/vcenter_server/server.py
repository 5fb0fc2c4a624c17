"""A server that simulates any number of appliances, each on its own port of the loopback."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.vcenter_server.certificates import Authority
from tests.vcenter_server.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from tests.vcenter_server.appliance import Appliance

_LOOPBACK = "127.0.0.1"
_BACKLOG = 256


class Server:
    """Serve appliances from a separate thread, for the duration of a `with` block.

    `ca_file` is the CA for clients to trust; `authority` issues other certificates. Each answer
    is sent `latency` seconds after its request.
    """

    ca_file: Path

    def __init__(self, *, latency: float = 0.0) -> None:
        self.authority = Authority()
        self._certificate = self.authority.issue()
        self._latency = latency
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._refusing: list[socket.socket] = []
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="vcenter-")
        self.ca_file = Path(self._folder.name, "ca.pem")
        self.authority.write(self.ca_file)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vcenter")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def add(self, appliance: Appliance) -> Appliance:
        """Serve an appliance, whose `address` ("127.0.0.1:PORT") this sets, and return it."""
        listener = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
        listener.settimeout(0)
        appliance.address = f"{_LOOPBACK}:{listener.getsockname()[1]}"
        self._do(self._listen(listener, appliance))
        return appliance

    def remove(self, appliance: Appliance) -> None:
        """Refuse new connections to an appliance; open ones stay."""
        self._do(self._refuse(appliance.address))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self, listener: socket.socket, appliance: Appliance) -> None:
        accepting = self._loop.create_task(self._accept(listener, appliance))
        self._listening[appliance.address] = accepting

    async def _refuse(self, address: str) -> None:
        await _end({self._listening.pop(address)})
        # Bound but not listening, the port is given to no other appliance.
        held = socket.socket()
        self._refusing.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((_LOOPBACK, int(address.rpartition(":")[2])))

    async def _close(self) -> None:
        await _end(set(self._listening.values()))
        # A connection that was only just accepted starts, so that it can end.
        await asyncio.sleep(0)
        await _end(self._connections)
        for held in self._refusing:
            held.close()
        # Transports close in the following iterations of the loop.
        for _ in range(3):
            await asyncio.sleep(0)

    async def _accept(self, listener: socket.socket, appliance: Appliance) -> None:
        with listener:
            while True:
                accepted, _ = await self._loop.sock_accept(listener)
                appliance.connections += 1
                serving = self._loop.create_task(self._serve(accepted, appliance))
                self._connections.add(serving)
                serving.add_done_callback(self._connections.discard)

    async def _serve(self, accepted: socket.socket, appliance: Appliance) -> None:
        if not appliance.handshakes:
            with accepted:
                await asyncio.Event().wait()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        certificate = appliance.certificate or self._certificate
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=certificate.context
            )
        except OSError:  # the client refused the certificate, or left
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        try:
            with suppress(OSError):  # the client left
                await Connection(appliance, reader, writer, self._latency).serve()
                writer.close()
                await writer.wait_closed()
        finally:
            transport.abort()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
