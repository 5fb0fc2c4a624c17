from __future__ import annotations

import socket
import threading
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any

import pytest

from archive.config.entries import NONE, SECURITY, STARTTLS, TLS, Mail, Secret
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
    """Give an authority that the tests trust."""
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    """Give its certificate."""
    path = tmp_path / "ca.pem"
    authority.write(path)
    return path


def letter() -> EmailMessage:
    """A mail that needs more than seven bits, and has a line that is a dot."""
    message = EmailMessage(SMTP)
    message["Subject"], message["From"], message["To"] = "sübject", FROM, ", ".join(TO)
    message.set_content("ä\n.\n..\n", cte="quoted-printable")
    return message


def to(server: MailServer, **fields: Any) -> Mail:
    """What a configuration says of a server."""
    security = STARTTLS if server.starttls else TLS if server.tls else NONE
    given = {"server": "127.0.0.1", "port": server.port, "security": security, "sender": FROM}
    return Mail(**{**given, **fields})


def refused(mail: Mail, password: str | None = None) -> str:
    """Try to send, and return what is said of the failure, which is no password."""
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
def test_a_mail_arrives(security: str, authority: Authority, ca_file: Path) -> None:
    """It arrives byte for byte, for all recipients, protected as the configuration says."""
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
def test_a_login(security: str, authority: Authority, ca_file: Path) -> None:
    """User and password are those of the configuration, and go over TLS."""
    context: Any = authority.issue().context
    with MailServer(**{security: context}, logins=True) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        post.send(letter(), mail, TO, PASSWORD)
    (came,) = server.mails
    assert (came.protected, came.user) == (True, USER)


def test_a_login_that_is_refused(authority: Authority, ca_file: Path) -> None:
    """The server's words are shown, unless the password is in them, in whichever form."""
    with MailServer(starttls=authority.issue().context, logins=True) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        said = refused(mail, "wrong")
        assert said.startswith(f"login of {USER} refused (535 5.7.8 Authentication cred")
        assert "check user and secret" in said
        server.to_login = "535 no: {}"
        assert f"login of {USER} refused (535);" in refused(mail, "wr0ng password")
    assert server.mails == []


def test_what_a_server_repeats_of_a_login() -> None:
    """A password is known again as it is, and as SMTP encodes it."""
    plain = "AHUAcGFzcw=="  # as a client sends it
    assert plain.encode() in post._forms("u", "pass")
    assert b"cGFzcw==" in post._forms("u", "pass")


def test_a_server_without_logins(authority: Authority, ca_file: Path) -> None:
    """A login that is not offered is not tried."""
    with MailServer(starttls=authority.issue().context) as server:
        mail = to(server, user=USER, secret=SECRET, ca_file=ca_file)
        assert refused(mail, PASSWORD).startswith(
            "the server does not offer login by password; remove"
        )
    assert server.mails == []


def test_a_password_that_the_protocol_cannot_carry() -> None:
    """It is said before anything is connected to, and without the password."""
    mail = Mail(server="127.0.0.1", port=1, security=TLS, sender=FROM, user=USER, secret=SECRET)
    assert refused(mail, "pässword") == (
        "[mail]: user and secret must be ASCII: SMTP logins allow no other characters"
    )


def test_starttls_is_not_given_up() -> None:
    """Where it is not offered nothing is sent: somebody on the way may have taken it away."""
    with MailServer() as server:
        said = refused(to(server, security=STARTTLS))
    assert said.startswith("the server does not offer STARTTLS; if it expects TLS")
    assert server.mails == []


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_certificates(security: str, authority: Authority, ca_file: Path) -> None:
    """Only one that is trusted, for this name and valid now is; each refusal says what to do."""
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


def test_files_that_are_no_certificates(tmp_path: Path) -> None:
    """A CA file is read before anything is connected to."""
    path = tmp_path / "ca.pem"
    mail = Mail(server="127.0.0.1", port=1, security=TLS, sender=FROM, ca_file=path)
    assert refused(mail) == f"{path}: cannot read the file: No such file or directory"
    path.write_text("no certificate")
    assert refused(mail) == f"{path}: no certificate in PEM format found"


def test_tls_of_the_wrong_kind(
    authority: Authority, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS at once with a server that speaks first, and the other way round."""
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


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that accepts the connection and does not greet is not waited for forever."""
    monkeypatch.setattr(post, "_SECONDS", 0.2)
    with MailServer(silent=True) as server:
        assert refused(to(server)).startswith("no reply within 0.2 s; check")


def test_no_server() -> None:
    """A port where nobody listens, and a name that nobody has."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        mail = Mail(server="127.0.0.1", port=bound.getsockname()[1], security=NONE, sender=FROM)
        assert refused(mail).startswith("connection refused; check `server` and `port`")
    mail = Mail(server="nowhere.invalid", port=25, security=NONE, sender=FROM)
    assert refused(mail) == "cannot resolve the name; check `server` and the DNS"


def test_a_server_that_breaks_off() -> None:
    """A connection that ends in the middle is told as one."""
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


def test_what_a_server_refuses() -> None:
    """The sender, the content, every recipient: nobody gets it."""
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
    """The others get it, and who does not is told."""
    with MailServer(refused={TO[1]: "550 5.1.1 unknown"}) as server:
        assert post.send(letter(), to(server), TO) == {TO[1]: "550 5.1.1 unknown"}
    assert [mail.recipients for mail in server.mails] == [[TO[0]]]
