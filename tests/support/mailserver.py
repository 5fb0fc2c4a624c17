"""A mail server on the loopback, which keeps mails and refuses them on demand."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from aiosmtpd.smtp import Envelope, LoginPassword, Session

USER = "archive@example.com"
# With an apostrophe and a colon, which have a meaning elsewhere.
PASSWORD = "s3cret: it's mine"  # noqa: S105 - of nothing


class Mail(NamedTuple):
    """A mail and its recipients; `protected`: received over TLS; `user`: the user who logged in."""

    sender: str
    recipients: list[str]
    content: bytes
    protected: bool
    user: str | None


@dataclass
class MailServer:
    """A server: STARTTLS with `starttls`, TLS at once with `tls`, otherwise without TLS.

    `refused` has answers to recipients, by address; `to_sender` and `to_content` refuse what they
    are named after; so does `to_login`, with the login in place of `{}`. A `silent` server
    accepts connections and sends nothing.
    """

    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    logins: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    to_sender: str = "250 OK"
    to_content: str = "250 OK"
    to_login: str = "535 5.7.8 Authentication credentials invalid"
    silent: bool = False
    mails: list[Mail] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self.tls)

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        await asyncio.sleep(0)  # the iteration of the loop in which transports close

    def _protocol(self) -> asyncio.BaseProtocol:
        if self.silent:
            return asyncio.Protocol()
        return SMTP(
            self,
            hostname="mail.example.com",
            loop=self._loop,
            tls_context=self.starttls,
            require_starttls=self.starttls is not None,
            # This server does not know about implicit TLS: it would offer no login.
            auth_require_tls=self.tls is None,
            auth_exclude_mechanism=() if self.logins else ("LOGIN", "PLAIN"),
            authenticator=self._judge,
        )

    def _judge(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        mechanism: str,
        data: LoginPassword,
    ) -> AuthResult:
        del server, session, envelope, mechanism
        if (data.login, data.password) == (USER.encode(), PASSWORD.encode()):
            return AuthResult(success=True, auth_data=data)
        words = self.to_login.format(data.password.decode())
        return AuthResult(success=False, handled=False, message=words)

    async def handle_MAIL(  # noqa: N802 - its name is the command's
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer to a sender."""
        del server, session
        if self.to_sender.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.to_sender

    async def handle_RCPT(  # noqa: N802 - its name is the command's
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        del server, session, options
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - its name is the command's
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Keep a mail, or refuse it."""
        del server
        login = session.auth_data
        protected = self.tls is not None or session.ssl is not None
        if self.to_content.startswith("250"):
            self.mails.append(
                Mail(
                    envelope.mail_from,
                    list(envelope.rcpt_tos),
                    envelope.original_content,
                    protected,
                    None if login is None else login.login.decode(),
                )
            )
        return self.to_content
