"""HTTPS to one appliance: requests with retries, until the appliance's deadline.

Three limits hold at the same time: the timeouts of a connection and of each read, the time of one
request with its retries (`within`), and the deadline of all requests to the appliance. All are in
seconds.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from contextlib import ExitStack, asynccontextmanager
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp
import stamina
from stamina.instrumentation import set_on_retry_hooks
from yarl import URL

import archive
from archive import json_numbers
from archive.errors import ApplianceError
from archive.text import printable
from archive.vcenter import errors
from archive.vcenter.errors import DeadlineError, OversizedError, PassingError
from archive.vcenter.proxy import proxy
from archive.vcenter.spool import discard, spool, writing
from archive.vcenter.tls import Pin, judge

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from archive.config.settings import Entry

# Seconds between attempts grow from the first value to the second, plus a random part.
_WAITS = (0.5, 10.0)
# Bytes read at a time, and the most that is read of an error answer.
_CHUNK = 1 << 16
# Bytes of all answers of an appliance together: enough for a quarter of a million jobs.
LONGEST_ANSWER = 256 << 20
# Bytes of an answer that is decoded as a whole: IDs, version, schedules, time zone.
LONGEST_SMALL_ANSWER = 4 << 20
# Seconds for signing out, also after the deadline.
GRACE = 5.0

set_on_retry_hooks([])  # its hooks write log lines; the caller reports the error


class Reply(NamedTuple):
    """An answer with status 2xx; `body` is at its start, and the caller must close it."""

    body: IO[bytes]
    ahead: float | None  # seconds by which the appliance's clock is ahead of this machine's

    def read(self) -> bytes:
        """Return the whole body, and close it."""
        with self.body:
            return self.body.read()

    def json(self) -> Any:
        """Return the decoded body of a small answer. Raises ApplianceError if it is not JSON.

        The body is closed even then. Numbers are as `json_numbers.loads` gives them.
        """
        try:
            return json_numbers.loads(self.read().decode())
        except (ValueError, RecursionError) as error:
            raise ApplianceError("the answer is not JSON") from error


class Connection:
    """Requests to one appliance, one at a time.

    The deadline starts with the object, so login, requests and the waits between attempts all
    count. `place` is `host:port`, for errors.
    """

    def __init__(self, entry: Entry, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._read_timeout = entry.read_timeout
        self._deadline_seconds = entry.deadline
        self._deadline = time.monotonic() + entry.deadline
        self._last_error: PassingError | None = None
        # Replaces secrets in what the appliance says, before it is cut to the length of an error.
        self.hide: Callable[[str], str] = str
        self._base = base(entry)
        self.place = place(entry)
        self._proxy = None if (through := proxy(entry.host)) is None else through.place

    @classmethod
    @asynccontextmanager
    async def open(cls, entry: Entry) -> AsyncIterator[Self]:
        """Prepare requests to an appliance; nothing is sent yet.

        Raises ApplianceError for a CA file or a proxy that cannot be used.
        """
        async with client(entry, judged=judge(entry.trust)) as http:
            yield cls(entry, http)

    def remaining(self) -> float:
        """Return the seconds until the deadline; they are negative after it."""
        return self._deadline - time.monotonic()

    def allow(self, seconds: float) -> None:
        """Set the deadline to this many seconds from now, such as for signing out after it."""
        self._deadline = time.monotonic() + seconds

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Sequence[tuple[str, str]] = (),
        longest: int = LONGEST_SMALL_ANSWER,
        attempts: int = 4,
        within: float | None = None,
    ) -> Reply:
        """Send a request, with retries where they may help, for at most `within` seconds.

        Raises PassingError when all attempts failed, RefusedError for another status than 2xx,
        OversizedError for a body of more than `longest` bytes, DeadlineError, ApplianceError.

        `path` is relative to the appliance's root, such as `api/session`. `attempts` counts the
        first one too. Waits between attempts double and have up to one second at random added, or
        are what `Retry-After` asks for. If the server asks for a longer wait than there is time
        for, no attempt follows.

        When `within` ends first, it is a PassingError, since the caller may still ask for less;
        when the deadline ends first, it is a DeadlineError, and the caller must stop.
        """
        end = self._deadline if within is None else min(self._deadline, time.monotonic() + within)

        def again(error: Exception) -> bool | float:
            if not isinstance(error, PassingError):
                return False
            if error.wait is None:
                return True
            return error.wait if error.wait < end - time.monotonic() else False

        try:
            async with asyncio.timeout(end - time.monotonic()):
                async for attempt in stamina.retry_context(
                    again, attempts, None, wait_initial=_WAITS[0], wait_max=_WAITS[1]
                ):
                    with attempt:
                        try:
                            return await self._once(method, path, headers, params, longest)
                        except PassingError as error:
                            self._last_error = error
                            raise
        except TimeoutError as error:
            why = f"; last error: {self._last_error}" if self._last_error else ""
            if end < self._deadline:
                raise PassingError(f"no answer within {within:.1f} s{why}") from error
            raise DeadlineError(
                f"not done within `deadline`, {self._deadline_seconds:g} s{why}"
            ) from error
        raise AssertionError  # the loop returns or raises

    async def _once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Sequence[tuple[str, str]],
        longest: int,
    ) -> Reply:
        """Send a request once and read its whole answer, of at most `longest` bytes.

        Redirects are not followed: the headers contain a password or a token.
        """
        try:
            async with self._http.request(
                method, self._base / path, headers=headers, params=params, allow_redirects=False
            ) as response:
                if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                    raise await _refusal(response, self.hide)
                kind = response.headers.get("Content-Type", "")
                if response.status != HTTPStatus.NO_CONTENT and not _may_be_json(kind):
                    raise ApplianceError(
                        f"the answer is {printable(self.hide(kind))}, not JSON",
                        f"check that {self.place} is a vCenter Server, not a portal or a proxy",
                    )
                ahead = _ahead(response)
                return Reply(await _body(response, longest), ahead)
        except (aiohttp.ClientError, OSError) as error:
            raise errors.of_connection(
                error, self.place, self._read_timeout, self._proxy
            ) from error


def base(entry: Entry) -> URL:
    """Return the URL below which all paths of an appliance are.

    `host` may be an IPv6 address; the URL then has it in brackets.
    """
    return URL.build(scheme="https", host=entry.host, port=entry.port)


def place(entry: Entry) -> str:
    """Return an appliance's address for errors: `host:port`."""
    return f"{entry.host}:{entry.port}"


@asynccontextmanager
async def client(
    entry: Entry, *, judged: ssl.SSLContext | Pin | bool
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield an HTTP client for an appliance; `judged` decides whether its certificate is trusted."""
    timeout = aiohttp.ClientTimeout(
        total=None, connect=entry.connect_timeout, sock_read=entry.read_timeout
    )
    through = proxy(entry.host)
    if through is not None and through.url.scheme == "https" and isinstance(judged, Pin):
        # aiohttp would compare the pin with the certificate of the proxy.
        raise ApplianceError(
            "`pin` cannot be used through a proxy with a certificate of its own",
            "use a proxy of the kind http://, or instead of `pin` a `ca_file` with the root certificates"
            " of both",
        )
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=judged, limit=1),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": f"archive/{archive.__version__}"},
            timeout=timeout,
            proxy=through and through.url,
        ) as http:
            yield http
    finally:
        if isinstance(judged, Pin):
            await judged.end()


def _may_be_json(kind: str) -> bool:
    """Whether an answer with this Content-Type may be JSON: all but pages, such as those of portals.

    Simulators send it as plain text, and gateways as anything.
    """
    return "json" in kind.lower() or not any(page in kind.lower() for page in ("html", "xml"))


async def _body(response: aiohttp.ClientResponse, longest: int) -> IO[bytes]:
    length = 0
    with ExitStack() as stack:
        body = spool()
        stack.callback(discard, body)
        async for chunk in response.content.iter_chunked(_CHUNK):
            length += len(chunk)
            if length > longest:
                raise OversizedError(f"the answer is longer than {max(longest >> 20, 1)} MiB")
            with writing():
                body.write(chunk)
        with writing():
            body.seek(0)
        stack.pop_all()
    return body


async def _refusal(response: aiohttp.ClientResponse, hide: Callable[[str], str]) -> ApplianceError:
    """Return the error for an answer with another status than 2xx, with the texts of its body."""
    texts: list[str] = []
    try:
        raw = b""
        while len(raw) < _CHUNK and (piece := await response.content.read(_CHUNK - len(raw))):
            raw += piece
        texts = list(map(hide, errors.messages(json.loads(raw))))
    except (ValueError, RecursionError, aiohttp.ClientError, OSError):
        pass  # then the status has to do
    return errors.of_status(
        response.status,
        _wait(response.headers.get("Retry-After", "")),
        hide(response.headers.get("Location", "")),
        texts,
    )


def _wait(retry_after: str) -> float | None:
    """Return the seconds that `Retry-After` asks for, as a number or an HTTP date; None without one."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
        return max(until.timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _ahead(response: aiohttp.ClientResponse) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(response.headers.get("Date", ""))
        # The header has whole seconds: on average half a second has passed since.
        return date.timestamp() + 0.5 - time.time()
    except (ValueError, OverflowError):
        return None
