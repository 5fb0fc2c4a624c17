"""A session on an appliance: signed in on the API that it has, and always signed out.

Newer appliances have `/api/session`, older ones `/rest/com/vmware/cis/session`. Both take HTTP
Basic authentication (RFC 7617, here always in UTF-8) and return a token, which then goes into the
header `vmware-api-session-id`.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.errors import ApplianceError
from archive.vcenter.client import GRACE, LONGEST_SMALL_ANSWER, Connection, Reply
from archive.vcenter.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

_TOKEN_HEADER = "vmware-api-session-id"  # noqa: S105 - a header's name
# Statuses of appliances that do not have `/api/session`.
_UNKNOWN = frozenset({400, 404, 405, 415, 501})


class Api(NamedTuple):
    """One of the two APIs: its path prefix, and the path that creates sessions.

    `prefix` stands before the paths of requests; `session` is a whole path.
    """

    name: str
    prefix: str
    session: str


# Newer appliances have both; the first is tried first.
API = Api("api", "api", "api/session")
REST = Api("rest", "rest", "rest/com/vmware/cis/session")


class Session:
    """Requests of a signed-in user. `api` is the API that answered last.

    `ahead` is by how many seconds the appliance's clock is ahead of this machine's; None if its
    answers have no date.

    A token is valid for both APIs, so `api` may change within a session: an appliance may have
    `/api/session` but the job details only below `/rest`. The session ends on the API that created
    it.
    """

    def __init__(self, connection: Connection, user: str, password: str) -> None:
        self.connection = connection
        self.api = API
        self.ahead: float | None = None
        self._signed_in_on = API
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._credentials = {"Authorization": f"Basic {credentials}"}
        self._token = ""
        self._secrets = [credentials, password]
        connection.hide = self.without_secrets

    async def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        longest: int = LONGEST_SMALL_ANSWER,
        attempts: int = 4,
        within: float | None = None,
    ) -> Reply:
        """Get `path`, below `/api` or `/rest`; sign in again once if the session has ended.

        `longest`, `attempts` and `within` are those of `Connection.request`; after a new login they
        start afresh. Raises as `Connection.request` does.
        """
        for renewed in (False, True):
            try:
                return await self.connection.request(
                    "GET",
                    f"{self.api.prefix}/{path}",
                    headers={_TOKEN_HEADER: self._token},
                    params=params,
                    longest=longest,
                    attempts=attempts,
                    within=within,
                )
            except RefusedError as error:
                if error.status != HTTPStatus.UNAUTHORIZED or renewed:
                    raise
            await self.sign_out()
            await self.sign_in()
        raise AssertionError  # the second time returns or raises

    async def get_json(self, path: str) -> Any:
        """Return a small answer, decoded.

        Raises ApplianceError if it is not JSON, otherwise as `get`.
        """
        return (await self.get(path)).json()

    async def sign_in(self) -> None:
        """Sign in on `/api`, or on `/rest` if the appliance has no `/api`. Raises ApplianceError.

        RefusedError with status 401 means that user or password are wrong; each one counts towards
        the lockout of the account.
        """
        await _undisturbed(self._sign_in())

    async def sign_out(self) -> None:
        """End the session if the appliance allows it; otherwise it expires by itself.

        A failure is ignored: what was fetched before is as good as with an orderly end.
        """
        await _undisturbed(self._sign_out())

    async def _sign_in(self) -> None:
        """Get a token: from `/api`, or from `/rest` if the appliance does not know `/api/session`.

        The token must be printable, since it becomes the value of a header.
        """
        try:
            reply = await self._post(API)
        except RefusedError as error:
            if error.status not in _UNKNOWN:
                raise _of_login(error) from error
            try:
                reply = await self._post(REST)
            except RefusedError as second:
                raise _of_login(second) from second
        self.ahead = reply.ahead
        answer = reply.json()
        # A string on `/api`, and below `value` on `/rest`.
        token = answer.get("value") if isinstance(answer, dict) else answer
        if not isinstance(token, str) or not token or not token.isprintable():
            raise ApplianceError("unexpected answer to the login: it has no session token")
        self._token = token
        # It may stand in an error that the appliance sends back.
        self._secrets.append(token)

    async def _post(self, api: Api) -> Reply:
        """Create a session on one of the APIs, and remember which one has to end it."""
        reply = await self.connection.request("POST", api.session, headers=self._credentials)
        self._signed_in_on = api
        # Without `/api/session`, all requests go to `/rest`.
        if api is REST:
            self.api = REST
        return reply

    async def _sign_out(self) -> None:
        """Delete the session, and forget its token first: a second call then does nothing."""
        token, self._token = self._token, ""
        if token:
            with suppress(ApplianceError):
                reply = await self.connection.request(
                    "DELETE",
                    self._signed_in_on.session,
                    headers={_TOKEN_HEADER: token},
                    attempts=2,
                )
                reply.body.close()

    def without_secrets(self, text: str) -> str:
        """Return a text, which may quote the appliance, with passwords and tokens replaced.

        Secrets are the password, its Basic credentials, and every token of the session so far.
        """
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


async def _undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Finish signing in or out before a cancellation, for at most GRACE seconds.

    Otherwise a session would stay open on the appliance.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=GRACE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # wait until its connection is closed
        raise


def _of_login(error: RefusedError) -> ApplianceError:
    """Return the error for a refused login; of status 401 with advice on the password."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return RefusedError(
            f"user name or password refused ({error.said})",
            "check both, and whether the account is locked",
            status=error.status,
            said=error.said,
        )
    return error


@asynccontextmanager
async def signed_in(
    connection: Connection,
    user: str,
    password: str,
    admitted: AbstractAsyncContextManager[None] | None = None,
) -> AsyncIterator[Session]:
    """Sign in within `admitted`, and always sign out. Raises ApplianceError without secrets in its text.

    On the way out there are GRACE seconds for signing out, even if the deadline has passed.
    `admitted` is left as soon as the login has been answered: it counts logins, not sessions.
    """
    session = Session(connection, user, password)
    try:
        async with admitted or nullcontext():
            await session.sign_in()
        yield session
    except ApplianceError as error:
        error.reason = session.without_secrets(error.reason)
        # Also what `repr` and a log of the exception would show.
        error.args = (error.reason,)
        raise
    finally:
        connection.allow(GRACE)
        await session.sign_out()
