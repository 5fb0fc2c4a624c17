from __future__ import annotations

import socket
import threading
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any

import pytest

from archive.config.settings import NONE, SECURITY, STARTTLS, TLS, Mail, Secret
from archive.errors import ArchiveError, ConfigurationError, MailError
from archive.mail import post
from tests.support.mailserver import PASSWORD, USER, MailServer
from tests.vcenter_server.certificates import Authority, self_signed

if TYPE_CHECKING:
    from pathlib import Path

FROM = "archive@example.com"
TO = ("ops@example.com", "audit@example.com")
SECRET = Secret(value=PASSWORD)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Give a CA that the tests trust."""
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    """Give the CA's certificate."""
    path = tmp_path / "ca.pem"
    authority.write(path)
    return path


def letter() -> EmailMessage:
    """Return a mail with 8-bit text and a line that is a single dot."""
    message = EmailMessage(SMTP)
    message["Subject"], message["From"], message["To"] = "sübject", FROM, ", ".join(TO)
    message.set_content("ä\n.\n..\n", cte="quoted-printable")
    return message


def to(server: MailServer, **fields: Any) -> Mail:
    """Return the mail section of a configuration for a server."""
    security = STARTTLS if server.starttls else TLS if server.tls else NONE
    given = {"server": "127.0.0.1", "port": server.port, "security": security, "sender": FROM}
    return Mail(**{**given, **fields})


def refused(mail: Mail, password: str | None = None) -> str:
    """Try to send, and return the error, which must not contain the password."""
    with pytest.raises(ArchiveError) as error:
        post.send(letter(), mail, TO, password)
    said = str(error.value)
    assert PASSWORD not in said
    assert said.isprintable()
    if isinstance(error.value, MailError):
        start = f"mail server {mail.address}: "
        assert said.startswith(start)
        return said.removeprefix(start)
    assert isinstance(error.value, ConfigurationError)
    return said


@pytest.mark.parametrize("security", SECURITY)
def test_mail_arrives_unchanged(security: str, authority: Authority, ca_file: Path) -> None:
    """It arrives byte for byte, for all recipients, protected as configured."""
    context: Any = authority.issue().context
    with MailServer(**({} if security == NONE else {security: context})) as server:
        mail = to(server, ca_file=None if security == NONE else ca_file)
        message = letter()
        assert post.send(message, mail, TO) == {}
    (came,) = server.mails
    assert (came.sender, came.recipients) == (FROM, list(TO))
    assert came.content == message.as_bytes()
    assert (came.protected, came.user) == (security != NONE, None)


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_login(security: str, authority: Authority, ca_file: Path) -> None:
    """User and password come from the configuration, and are sent over TLS."""
    context: Any = authority.issue().context
    with MailServer(**{security: context}, logins=True) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        post.send(letter(), mail, TO, PASSWORD)
    (came,) = server.mails
    assert (came.protected, came.user) == (True, USER)


def test_refused_login(authority: Authority, ca_file: Path) -> None:
    """The server's words are shown, unless they contain the password in any form."""
    with MailServer(starttls=authority.issue().context, logins=True) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        said = refused(mail, "wrong")
        assert said.startswith(f"login of {USER} refused (535 5.7.8 Authentication cred")
        assert "check user and secret" in said
        server.to_login = "535 no: {}"
        assert f"login of {USER} refused (535);" in refused(mail, "wr0ng password")
    assert server.mails == []


def test_password_echoed_by_the_server_is_hidden() -> None:
    """A password is recognised in clear, and in its SMTP encodings."""
    plain = "AHUAcGFzcw=="  # as a client sends it
    assert plain.encode() in post._forms("u", "pass")
    assert b"cGFzcw==" in post._forms("u", "pass")


def test_server_without_logins(authority: Authority, ca_file: Path) -> None:
    """No login is tried if the server does not offer it."""
    with MailServer(starttls=authority.issue().context) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        assert refused(mail, PASSWORD).startswith(
            "the server does not offer login by password; remove"
        )
    assert server.mails == []


def test_password_that_smtp_cannot_carry() -> None:
    """The error comes before any connection, and without the password."""
    mail = Mail(server="127.0.0.1", port=1, security=TLS, sender=FROM, user=USER, secret=SECRET)
    assert refused(mail, "pässword") == (
        "[mail]: user and secret must be ASCII: SMTP logins allow no other characters"
    )


def test_missing_starttls_is_an_error() -> None:
    """If STARTTLS is not offered nothing is sent: an attacker may have removed it."""
    with MailServer() as server:
        said = refused(to(server, security=STARTTLS))
    assert said.startswith("the server does not offer STARTTLS; if it expects TLS")
    assert server.mails == []


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_certificates(security: str, authority: Authority, ca_file: Path) -> None:
    """The certificate must be trusted, for this name and valid now; each refusal has advice."""
    cases = {
        authority.expired: "the certificate has expired; ",
        authority.misnamed: "the certificate is for another name; ",
        self_signed: "the certificate is not trusted (self-signed certificate); in [mail], set",
    }
    for issue, start in cases.items():
        context: Any = issue().context
        with MailServer(**{security: context}) as server:
            assert refused(to(server, ca_file=ca_file)).startswith(start)
        assert server.mails == []
    context = authority.issue().context
    with MailServer(**{security: context}) as server:  # by the system's store
        assert refused(to(server)).startswith("the certificate is not trusted (")


def test_invalid_ca_file(tmp_path: Path) -> None:
    """A CA file is read before any connection."""
    path = tmp_path / "ca.pem"
    mail = Mail(server="127.0.0.1", port=1, security=TLS, sender=FROM, ca_file=path)
    assert refused(mail) == f"{path}: cannot read the file: No such file or directory"
    path.write_text("no certificate")
    assert refused(mail) == f"{path}: no certificate in PEM format found"


def test_wrong_kind_of_tls(
    authority: Authority, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Implicit TLS with a STARTTLS server, and the other way round."""
    context = authority.issue().context
    with MailServer(starttls=context) as server:
        said = refused(to(server, security=TLS, ca_file=ca_file))
        assert said.startswith("TLS error (")
        assert 'port 587 usually needs "starttls"' in said
    monkeypatch.setattr(post, "_SECONDS", 0.5)
    with MailServer(tls=context) as server:
        said = refused(to(server, security=STARTTLS, ca_file=ca_file))
        assert said.startswith("no reply within 0.5 s; ")
        assert 'Port 465 needs security = "tls"' in said


def test_server_that_sends_no_greeting_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts the connection without a greeting is an error after a while."""
    monkeypatch.setattr(post, "_SECONDS", 0.2)
    with MailServer(silent=True) as server:
        assert refused(to(server)).startswith("no reply within 0.2 s; check")


def test_unreachable_server() -> None:
    """A closed port, and a name that does not resolve."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        mail = Mail(server="127.0.0.1", port=bound.getsockname()[1], security=NONE, sender=FROM)
        assert refused(mail).startswith("connection refused; check `server` and `port`")
    mail = Mail(server="nowhere.invalid", port=25, security=NONE, sender=FROM)
    assert refused(mail) == "cannot resolve the name; check `server` and the DNS"


def test_lost_connection() -> None:
    """A connection that ends in the middle is reported as lost."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.close()

        closing = threading.Thread(target=hang_up)
        closing.start()
        port = listening.getsockname()[1]
        mail = Mail(server="127.0.0.1", port=port, security=NONE, sender=FROM)
        assert refused(mail) == (
            "the server closed the connection; check `server`, `port` and `security`"
        )
        closing.join()


def test_refused_mail() -> None:
    """If the sender, the content or every recipient is refused, nobody gets the mail."""
    with MailServer(to_sender="550 5.7.1 who\x1b[31m?") as server:
        assert refused(to(server)).startswith(f"sender {FROM} refused (550 5.7.1 who [31m?)")
    with MailServer(to_content="554 5.7.1 spam") as server:
        assert refused(to(server)) == "mail refused (554 5.7.1 spam)"
    with MailServer(refused=dict.fromkeys(TO, "550 5.1.1 unknown")) as server:
        assert refused(to(server)) == (
            "all recipients refused (ops@example.com: 550 5.1.1 unknown; audit@example.com:"
            " 550 5.1.1 unknown); check `to`, and whether the server relays for you"
        )


def test_some_recipients_are_refused() -> None:
    """The other recipients get the mail, and the refused ones are reported."""
    with MailServer(refused={TO[1]: "550 5.1.1 unknown"}) as server:
        assert post.send(letter(), to(server), TO) == {TO[1]: "550 5.1.1 unknown"}
    assert [mail.recipients for mail in server.mails] == [[TO[0]]]
