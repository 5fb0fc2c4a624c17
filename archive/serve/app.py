"""The application: what each address answers.

Endpoints are plain functions, which Starlette runs in threads. Each report has a connection of its
own; the page and the metrics are made once for all readers.

Every address answers to GET and HEAD alone.
"""

from __future__ import annotations

import json
import threading
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from archive import db
from archive.dashboard.gathered import gather
from archive.dashboard.page import page
from archive.db import migrate
from archive.monitoring.exposition import exposition
from archive.monitoring.snapshot import snapshot
from archive.serve import answers
from archive.serve.access import HEALTH, Guard
from archive.serve.description import description
from archive.serve.failures import answered, unknown_address
from archive.serve.fresh import Fresh
from archive.serve.parameters import read
from archive.serve.shared import Shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from archive.serve.failures import Endpoint
    from archive.serve.site import Site

# So many requests are answered at the same time; the others wait. Each has a connection. Python runs one
# thread at a time, so more would only take each other's time.
AT_ONCE = 4
# Seconds: ages grow also if nothing is imported.
_LONGEST_PAGE, _LONGEST_METRICS, _LONGEST_ANSWER = 300, 60, 15
_LINKS = {"All reports": "reports", "Metrics": "metrics", "Description": "openapi.json"}
_LOOK_EVERY = 10
# The media type of the text format of Prometheus.
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_PAGE_POLICY = "frame-ancestors 'none'"  # the page has one of its own in it


class Documents:
    """The page, the metrics and the reports of a site, which follow the archive.

    The first two use the patient engine: each is made for all readers, so it may take longer than
    an answer to one.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        # A watch for each, since neither may be used by two threads at once.
        self.page = Fresh(self._page, db.Watch(site.patient).mark, _LONGEST_PAGE)
        self.metrics = Fresh(self._metrics, db.Watch(site.patient).mark, _LONGEST_METRICS)
        self.reports = Shared(db.Watch(site.engine).mark, _LONGEST_ANSWER)
        self._ended = threading.Event()

    def _page(self) -> bytes:
        """Make the page of the fleet, in UTF-8."""
        site = self._site
        with db.reading(site.patient) as connection:
            found = gather(connection, site.scopes.whole(connection), site.scopes.tags())
        return page(found, site.title, _LINKS).encode()

    def _metrics(self) -> bytes:
        """Make the metrics in the text format of Prometheus, in UTF-8."""
        site = self._site
        with db.reading(site.patient) as connection:
            found = snapshot(connection, site.scopes.whole(connection), site.place)
        return exposition(found).encode()

    def keep_ready(self) -> None:
        """Make the page again whenever it has to be, until `close`, so that no reader waits for it.

        It runs in a thread of its own. An error is left to the next reader, who gets a sentence.
        """
        while not self._ended.wait(_LOOK_EVERY):
            try:
                self.page.get()
            except Exception:  # noqa: BLE001, S112 - a reader gets the same error, with a sentence
                continue

    def close(self) -> None:
        """End `keep_ready`."""
        self._ended.set()


def application(site: Site, documents: Documents) -> Starlette:
    """Return the application of a site."""
    # Made once: it depends on declarations alone.
    described = json.dumps(description(site), indent=1)

    def front(request: Request) -> Response:
        return _document(request, documents.page, "text/html; charset=utf-8", _PAGE_POLICY)

    def metrics(request: Request) -> Response:
        return _document(request, documents.metrics, _METRICS)

    def healthy(_: Request) -> Response:
        # This opens the archive, and checks its schema.
        migrate.require(site.engine)
        return PlainTextResponse("ok\n")

    def no_icon(_: Request) -> Response:
        # Browsers ask for it, and complain in their console if there is no such address.
        return Response(status_code=204)

    def without_slash(request: Request) -> Response:
        # Relative, unlike Starlette's own: readers of a proxy cannot reach the address of this server.
        path = quote(request.url.path.rstrip("/").rpartition("/")[2])
        query = f"?{request.url.query}" if request.url.query else ""
        return Response(status_code=307, headers={"Location": f"../{path}{query}"})

    def describe(_: Request) -> Response:
        return Response(described, media_type="application/json")

    def route(path: str, endpoint: Endpoint) -> Route:
        return Route(path, answered(endpoint, site.say), methods=["GET"])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = AT_ONCE
        # A daemon, which does not keep the process alive.
        threading.Thread(target=documents.keep_ready, daemon=True).start()
        yield
        documents.close()

    app = Starlette(
        routes=[
            route("/", front),
            route("/reports", partial(answers.index, site)),
            route("/reports/{name}", partial(answers.report, site, documents.reports)),
            route("/metrics", metrics),
            route(HEALTH, healthy),
            route("/openapi.json", describe),
            route("/favicon.ico", no_icon),
            route("/{path:path}/", without_slash),
        ],
        middleware=[Middleware(Guard, token=site.token, root_path=site.root_path)],
        exception_handlers={HTTPException: unknown_address},
        lifespan=lifespan,
    )
    # It would lead any unknown address to itself with a slash, and `without_slash` back.
    app.router.redirect_slashes = False
    return app


def _document(request: Request, fresh: Fresh, media: str, policy: str | None = None) -> Response:
    """Answer a request for a document: 304 if the reader has it, gzipped if the reader accepts that.

    Raises UsageError for any parameter, as there are none. The `ETag` is a weak one: both forms
    have the same.
    """
    read((), request.query_params.multi_items())
    found = fresh.get()
    headers = {"ETag": found.tag, "Vary": "Accept-Encoding"}
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.zipped, media_type=media, headers=headers)
    return Response(found.body, media_type=media, headers=headers)
