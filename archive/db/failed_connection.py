"""The reason for which no connection to PostgreSQL could be made, as a code.

The driver has no SQLSTATE for it, only the server's message, in the server's language. So the
connection is tried once more, with libpq's trace on, which shows the fields of the server's answer.
"""

from __future__ import annotations

import os
import re
import select
import socket
import sys
import time
from typing import TYPE_CHECKING

from archive.db.urls import THRESHOLD

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn
    from sqlalchemy.engine import Engine

# No SQLSTATE looks like one of these.
REFUSED, UNKNOWN_HOST, TIMEOUT, LOST = "refused", "unknown host", "timeout", "lost"
# Field C of an ErrorResponse, in PostgreSQL's frontend/backend protocol.
_SQLSTATE = re.compile(rb'\tErrorResponse\t.*? C "([0-9A-Z]{5})"')
# For the second attempt only; the first one had the URL's own timeout.
_WAIT_SECONDS = 5


def code(error: BaseException, engine: Engine) -> str | None:
    """Return the SQLSTATE of the server's refusal, or one of the codes above if there is none.

    `LOST` is for a connection that can be made again. None if the error is about something else.

    It connects again, so it may take some seconds, and the answer may differ if the server has
    changed since. No statement is sent.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo

    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return TIMEOUT
    if not isinstance(error, psycopg.OperationalError):
        return None
    _, options = engine.dialect.create_connect_args(engine.url)
    for name in ("context", THRESHOLD):  # SQLAlchemy's and psycopg's, not libpq's
        options.pop(name, None)
    connection = psycopg.pq.PGconn.connect_start(make_conninfo(**options).encode())
    try:
        # libpq traces on Linux alone.
        found = _SQLSTATE.findall(_trace(connection)) if sys.platform == "linux" else []
        if found:
            return str(found[-1].decode())
        if connection.status == psycopg.pq.ConnStatus.OK:
            return LOST
        return _network_error(connection.host.decode(), connection.port.decode())
    finally:
        connection.finish()


def _trace(connection: PGconn) -> bytes:
    """Complete a connection that was started; return libpq's trace of it."""
    from psycopg.pq import ConnStatus, PollingStatus

    deadline = time.monotonic() + _WAIT_SECONDS
    # In memory, since the trace may have the password in it.
    with open(os.memfd_create("trace"), "rb") as file:  # noqa: PTH123 - of a descriptor
        connection.trace(file.fileno())
        while connection.status != ConnStatus.BAD and time.monotonic() < deadline:
            status = connection.connect_poll()
            if status in (PollingStatus.OK, PollingStatus.FAILED):
                break
            ready = select.poll()
            reads = status == PollingStatus.READING
            ready.register(connection.socket, select.POLLIN if reads else select.POLLOUT)
            ready.poll(_WAIT_SECONDS * 1000)
        connection.untrace()
        file.seek(0)
        return file.read()


def _network_error(host: str, port: str) -> str | None:
    """Return the code for a server that the network does not reach; None if it does."""
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as local:
                local.connect(f"{host}/.s.PGSQL.{port}")
        else:
            socket.create_connection((host, port), _WAIT_SECONDS).close()
    except socket.gaierror:
        return UNKNOWN_HOST
    except TimeoutError:
        return TIMEOUT
    except OSError:
        return REFUSED
    return None
