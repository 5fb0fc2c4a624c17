"""One connection to an appliance: read requests, send answers with their faults."""

from __future__ import annotations

import asyncio
import socket
import struct
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

import h11

from tests.vcenter_server import endpoints
from tests.vcenter_server.answers import Answer, Delivery
from tests.vcenter_server.requests import Asked

if TYPE_CHECKING:
    from tests.vcenter_server.appliance import Appliance

_NO_CONTENT = 204
_DRIP_SECONDS = 0.01
_MORE = 1 << 16
_UNSENT = (Delivery.HANG, Delivery.RESET)


class Connection:
    """One connection, from its handshake on."""

    def __init__(
        self,
        appliance: Appliance,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        latency: float,
    ) -> None:
        self._appliance = appliance
        self._reader = reader
        self._writer = writer
        self._latency = latency
        self._wire = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        """Answer requests until the client leaves or the connection can serve no more."""
        while (asked := await self._next()) is not None:
            if self._latency:
                await asyncio.sleep(self._latency)
            answer = endpoints.answer(self._appliance, asked)
            unsent = answer.delivery in _UNSENT
            self._appliance.remember(asked, None if unsent else answer.status)
            await self._deliver(answer)
            if self._wire.our_state is not h11.DONE:
                return
            self._wire.start_next_cycle()

    async def _next(self) -> Asked | None:
        """Return the next request, with its body read; None if there is no valid one."""
        request = None
        while True:
            try:
                event = self._wire.next_event()
            except h11.RemoteProtocolError as error:
                await self._send(Answer(error.error_status_hint, b"", "text/plain"))
                return None
            match event:
                case h11.NEED_DATA:
                    self._wire.receive_data(await self._reader.read(1 << 16))
                case h11.Request():
                    request = event
                case h11.EndOfMessage() if request is not None:
                    return _asked(request)
                case h11.Data():
                    pass
                case _:
                    return None

    async def _deliver(self, answer: Answer) -> None:
        match answer.delivery:
            case Delivery.WHOLE:
                await self._send(answer)
            case Delivery.CUT:
                await self._write(
                    self._head(answer), self._part(answer.body[: len(answer.body) // 2])
                )
            case Delivery.DRIP:
                await self._write(self._head(answer))
                for byte in self._part(answer.body):
                    await self._write(bytes([byte]))
                    await asyncio.sleep(_DRIP_SECONDS)
                await self._write(self._end())
            case Delivery.ENDLESS:
                await self._write(self._head(answer), self._part(answer.body))
                more = answer.body[-1:] * _MORE
                # For a transport that is closing, writing never waits: its buffer would grow instead.
                while not self._writer.is_closing():
                    await self._write(self._part(more))
                    # Draining alone may never yield to the loop, and then nobody notices that the client left.
                    await asyncio.sleep(0)
            case Delivery.HANG:
                await asyncio.Event().wait()
            case Delivery.RESET:
                self._reset()

    async def _send(self, answer: Answer) -> None:
        # In one piece: an answer in three packets would wait for acknowledgements.
        await self._write(self._head(answer) + self._part(answer.body) + self._end())

    def _head(self, answer: Answer) -> bytes:
        headers = [
            ("date", format_datetime(datetime.now(UTC) + answer.clock, usegmt=True)),
            *answer.headers,
        ]
        if answer.body:
            headers.append(("content-type", answer.content_type))
        if answer.delivery is Delivery.ENDLESS and answer.length is None:
            headers.append(("transfer-encoding", "chunked"))
        elif answer.status != _NO_CONTENT:
            length = len(answer.body) if answer.length is None else answer.length
            headers.append(("content-length", str(length)))
        return self._wire.send(h11.Response(status_code=answer.status, headers=headers)) or b""

    def _part(self, data: bytes) -> bytes:
        return (self._wire.send(h11.Data(data=data)) or b"") if data else b""

    def _end(self) -> bytes:
        return self._wire.send(h11.EndOfMessage()) or b""

    async def _write(self, *parts: bytes) -> None:
        self._writer.writelines(parts)
        await self._writer.drain()

    def _reset(self) -> None:
        held: socket.socket = self._writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def _asked(request: h11.Request) -> Asked:
    path, _, query = request.target.decode("latin-1").partition("?")
    headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
    return Asked(request.method.decode(), path, query, headers)
