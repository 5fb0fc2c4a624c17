"""Run the server until SIGTERM or Ctrl+C.

The server listens before the first page is made, so that a port in use is an error at once. A
request that comes earlier waits.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from archive.errors import ArchiveError
from archive.serve.app import Documents, application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.serve.site import Site

# Connections, most of them idle; further ones get 503 at once.
_CONNECTIONS = 500
# So long a connection stays open without a request.
_KEEP_ALIVE_SECONDS = 30
# Python's own defaults: the command collects garbage less often, for it ends soon.
_COLLECT_AFTER = (700, 10, 10)
# At the end, requests may take so long to finish.
_GRACE_SECONDS = 10


class _Server(uvicorn.Server):
    """A server that ends with exit code 0 at a signal, instead of raising it again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals while the server runs."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in signals}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is any free one. Raises ArchiveError.

    An address with a colon is one of IPv6.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_CONNECTIONS)
    except OSError as error:
        raise ArchiveError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose others with --host"
            " and --port"
        ) from error
    # Accepted connections inherit it. An answer is sent in parts, and without it the last part would wait
    # for the reader's delayed acknowledgement: 40 ms on Linux.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def serve(site: Site, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve a site until SIGTERM or SIGINT; `started` is called once the page is ready.

    Nothing is logged but what `site.say` says, and errors of the server.
    """
    # Requests are not logged, and a malformed one is nobody's concern here.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    documents = Documents(site)
    try:
        documents.page.get()
    except ArchiveError as error:  # readers get it, too, until it is over
        site.say(f"archive: {error}")
    config = uvicorn.Config(
        application(site, documents),
        # Python's own loop, and a parser in Python: what else is installed changes nothing.
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Addresses of readers do not matter, and such headers can be invented.
        proxy_headers=False,
        root_path=site.root_path,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # What was made so far stays; without it, the garbage of requests is collected soon and quickly.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    started()
    _Server(config).run([listening])
