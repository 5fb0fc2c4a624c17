from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.errors import NotificationError
from archive.monitoring.plugin import Level
from archive.notify.notification import Notification
from archive.notify.send import send
from tests.support.webhooks import Webhooks
from tests.vcenter_server.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

SECRET, TOKEN = "passw0rd-of-it", "T0KEN-in-path"


def message(level: Level = Level.CRITICAL) -> Notification:
    return Notification("vCenter <backups>: ä", "CRITICAL vc1: *no* success\n\nNow: 1 OK.", level)


def url(server: Webhooks, scheme: str = "json") -> str:
    return f"{scheme}://user:{SECRET}@localhost:{server.port}/{TOKEN}"


def refused(address: str, ca_file: Path | None = None) -> str:
    """Try to send, and return the error, which must not contain a part of the URL."""
    with pytest.raises(NotificationError) as error:
        send(message(), address, ca_file)
    said = str(error.value)
    assert SECRET not in said
    assert TOKEN not in said
    assert said.isprintable()
    return said


@pytest.mark.parametrize(
    ("level", "kind"),
    [
        (Level.CRITICAL, "failure"),
        (Level.UNKNOWN, "failure"),
        (Level.WARNING, "warning"),
        (Level.OK, "success"),
    ],
)
def test_notification_arrives_as_written(level: Level, kind: str) -> None:
    """Text stays text; the service learns whether the news are good or bad."""
    with Webhooks() as server:
        send(message(level), url(server))
    (came,) = server.came
    assert (came["title"], came["message"], came["type"]) == (*message()[:2], kind)
    assert server.paths == [f"/{TOKEN}"]


@pytest.mark.parametrize("status", [302, 401, 404, 500])
def test_refusal_is_an_error_without_secrets(
    status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """A redirect is a refusal, too: it would turn the POST into a GET."""
    with Webhooks() as server:
        server.status = status
        assert f"error={status}" in refused(url(server))
    assert capfd.readouterr() == ("", "")


def test_closed_port_is_an_error_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    with Webhooks() as server:
        address = url(server)
    assert refused(address) == "A Connection error occurred sending JSON notification to ***"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "address", [f"https:/{SECRET}", f"nonsense://{SECRET}", f"slack://{TOKEN}"]
)
def test_unusable_url_is_an_error_without_secrets(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert refused(address).startswith("the URL is not one of Apprise's")
    assert capfd.readouterr() == ("", "")


def test_reason_hides_every_part_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some services have a secret where others have a host."""

    def fail(self: Any, *_: Any, **__: Any) -> bool:
        self.logger.warning("no %s, %s or\n%s at hooks.example.com", SECRET, TOKEN, "x" * 500)
        return False

    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.send", fail)
    said = refused(f"json://user:{SECRET}@hooks.example.com/{TOKEN}")
    assert said.startswith("no ***, *** or xxx")
    assert len(said) == 200


def test_certificate_is_verified(tmp_path: Path) -> None:
    """The system's certificates count, or those of `ca_file`."""
    authority, ca_file = Authority(), tmp_path / "ca.pem"
    authority.write(ca_file)
    context: Any = authority.issue().context
    with Webhooks(context) as server:
        refused(url(server, "jsons"))
        assert server.came == []
        send(message(), url(server, "jsons"), ca_file)
        assert len(server.came) == 1
        said = refused(url(server, "jsons"), tmp_path / "missing.pem")
    assert said == f"{tmp_path}/missing.pem: no such file; check ca_file"
