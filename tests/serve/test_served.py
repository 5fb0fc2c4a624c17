"""A real server over the loopback, on both databases."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from archive.cli.serve import parameters
from archive.db import tables
from archive.reports import REPORTS
from archive.reports.core import scope
from tests.reports import nights
from tests.reports.nights import NOW, SCHEDULED
from tests.support.archives import count, created, import_documents
from tests.support.command import archive, at
from tests.support.configurations import DEFAULTS, written
from tests.support.laws import some
from tests.support.samples import job
from tests.support.served import Served, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

TAGGED = f"""\
{DEFAULTS}
[[appliance]]
name = "{SCHEDULED}"
tags = {{ site = "Berlin" }}
"""
TOKEN = "made-up-tökén"  # noqa: S105 - made up
BEARER = TOKEN.encode().decode("latin-1")  # the client writes each character as one byte
NOWHERE = "/nowhere/archive.db"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the option that names a configuration with a tag, and without a token."""
    return f"--config={written(tmp_path_factory.mktemp('config'), TAGGED)}"


@pytest.fixture(scope="module")
def filled(shared_engine: Engine) -> Engine:
    """Give an archive of three appliances."""
    nights.load(shared_engine)
    return shared_engine


@pytest.fixture(scope="module")
def server(filled: Engine, config: str) -> Iterator[Served]:
    """Give a server of the archive, with small limits."""
    with served(at(filled), config, "--row-limit", "20", "--title", "Made <up>") as running:
        yield running


@pytest.mark.parametrize("name", some(REPORTS, 6))
def test_csv_and_json_are_those_of_the_command(
    filled: Engine, config: str, server: Served, name: str
) -> None:
    """Byte for byte, by suffix and by the accepted media type."""
    options = ["--now", NOW, "--appliance", "vc1*"]
    query = f"now={NOW}&appliance=vc1*"
    if name in ("compliance", "summary"):
        options, query = [*options, "--top", "5"], f"{query}&top=5"
    for form, media in (("csv", "text/csv"), ("json", "application/json")):
        expected = archive("report", name, at(filled), config, "--format", form, *options)
        assert expected.code == 0
        suffixed = server.get(f"reports/{name}.{form}?{query}")
        accepted = server.get(f"reports/{name}?{query}", accept=media)
        assert suffixed.status == accepted.status == 200, suffixed.text
        assert suffixed.text == accepted.text == expected.out
        assert accepted.headers["content-type"].startswith(media)
        assert accepted.headers["vary"] == "Accept"


@pytest.mark.parametrize("name", REPORTS)
def test_page_of_a_report_has_its_rows_and_a_form(server: Served, name: str) -> None:
    answer = server.get(f"reports/{name}?now={NOW}", accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert REPORTS[name].question.split("?")[0].replace("'", "&#x27;") in answer.text
    fields = set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', answer.text))
    supported = scope.options(REPORTS[name]) - (set() if REPORTS[name].groups else {"by"})
    assert fields == supported
    assert "form-action 'self'" in answer.headers["content-security-policy"]


def test_rows_of_problems_are_highlighted(server: Served) -> None:
    """Where a report tells which rows need attention, and only these; times are not broken."""
    page = server.get(f"reports/appliances.html?now={NOW}&rpo=1min").text
    rows = [row for row in re.findall(r"<tr.*?</tr>", page) if "<td" in row]
    wrong = [row for row in rows if row.startswith('<tr class="wrong">')]
    assert wrong == [row for row in rows if "<td>critical</td>" in row]
    assert wrong
    assert re.search(r'<td class="t">\d{4}-\d\d-\d\d ', page)


def test_period_stays_on_one_line(server: Served) -> None:
    """A browser would break 2026-11 at its hyphen, and make every row two lines high."""
    page = server.get(f"reports/success.html?now={NOW}").text
    assert re.search(r'<td class="t">\d{4}-\d\d</td>', page)


def test_page_says_what_it_leaves_out_and_escapes(server: Served) -> None:
    """Empty fields of a form count as not given."""
    page = server.get(f"reports/missed.html?now={NOW}&since=&sort=&appliance=vc1*")
    assert page.status == 200
    assert re.search(r"<caption>\d+ rows</caption>", page.text)
    assert "Made &lt;up&gt;" in server.get("reports", accept="text/html").text
    hostile = server.get("reports/rpo.html?appliance=%3Cscript%3E")
    assert hostile.status == 400
    assert hostile.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("nowhere", 404, "no such address; there are /, /reports, /reports/NAME"),
        ("reports/rop", 404, 'unknown report "rop" (did you mean "rpo"?)'),
        ("reports/rpo.xml", 404, 'unknown form "xml" (known: json, csv, html)'),
        ("reports/rpo?perod=day", 400, 'unknown parameter "perod" (known: sort, top,'),
        ("reports/rpo?period=day", 400, 'unknown parameter "period"'),
        ("reports/trends?by=day", 400, 'report "trends" does not support --by day'),
        ("reports/trends?since=soon", 400, 'invalid date range "soon": write a day'),
        ("reports/rpo?sort=sise", 400, 'unknown column "sise"'),
        ("reports/rpo?tag=site=Rome", 400, "no appliance has the tag site=Rome"),
        ("reports/rpo?appliance=vc9", 400, "no appliance matches"),
        ("reports/growth?keep=0", 400, 'invalid keep "0": write a whole number from 1 on'),
        ("reports/growth?capacity=big", 400, "invalid size"),
        ("?x=1", 400, 'unknown parameter "x"'),
        ("reports?x=1", 400, 'unknown parameter "x"'),
        (
            "reports/summary.csv",
            400,
            "the report has more than 20 rows, the limit of this server: ask for fewer with top",
        ),
    ],
)
def test_errors_are_sentences(server: Served, path: str, status: int, said: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert answer.text.startswith(said)
    assert answer.text.endswith("\n")


def test_other_methods_and_media_are_refused(server: Served) -> None:
    assert server.get("reports", "POST").status == 405
    assert server.get("reports/rpo", "DELETE").status == 405
    answer = server.get("reports/rpo", accept="image/png, text/html;q=0")
    assert (answer.status, answer.text) == (
        406,
        "available: application/json, text/csv, text/html\n",
    )
    assert server.get("reports/rpo", "HEAD").body == b""


def test_tags_are_those_of_the_configuration(server: Served) -> None:
    rows = json.loads(server.get("reports/rpo.json?tag=site=Berlin").body)
    assert [row["appliance"] for row in rows["rows"]] == [SCHEDULED]
    assert rows["scope"]["tags"] == ["site=Berlin"]


def test_page_metrics_and_health(server: Served) -> None:
    """The page is that of the dashboard, compressed if the reader likes, and not sent twice."""
    page = server.get("")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Made &lt;up&gt;</h1>" in page.text
    assert '<a href="reports">All reports</a>' in page.text
    zipped = server.get("", accept_encoding="gzip")
    assert zipped.headers["content-encoding"] == "gzip"
    assert len(zipped.body) < len(page.body) / 2
    assert server.get("", if_none_match=page.headers["etag"]).status == 304
    metrics = server.get("metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'archive_backup_state{{appliance="{SCHEDULED}"' in metrics.text
    assert server.get("healthz")[::2] == (200, b"ok\n")
    assert server.get("favicon.ico").status == 204  # browsers always ask for it


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/reports/", "../reports"),
        ("/reports/rpo/?top=2", "../rpo?top=2"),
        ("/reports/%2f%2fevil.example.com/", "../evil.example.com"),
        ("/reports/a%20b/", "../a%20b"),
        ("/metrics/", "../metrics"),
    ],
)
def test_address_with_a_slash_at_its_end_leads_on(server: Served, path: str, target: str) -> None:
    """By a relative address: the name of this machine means nothing to the readers of a proxy."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["location"]) == (307, target)


def test_headers_protect_a_browser(server: Served) -> None:
    """On every answer, errors included; the page brings its own policy with it."""
    for path in ("", "reports", "reports/rpo.csv", "nowhere", "healthz", "openapi.json"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "private, no-cache"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


@pytest.mark.parametrize("host", ["archive.example.com", "127.0.0.1.example.com:80", "", "[::1"])
def test_other_names_of_this_machine_are_refused_without_a_token(server: Served, host: str) -> None:
    """A page in a browser could read the archive under a name that leads to 127.0.0.1."""
    answer = server.get("reports/rpo", host=host)
    assert answer.status == 400
    assert "vc" not in answer.text
    assert server.get("reports/rpo", host="localhost:80").status == 200


def test_description_has_every_report_and_parameter(server: Served) -> None:
    found = json.loads(server.get("openapi.json").body)
    assert found["openapi"] == "3.1.0"
    for name, report in REPORTS.items():
        for path in (name, f"{name}.csv", f"{name}.json", f"{name}.html"):
            operation = found["paths"][f"/reports/{path}"]["get"]
            assert {one["name"] for one in operation["parameters"]} == scope.options(report)
    (sort,) = (one for one in parameters() if one.name == "sort")
    described = found["paths"]["/reports/rpo"]["get"]["parameters"]
    assert sort.help in {one["description"] for one in described}
    assert "security" not in found


def test_import_shows_within_seconds(engine: Engine, config: str) -> None:
    """The page and the metrics follow the archive; reports always do."""
    import time

    with served(at(engine), config) as server:
        assert "vc77" not in server.get("metrics").text
        import_documents(engine, {"a": job()}, "vc77")
        assert "vc77" in server.get("reports/rpo").text
        deadline = time.monotonic() + 180
        while "vc77" not in server.get("metrics").text or "vc77" not in server.get("").text:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_nothing_is_written(filled: Engine, server: Served) -> None:
    before = {table.name: count(filled, table) for table in tables.metadata.sorted_tables}
    for name in REPORTS:
        server.get(f"reports/{name}")
    assert {table.name: count(filled, table) for table in tables.metadata.sorted_tables} == before


def test_token_is_required_if_there_is_one(filled: Engine, tmp_path: Path) -> None:
    """As a bearer's, or as the password of any user; only /healthz answers without."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o600)
    path = written(tmp_path, '[serve]\ntoken = { file = "token" }\n')
    config = f"--config={path}"
    with served(at(filled), config, "--host", "0.0.0.0", "--root-path", "/backups") as server:  # noqa: S104 - with a token
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - see above
        basic = base64.b64encode(f"excel:{TOKEN}".encode()).decode()
        for right in (f"Bearer {BEARER}", f"bearer  {BEARER}", f"Basic {basic}"):
            assert server.get("reports/rpo", authorization=right).status == 200
        for wrong in (
            "",
            "Bearer",
            "Bearer wrong",
            f"Basic {BEARER}",
            "Basic ä",
            f"Token {BEARER}",
        ):
            answer = server.get("reports/rpo", authorization=wrong)
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith('Basic realm="archive"')
            assert TOKEN not in answer.text
        assert server.get("healthz").status == 200
        right = f"Bearer {BEARER}"
        assert server.get("reports/rpo", authorization=right, host="archive.test").status == 200
        found = json.loads(server.get("openapi.json", authorization=right).body)
        assert found["servers"] == [{"url": "/backups"}]
        assert found["security"] == [{"bearer": []}]
        assert server.end() == (0, "")


def test_signal_ends_the_server_with_success(filled: Engine, config: str) -> None:
    """Nothing is left open, and nothing is logged."""
    with served(at(filled), config) as server:
        server.get("reports/rpo")
        assert server.end() == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--host", "0.0.0.0"), 2, "--host 0.0.0.0: others could read the archive: add a section"),  # noqa: S104 - refused
        (("--root-path", "backups/"), 2, "--root-path backups/: write it as /backups"),
        (("--time-limit", "fast"), 2, 'invalid duration "fast"'),
        (("--database", NOWHERE), 1, "no archive at /nowhere/archive.db"),
    ],
)
def test_server_refuses_to_start(
    filled: Engine, config: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = archive("serve", "--port", "0", at(filled), config, *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_port_in_use_is_an_error(filled: Engine, config: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = archive("serve", "--port", str(port), at(filled), config)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"archive: cannot listen on 127.0.0.1 port {port}: Address already")


def test_missing_extra_is_an_error(
    filled: Engine, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "archive.serve.run", None)  # which imports the extra
    monkeypatch.delattr("archive.serve.run", raising=False)
    done = archive("serve", at(filled), config)
    assert (done.code, done.out) == (1, "")
    assert 'the server needs the extra "serve"; run `' in done.err


def test_archive_that_becomes_unreadable_is_reported(tmp_path: Path, config: str) -> None:
    """Until it can be read again."""
    path = tmp_path / "archive.db"
    engine = created(path)
    with served(at(engine), config) as server:
        aside = tmp_path / "aside"
        aside.mkdir()
        files = list(tmp_path.glob("archive.db*"))
        for file in files:
            file.rename(aside / file.name)
        answer = server.get("healthz")
        assert answer.status == 503
        assert str(path) in answer.text
        for file in files:
            (aside / file.name).rename(file)
        assert server.get("healthz").status == 200
