"""Send mail by SMTP, with verified TLS unless the configuration turns it off; never downgraded."""

from __future__ import annotations

import base64
import os
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from archive.config.settings import NONE, STARTTLS, TLS
from archive.errors import ConfigurationError, MailError
from archive.text import printable

if TYPE_CHECKING:
    from email.message import EmailMessage

    from archive.config.settings import Mail

# Seconds, for the connection and for each reply.
_SECONDS = 30
# Not CRAM-MD5: it adds nothing over TLS, and FIPS mode disables MD5.
_LOGINS = frozenset({"PLAIN", "LOGIN"})
# OpenSSL's verify codes X509_V_ERR_...
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)


def send(
    message: EmailMessage, mail: Mail, recipients: tuple[str, ...], password: str | None = None
) -> dict[str, str]:
    """Send a message; return the recipients that the server refused, each with the reason.

    `password` is required if `mail` has a user. Raises MailError, with advice, if the server accepts
    no recipient, and ConfigurationError for an unusable CA file or password.

    It waits for the server, at most 30 seconds for each reply. `recipients` are those of the
    envelope; the message names them in `To`. A refusal of some is no error, since the others have
    the mail.
    """
    context = None if mail.security == NONE else _context(mail)
    if password is not None and not f"{mail.user}{password}".isascii():
        raise ConfigurationError(
            "[mail]: user and secret must be ASCII: SMTP logins allow no other characters"
        )
    try:
        with closing(_connected(mail, context)) as server:
            if mail.security == STARTTLS:
                _start_tls(server, mail, context)
            if mail.user is not None and password is not None:
                _log_in(server, mail, mail.user, password)
            refused = server.send_message(message, mail.sender, recipients)
            # The server has accepted the mail; errors after that do not matter.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except OSError as error:  # includes SMTPException
        raise MailError(f"mail server {mail.address}: {_explained(error, mail)}") from error
    return {name: _shown(*reply) for name, reply in refused.items()}


def _context(mail: Mail) -> ssl.SSLContext:
    """Return the TLS settings: chain, validity and name are checked.

    Issuers are those of `ca_file`, or of the system's store. Raises ConfigurationError for a bad
    file.
    """
    try:
        return ssl.create_default_context(cafile=mail.ca_file)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{mail.ca_file}: no certificate in PEM format found") from error
    except OSError as error:
        raise ConfigurationError(
            f"{mail.ca_file}: cannot read the file: {error.strerror}"
        ) from error


def _connected(mail: Mail, context: ssl.SSLContext | None) -> smtplib.SMTP:
    """Return a connection; with the security `tls` it is encrypted before anything is said."""
    if mail.security == TLS:
        return smtplib.SMTP_SSL(mail.server, mail.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(mail.server, mail.port, timeout=_SECONDS)


def _start_tls(server: smtplib.SMTP, mail: Mail, context: ssl.SSLContext | None) -> None:
    """Start TLS on the connection. Raises MailError if the server does not offer it."""
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("starttls"):
        raise MailError(
            f"mail server {mail.address}: the server does not offer STARTTLS; if it expects TLS from"
            ' the start, as on port 465, set security = "tls"'
        )
    server.starttls(context=context)


def _log_in(server: smtplib.SMTP, mail: Mail, user: str, password: str) -> None:
    """Log in by password. Raises MailError without the password in its text."""
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    known = _LOGINS.intersection(offered)
    if not known:
        others = f", only {printable(', '.join(offered))}" if offered else ""
        raise MailError(
            f"mail server {mail.address}: the server does not offer login by password{others}; remove"
            " user and secret, or use another server or port"
        )
    # smtplib would otherwise try others first, and report the failure of the last one.
    server.esmtp_features["auth"] = " ".join(known)
    refused = None
    try:
        server.login(user, password)
    except smtplib.SMTPResponseException as error:
        reply = _bytes(error.smtp_error)
        hidden = any(form in reply for form in _forms(user, password))
        refused = str(error.smtp_code) if hidden else _shown(error.smtp_code, reply)
    if refused is not None:
        raise MailError(
            f"mail server {mail.address}: login of {user} refused ({refused}); check user and secret,"
            " and that the account may log in by SMTP"
        )


def _forms(user: str, password: str) -> list[bytes]:
    """Return the forms of a password that a server could repeat in its reply."""
    plain = f"\0{user}\0{password}".encode()
    return [password.encode(), base64.b64encode(password.encode()), base64.b64encode(plain)]


def _explained(error: OSError, mail: Mail) -> str:
    """Return the cause of a failure, with advice."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        each = "; ".join(f"{name}: {_shown(*reply)}" for name, reply in error.recipients.items())
        return f"all recipients refused ({each}); check `to`, and whether the server relays for you"
    if isinstance(error, smtplib.SMTPSenderRefused):
        reply = _shown(error.smtp_code, error.smtp_error)
        return f"sender {mail.sender} refused ({reply}); check `from`, or set user and secret"
    # smtplib wraps a timeout in other errors.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return (
            f"no reply within {_SECONDS} s; check that the server is up and no firewall blocks it."
            ' Port 465 needs security = "tls"'
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the server closed the connection; check `server`, `port` and `security`"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"mail refused ({_shown(error.smtp_code, error.smtp_error)})"
    if isinstance(error, smtplib.SMTPException):
        return printable(str(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error)
    if isinstance(error, ssl.SSLError):
        reason = printable(error.reason or str(error))
        return (
            f"TLS error ({reason}); check `security`: port 587 usually needs"
            ' "starttls", port 465 "tls"'
        )
    if isinstance(error, socket.gaierror):
        return "cannot resolve the name; check `server` and the DNS"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; check `server` and `port`, and that the server is up"
    known = os.strerror(error.errno) if error.errno else str(error)
    return f"connection failed: {printable(known)}"


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    """Return why the server's certificate is not trusted, by OpenSSL's code, with advice."""
    if error.verify_code == _EXPIRED:
        return "the certificate has expired; renew it on the server"
    if error.verify_code == _NOT_YET:
        return "the certificate is not valid yet; check the clocks of both machines"
    if error.verify_code in _OTHER_NAME:
        return "the certificate is for another name; set `server` to a name in the certificate"
    return (
        f"the certificate is not trusted ({printable(error.verify_message)}); in [mail], set `ca_file`"
        " to the root certificate of its issuer"
    )


def _shown(code: int, reply: bytes | str) -> str:
    """Return a server's reply as one short line."""
    return f"{code} {printable(_bytes(reply).decode(errors='replace'))}".rstrip()


def _bytes(reply: bytes | str) -> bytes:
    """Return a reply as bytes; smtplib gives either."""
    return reply if isinstance(reply, bytes) else reply.encode(errors="replace")
