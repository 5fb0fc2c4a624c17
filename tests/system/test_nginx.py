"""`archive serve` behind nginx, with the configuration that the documentation shows."""

from __future__ import annotations

import base64
import gzip
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import pytest
import trustme

from tests.reports import nights
from tests.support.command import archive, at
from tests.support.configurations import DEFAULTS, written
from tests.support.served import Answer, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

    from sqlalchemy.engine import Engine

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Set where tests must not be skipped for lack of nginx.
REQUIRED = "ARCHIVE_TEST_NGINX_REQUIRED"
pytestmark = pytest.mark.skipif(
    NGINX is None and not os.environ.get(REQUIRED),
    reason=f"no nginx is on the PATH, and ${REQUIRED} is not set",
)
PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
(DOCUMENTED,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
(BELOW,) = re.findall(r"`(location /backups/ \{.*?\})`", PAGE, re.DOTALL)
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""
USER, PASSWORD, TOKEN = "auditor", "of-the-proxy", "0123456789abcdef"
LOGIN = {"Authorization": f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}


class Proxy(NamedTuple):
    """A running proxy: its address, which ends in a slash, and who vouches for its certificate."""

    url: str
    trusted: ssl.SSLContext

    def get(self, path: str = "", method: str = "GET", **headers: str) -> Answer:
        """Return the answer to a request of a user who has logged in."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(path, method, LOGIN | named)

    def ask(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a request as it is."""
        request = urllib.request.Request(self.url + path, headers=dict(headers), method=method)  # noqa: S310 - of the loopback
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.trusted))
        try:
            with opener.open(request) as answer:
                return Answer(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def proxied(url: str, *changes: tuple[str, str]) -> Iterator[Proxy]:
    """Run nginx as documented before a server, with changes of the text."""
    listen = _free_port()
    with tempfile.TemporaryDirectory(prefix="archive-nginx-") as name:
        folder = Path(name)
        authority = trustme.CA()
        issued = authority.issue_cert("archive.example.com", "localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(folder / "archive.pem")
        issued.private_key_pem.write_to_path(folder / "archive.key")
        (folder / "archive-users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        server = DOCUMENTED
        for old, new in changes:
            assert old in server
            server = server.replace(old, new)
        for old, new in (
            ("listen 443", f"listen 127.0.0.1:{listen}"),
            ("/etc/nginx", str(folder)),
            ("http://127.0.0.1:8080", url.rstrip("/")),
        ):
            assert old in server
            server = server.replace(old, new)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, server=server))
        if os.geteuid() == 0:  # its workers are another user's
            user = pwd.getpwnam("nobody")
            for path in (folder, *folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
        assert NGINX
        command = [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            try:
                _wait_for(listen, running)
                trusted = ssl.create_default_context()
                authority.configure_trust(trusted)
                yield Proxy(f"https://localhost:{listen}/", trusted)
            finally:
                running.terminate()
                running.communicate()


def _wait_for(port: int, running: subprocess.Popen[str]) -> None:
    for _ in range(200):
        if running.poll() is not None:
            raise AssertionError(running.communicate()[1])
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not listen")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the option that names a configuration without a token."""
    return f"--config={written(tmp_path_factory.mktemp('config'), DEFAULTS)}"


@pytest.fixture(scope="module")
def filled(sqlite_archive: Engine) -> Engine:
    """Give an archive of three appliances."""
    nights.load(sqlite_archive)
    return sqlite_archive


@pytest.fixture(scope="module")
def proxy(filled: Engine, config: str) -> Iterator[Proxy]:
    """Give a proxy as documented."""
    with served(at(filled), config) as server, proxied(server.url) as running:
        yield running


def test_only_users_of_the_proxy_may_read(proxy: Proxy) -> None:
    for path in ("", "reports/rpo.csv", "metrics", "healthz"):
        assert proxy.ask(path, "GET", {}).status == 401
        assert proxy.get(path).status == 200


def test_reports_are_those_of_the_command(proxy: Proxy, filled: Engine, config: str) -> None:
    """Byte for byte, also a report that is larger than nginx's buffers."""
    options = ("--since", "1900-01-01", "--until", "2026-12-31", "--now", nights.NOW)
    command = archive("report", "compliance", at(filled), config, *options, "--format", "csv")
    query = f"since=1900-01-01&until=2026-12-31&now={nights.NOW}"
    found = proxy.get(f"reports/compliance.csv?{query}")
    assert found.status == 200
    assert found.text == command.out
    page = proxy.get()
    assert len(page.body) > 100_000
    assert "</html>" in page.text[-20:]


def test_headers_that_protect_a_browser_arrive(proxy: Proxy) -> None:
    headers = proxy.get().headers
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-cache"


def test_conditional_requests_and_compression(proxy: Proxy) -> None:
    """A browser that has the page gets 304, without a body."""
    page = proxy.get(accept_encoding="gzip")
    assert page.headers["content-encoding"] == "gzip"
    assert gzip.decompress(page.body) == proxy.get().body
    again = proxy.get(if_none_match=page.headers["etag"], accept_encoding="gzip")
    assert (again.status, again.body) == (304, b"")
    assert proxy.get(if_none_match='W/"another"').status == 200


def test_head_and_other_methods(proxy: Proxy) -> None:
    """HEAD is allowed as GET is; the proxy refuses what would write."""
    head = proxy.get(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(proxy.get().body)
    assert proxy.get("reports/rpo.csv", "HEAD").status == 200
    for method in ("POST", "PUT", "DELETE"):
        assert proxy.get(method=method).status == 403


def test_errors_keep_their_sentence(proxy: Proxy) -> None:
    found = proxy.get("reports/rpo.csv?since=nonsense")
    assert (found.status, "nonsense" in found.text) == (400, True)


def test_below_a_path(filled: Engine, config: str) -> None:
    """Each link of the page and of the reports leads to an address below the path."""
    inside = "        # Without proxy_set_header Host"
    below = BELOW.removesuffix("}").replace("location /backups/ {", "").strip()
    changes = (
        ("location / {", "location /backups/ {"),
        ("        proxy_pass http://127.0.0.1:8080;\n", f"        {below}\n"),
    )
    assert inside in DOCUMENTED
    with (
        served(at(filled), config, "--root-path", "/backups") as server,
        proxied(server.url, *changes) as proxy,
    ):
        assert proxy.get("reports").status == 404
        for place in ("backups/", "backups/reports", "backups/reports/rpo"):
            page = proxy.get(place, accept="text/html")
            assert page.status == 200
            links = re.findall(r'(?:href|action)="([^"#]*)"', page.text)
            assert links or place == "backups/reports/rpo"
            for link in dict.fromkeys(links):
                url = urljoin(proxy.url + place, link.replace("&amp;", "&"))
                assert url.startswith(f"{proxy.url}backups/"), link
                path = url.removeprefix(proxy.url)
                assert proxy.get(path, accept="text/html, */*").status == 200, link
        described = proxy.get("backups/openapi.json").text
        assert '"/backups"' in described
        assert proxy.get("backups/healthz").text == "ok\n"


def test_a_token_besides_the_login(filled: Engine, tmp_path: Path) -> None:
    """The proxy sends it, as documented; without that the server refuses the proxy."""
    (tmp_path / "serve-token").write_text(TOKEN)
    (tmp_path / "serve-token").chmod(0o600)
    text = f'{DEFAULTS}\n[serve]\ntoken = {{ file = "serve-token" }}\n'
    config = f"--config={written(tmp_path, text)}"
    (line,) = re.findall(r'`(proxy_set_header Authorization "Bearer [^`]*)`', PAGE)
    sent = ('proxy_set_header Authorization "";', line.replace("TOKEN", TOKEN))
    with served(at(filled), config) as server:
        with proxied(server.url) as proxy:
            assert proxy.get("reports/rpo.csv").status == 401
        with proxied(server.url, sent) as proxy:
            assert proxy.get("reports/rpo.csv").status == 200
            assert proxy.ask("reports/rpo.csv", "GET", {}).status == 401
