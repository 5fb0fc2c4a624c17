"""Mail handed to a server: verified TLS, unless the configuration renounces it, and never downgraded."""

from __future__ import annotations

import base64
import os
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from archive.config.entries import NONE, STARTTLS, TLS
from archive.errors import ConfigurationError, MailError
from archive.text import printable

if TYPE_CHECKING:
    from email.message import EmailMessage

    from archive.config.entries import Mail

# How long the server may take for a connection, and for each answer.
_SECONDS = 30
# Not CRAM-MD5: over TLS it protects nothing, and machines under FIPS have no MD5.
_LOGINS = frozenset({"PLAIN", "LOGIN"})
# What OpenSSL calls them: X509_V_ERR_...
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)


def send(
    message: EmailMessage, mail: Mail, recipients: tuple[str, ...], password: str | None = None
) -> dict[str, str]:
    """Hand a message to the server; return the recipients that it refused, each with its reason.

    A password is needed where `mail` has a user. Raises MailError if nobody gets it, with what to
    do, and ConfigurationError for a CA file or a password that is of no use.
    """
    context = None if mail.security == NONE else _context(mail)
    if password is not None and not f"{mail.user}{password}".isascii():
        raise ConfigurationError("[mail]: user and secret must be ASCII to log in by SMTP")
    try:
        with closing(_connected(mail, context)) as server:
            if mail.security == STARTTLS:
                _start_tls(server, mail, context)
            if mail.user is not None and password is not None:
                _log_in(server, mail, mail.user, password)
            refused = server.send_message(message, mail.sender, recipients)
            # The mail is the server's already: how it says good-bye does not matter.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except OSError as error:  # which an SMTPException is, too
        raise MailError(f"mail server {mail.address}: {_explained(error, mail)}") from error
    return {name: _said(*answer) for name, answer in refused.items()}


def _context(mail: Mail) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=mail.ca_file)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{mail.ca_file} holds no certificates in PEM form") from error
    except OSError as error:
        raise ConfigurationError(f"{mail.ca_file} cannot be read: {error.strerror}") from error


def _connected(mail: Mail, context: ssl.SSLContext | None) -> smtplib.SMTP:
    if mail.security == TLS:
        return smtplib.SMTP_SSL(mail.server, mail.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(mail.server, mail.port, timeout=_SECONDS)


def _start_tls(server: smtplib.SMTP, mail: Mail, context: ssl.SSLContext | None) -> None:
    """Protect the connection, or raise MailError: nothing is sent over one that is not."""
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("starttls"):
        raise MailError(
            f'mail server {mail.address}: it offers no STARTTLS; write security = "tls" if it speaks'
            " TLS at once, as on port 465"
        )
    server.starttls(context=context)


def _log_in(server: smtplib.SMTP, mail: Mail, user: str, password: str) -> None:
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    known = _LOGINS.intersection(offered)
    if not known:
        others = f" but {printable(', '.join(offered))}" if offered else ""
        raise MailError(
            f"mail server {mail.address}: it takes no login with a password{others}; leave out user"
            " and secret, or use a server or port that does"
        )
    server.esmtp_features["auth"] = " ".join(known)
    refused = None
    try:
        server.login(user, password)
    except smtplib.SMTPResponseException as error:
        reply = _bytes(error.smtp_error)
        hidden = any(form in reply for form in _forms(user, password))
        refused = str(error.smtp_code) if hidden else _said(error.smtp_code, reply)
    if refused is not None:
        raise MailError(
            f"mail server {mail.address}: it refuses the login of {user} ({refused}); check user and"
            " secret, and that the account may log in by SMTP"
        )


def _forms(user: str, password: str) -> list[bytes]:
    """Return what a server would have in its answer if it repeated a login."""
    plain = f"\0{user}\0{password}".encode()
    return [password.encode(), base64.b64encode(password.encode()), base64.b64encode(plain)]


def _explained(error: OSError, mail: Mail) -> str:
    """Return what a failure means, and what to do."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        each = "; ".join(f"{name}: {_said(*said)}" for name, said in error.recipients.items())
        return f"it refuses every recipient ({each}); check `to`, and whether it relays for you"
    if isinstance(error, smtplib.SMTPSenderRefused):
        said = _said(error.smtp_code, error.smtp_error)
        return f"it refuses the sender {mail.sender} ({said}); check `from`, or log in"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return (
            f"it did not answer for {_SECONDS} s; is it up, does a firewall drop it? Port 465 wants"
            ' security = "tls"'
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection; check `server`, `port` and `security`"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it refuses the mail ({_said(error.smtp_code, error.smtp_error)})"
    if isinstance(error, smtplib.SMTPException):
        return printable(str(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error)
    if isinstance(error, ssl.SSLError):
        reason = printable(error.reason or str(error))
        return (
            f"it does not speak TLS as it should ({reason}); port 587 wants security ="
            ' "starttls", port 465 "tls"'
        )
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved; check `server`, and the DNS"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses the connection; check `server` and `port`, and whether it is up"
    known = os.strerror(error.errno) if error.errno else str(error)
    return f"the connection failed: {printable(known)}"


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "its certificate has expired; renew it there"
    if error.verify_code == _NOT_YET:
        return "its certificate is not valid yet; check the clocks of both machines"
    if error.verify_code in _OTHER_NAME:
        return "its certificate is for another name; write a name that it has as `server`"
    return (
        f"its certificate is not trusted ({printable(error.verify_message)}); write the root"
        " certificate of who issued it as `ca_file` into [mail]"
    )


def _said(code: int, reply: bytes | str) -> str:
    """Return a server's own words in one short line."""
    return f"{code} {printable(_bytes(reply).decode(errors='replace'))}".rstrip()


def _bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode(errors="replace")
