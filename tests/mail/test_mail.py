from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.calendar import Calendar
from archive.columns import Kind
from archive.config import file
from archive.config.settings import NONE, Mail, Secret
from archive.errors import ConfigurationError, UsageError
from archive.mail import headline, letter
from archive.maintenance.change_calendar import change_calendar
from archive.render.units import readable
from archive.reports import Scope
from archive.reports.summary_row import SummaryRow
from tests.reports import fleet
from tests.reports.nights import ask, night
from tests.support.archives import empty, import_documents
from tests.support.command import archive, at
from tests.support.configurations import written
from tests.support.mailserver import PASSWORD, USER, MailServer
from tests.support.queried import fill, tell
from tests.support.samples import job
from tests.support.terminals import on_terminal
from tests.vcenter_server.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = "2026-04-03T12:00:00Z"
SPAN = ("--since=2026-01-01", f"--now={NOW}")
HOSTILE = 'vc"><script>alert(1)</script>\u202e&amp;=' + "x" * 80
SAID = "it's <b>\r\n.\r\nBcc: evil@example.com\x1b[31m" + "y" * 2000


class _Seen(HTMLParser):
    """The content of a document: its tags with their attributes, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        # A line-break opportunity changes no text.
        self.feed(text.replace("<wbr>", ""))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parts(mail: EmailMessage) -> tuple[str, str, bytes]:
    """Return the plain text, the HTML and the attachment of a mail."""
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/csv",
    ]
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    (attached,) = mail.iter_attachments()
    assert plain is not None
    assert rich is not None
    data = attached.get_payload(decode=True)
    assert isinstance(data, bytes)
    assert re.fullmatch(r"summary-\d{4}-\d\d-\d\d\.csv", attached.get_filename() or "")
    # Lines of a mail end in CR LF.
    return plain.get_content().replace("\r\n", "\n"), rich.get_content(), data


def parsed(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def configured(folder: Path, server: MailServer, security: str = NONE, **more: str) -> str:
    """Write a configuration with a mail server, and return the option that names it."""
    values = {"server": "127.0.0.1", "security": security, "from": USER, **more}
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    to = 'to = ["ops@example.com", "audit@example.com"]'
    path = written(folder, f"[mail]\nport = {server.port}\n{to}\n{lines}")
    return f"--config={path}"


def test_mail_has_the_rows_of_the_report(engine: Engine, tmp_path: Path) -> None:
    """Plain text, HTML and CSV equal the report; a file needs no server."""
    fleet.load(engine)
    path = tmp_path / "summary.eml"
    done = archive("mail", *SPAN, at(engine), "-o", str(path), "--to", "ops@example.com")
    assert done == (0, "", "")
    mail = parsed(path.read_bytes())
    assert (mail["To"], mail["From"]) == ("ops@example.com", None)
    assert mail["Date"].datetime.isoformat() == "2026-04-03T12:00:00+00:00"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, rich, data = parts(mail)
    table = archive("report", "summary", *SPAN, at(engine))
    found = re.search("\n─+\n(attention\n.*between imports)\n", plain, re.DOTALL)
    assert found
    shown = found[1].splitlines()
    assert [line[:22] for line in shown] == [line[:22] for line in table.out.splitlines()[2:]]
    assert max(map(len, shown)) <= 78
    assert table.err.splitlines()[0] in plain
    csv = archive("report", "summary", *SPAN, at(engine), "--format=csv")
    assert data.decode() == csv.out
    whole = "\n".join(_Seen(rich).texts).replace("\N{NO-BREAK SPACE}", " ")
    for row in ask(engine, "summary", Scope(now=f"{NOW[:-1]}.000000Z", since="2026-01-01")):
        if row[0] in ("backups", "data", "time", "expected", "collection"):
            assert f"{row[1]}\n" in whole
            if row[3] is not None:
                assert readable(row[2], row[3]) in whole


def test_subject_has_the_worst_problem_first(engine: Engine, tmp_path: Path) -> None:
    """It counts the affected appliances, as of the day; a single one is named."""
    fleet.load(engine)
    path = tmp_path / "summary.eml"
    archive("mail", *SPAN, at(engine), "-o", str(path))
    assert str(parsed(path.read_bytes())["Subject"]).endswith(": backups of 2 vCenters, 2026-04-03")
    archive("mail", *SPAN, at(engine), "-o", str(path), "-a", fleet.BERLIN)
    subject = str(parsed(path.read_bytes())["Subject"]).strip()  # it is folded
    assert subject == f"1 stuck, 1 in an unknown status: backups of {fleet.BERLIN}, 2026-04-03"
    archive("mail", *SPAN, "--rpo", "1h", at(engine), "-o", str(path), "-a", fleet.BERLIN)
    assert str(parsed(path.read_bytes())["Subject"]).startswith(
        "1 overdue, 1 stuck, 1 in an unknown status: "
    )


def test_mail_lists_what_its_subject_counts(engine: Engine) -> None:
    """Each problem is listed, newest or worst first, and the number of those left out is said."""
    for number in range(25):
        jobs = [night(f"2026-03-{day:02}T02:00") for day in range(1, 20)]
        jobs += [night(f"2026-03-{day}T02:00", "FAILED") for day in (20, 21)]
        import_documents(engine, dict(jobs), f"vc{number:02}", "2026-03-21T12:00:00.000000Z")
    scope = Scope(now="2026-03-21T13:00:00.000000Z")
    with db.reading(engine) as connection:
        composed = letter.compose(connection, scope)
    assert composed.subject.startswith("25 overdue, 50 missed: ")
    assert not composed.is_well
    for form in (composed.text, "\n".join(_Seen(composed.html).texts)):
        assert "25 of 25 appliances are critical." in form
        lines = [line.strip() for line in form.splitlines()]
        assert lines.count("and 5 more") == lines.count("and 40 more") == 1
        assert sum(line.startswith("vc") for line in lines) >= 30
        assert "Missed backups: 50" in lines
        assert "critical: overdue, 2 consecutive failures" in lines


def test_unknown_statuses_are_in_the_mail(sqlite_archive: Engine) -> None:
    """Each status of each appliance, with the number of its jobs, the newest first."""
    empty(sqlite_archive)
    for name in ("vc01", "vc02"):
        jobs = [night(f"2026-03-{day}T02:00", "SKIPPED") for day in (20, 21)]
        jobs += [night(f"2026-03-2{name[-1]}T03:00", "PARTIAL"), night("2026-03-22T02:00")]
        import_documents(sqlite_archive, dict(jobs), name, "2026-03-22T12:00:00.000000Z")
    with db.reading(sqlite_archive) as connection:
        composed = letter.compose(connection, Scope(now="2026-03-22T13:00:00.000000Z"))
    assert composed.subject.startswith("6 in an unknown status: ")
    for form in (composed.text, "\n".join(_Seen(composed.html).texts)):
        lines = [line.strip() for line in form.splitlines()]
        first = lines.index("Jobs in an unknown status: 6") + 1
        shown = " ".join(lines[first : first + 24]).replace("\N{NO-BREAK SPACE}", " ")
        assert shown.index("PARTIAL: 1 job") < shown.index("SKIPPED: 2 jobs")


def test_last_good_backup_of_each_appliance_is_in_the_mail(engine: Engine) -> None:
    """With its age, time in the archive's zone, size and change."""
    jobs = [night(f"2026-03-{day}T02:00", size=day * 2**30) for day in (20, 25)]
    import_documents(engine, dict(jobs), "vc", "2026-03-25T03:00:00.000000Z")
    change_calendar(engine, Calendar("Asia/Kolkata"))
    with db.reading(engine) as connection:
        composed = letter.compose(connection, Scope(now="2026-03-25T03:00:30.000000Z"))
    assert "  vc: 1 h 00 m ago\n      ok: 2026-03-25 07:30, 25.0 GiB (+25.0 %)\n" in composed.text
    assert "Times of the lists are in Asia/Kolkata." in composed.text


def test_subject_begins_on_its_first_line(engine: Engine, tmp_path: Path) -> None:
    """A folded line would show as a space in some programs."""
    path = tmp_path / "m.eml"
    long = "n" * 60
    import_documents(engine, {}, long, "2026-04-03T00:00:00.000000Z")
    archive("mail", *SPAN, at(engine), "-o", str(path), "-a", long)
    first = path.read_bytes().split(b"\r\n", 1)[0]
    assert first.startswith(b"Subject: 1 without success")
    assert first.endswith(b"2026-04-03")


@pytest.mark.parametrize("failed", [False, True])
def test_mail_only_for_problems(engine: Engine, tmp_path: Path, failed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Nothing is sent if all is well; on a terminal that is said."""
    jobs = [night(f"2026-04-0{day}T02:00") for day in (1, 2)]
    if failed:
        jobs.append(night("2026-04-03T02:00", "FAILED"))
    import_documents(engine, dict(jobs), "vc", "2026-04-03T03:00:00.000000Z")
    now = "--now=2026-04-03T04:00:00Z"
    with MailServer() as server:
        option = configured(tmp_path, server)
        assert archive("mail", "--only-problems", now, at(engine), option) == (0, "", "")
        shown = on_terminal("mail", "--only-problems", now, at(engine), option)
    assert len(server.mails) == (2 if failed else 0)
    assert shown.startswith("Sent to " if failed else "Nothing to report, so no mail: all OK")


def test_digests(engine: Engine, tmp_path: Path) -> None:
    """A daily one has yesterday and today, a weekly one the seven days before today."""
    fleet.load(engine)
    path = tmp_path / "m.eml"
    for digest, days in (
        ("daily", "2026-04-02 to 2026-04-03"),
        ("weekly", "2026-03-27 to 2026-04-02"),
    ):
        done = archive("mail", "--digest", digest, f"--now={NOW}", at(engine), "-o", str(path))
        assert done == (0, "", "")
        assert days in parts(parsed(path.read_bytes()))[0]
    done = archive("mail", "--digest=daily", "--since=7d", at(engine), "-o", str(path))
    assert (done.code, done.err) == (2, "archive: --digest excludes --since and --until\n")


def test_appliances_never_imported_count_as_not_reporting(engine: Engine) -> None:
    """An appliance that never answered is not reporting, and is counted in the subject."""
    fill(engine)
    tell(engine)
    with db.reading(engine) as connection:
        composed = letter.compose(connection, Scope(now="2026-03-06T06:00:00.000000Z"))
    assert composed.subject == (
        "1 without success, 16 missed, 2 not reporting, 1 no recent data: backups of 4 vCenters, 2026-03-06"
    )
    assert "vc-new" in composed.html


def row(section: str, name: str, value: float | None) -> SummaryRow:
    return SummaryRow(section, name, Kind.COUNT, value, problem=bool(value) and name != "failed")


def test_headlines() -> None:
    """The order depends only on severity, not on the order of the rows."""
    rows = [
        row("attention", "overdue", 3),
        row("attention", "never", 0),
        row("attention", "no recent data", 1),
        row("attention", "consecutive failures", 2),
        row("backups", "failed", 9),
        row("backups", "success rate", 0.875),
        row("backups", "other", 4),
        row("expected", "missed", 1234),
        row("collection", "not reporting", None),
    ]
    subject = headline.headline(rows, ["a"] * 1200, "2026-07-24")
    assert (
        subject
        == "3 overdue, 2 failing repeatedly, 1,234 missed, only 87.5 % succeeded, 1 no recent data,"
        " 4 in an unknown status: backups of 1,200 vCenters, 2026-07-24"
    )
    assert headline.headline(
        [row("attention", "consecutive failures", 1)], ["a"], "2026-07-24"
    ) == ("1 failing repeatedly: backups of a, 2026-07-24")
    well = headline.headline([row("attention", "overdue", 0)], ["a", "b"], "2026-07-24")
    assert well == "all OK: backups of 2 vCenters, 2026-07-24"
    assert headline.headline(rows, [], "2026-07-24").startswith("no data: ")


def test_names_in_a_subject_are_escaped() -> None:
    """Line ends and bidirectional characters are escaped, and long names are cut."""
    subject = headline.headline([], ["a\r\nBcc: x@example.com\u202e"], "2026-07-24")
    assert subject == r"all OK: backups of a\r\nBcc: x@example.com\u202e, 2026-07-24"
    subject = headline.headline([], ["n" * 255], "2026-07-24")
    assert subject == f"all OK: backups of {'n' * 37}..., 2026-07-24"


def test_empty_archive_is_not_reported_as_healthy(engine: Engine, tmp_path: Path) -> None:
    """Without appliances the subject does not say that all is well."""
    path = tmp_path / "summary.eml"
    assert archive("mail", f"--now={NOW}", at(engine), "-o", str(path)).code == 0
    assert parsed(path.read_bytes())["Subject"] == "no data: backups of 0 vCenters, 2026-04-03"


def test_hostile_texts_stay_texts(engine: Engine) -> None:
    """No name or message becomes markup, a header or the end of a mail."""
    name = HOSTILE.replace("\u202e", "")  # which no appliance name contains
    said = [{"id": "m", "default_message": SAID, "args": []}]
    day = fleet.on("2026-04-02", "FAILED", messages=said)
    import_documents(engine, {"20260402-120000-1": day}, name, "2026-04-03T00:00:00.000000Z")
    with db.reading(engine) as connection:
        composed = letter.compose(connection, Scope(now="2026-04-03T12:00:00.000000Z"))
    mail = letter.message(composed, "archive@example.com", ["ops@example.com"])
    content = mail.as_bytes()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    read = parsed(content)
    assert "Bcc" not in read
    assert str(read["Subject"]) == composed.subject
    assert name[:37] in composed.subject
    assert len(composed.subject) < 150
    plain, rich, _ = parts(read)
    assert "\x1b" not in plain + rich
    seen = _Seen(rich)
    assert {tag for tag, _ in seen.tags} <= {
        "html", "head", "meta", "title", "body", "h1", "table", "tr", "th", "td", "p", "b", "br", "span",
    }  # fmt: skip
    allowed = {"align", "border", "cellpadding", "cellspacing", "charset", "colspan", "content"}
    allowed |= {"lang", "name", "nowrap", "scope", "style", "valign", "width"}
    assert {key for _, attributes in seen.tags for key in attributes} <= allowed
    assert "url(" not in rich
    assert any(name in text for text in seen.texts)
    assert any(text.startswith("it's <b>\\r\\n.\\r\\nBcc:") for text in seen.texts)
    assert max(map(len, seen.texts)) <= 300


def test_lines_break_between_words(engine: Engine) -> None:
    """On narrow screens, too: figures stay whole, names break at dots, and only long words are broken."""
    fleet.load(engine)
    long = "n" * 31
    import_documents(
        engine, {"k": fleet.on("2026-04-02", "FAILED")}, long, "2026-04-03T00:00:00.000000Z"
    )
    with db.reading(engine) as connection:
        scope = Scope(now="2026-04-03T12:00:00.000000Z", rpo_seconds=3600)
        composed = letter.compose(connection, scope)
    broken = re.findall(r"<td [^>]*word-break:break-word[^>]*>(?:<b>)?([^<]*)", composed.html)
    assert set(broken) == {long}
    # The head of the chain of evidence is 64 characters.
    (note,) = re.findall(r"<p [^>]*word-break:break-word[^>]*>([^<]*)", composed.html)
    assert note.startswith("Head of the chain of evidence: ")
    assert fleet.BERLIN.replace(".", ".<wbr>") in composed.html
    figures = re.findall(r"<td [^>]*text-align:right[^>]*>", composed.html)
    assert figures
    assert all(" nowrap " in figure for figure in figures)


def test_size_of_the_html_is_limited(engine: Engine) -> None:
    """Some mail programs cut off anything beyond 102 kB; mails with full cells stay below."""
    long = [{"id": "m", "default_message": "&" * 5000, "args": []}]
    for number in range(12):
        jobs: Mapping[str, Any] = {
            f"2026040{day}-120000-1": job(
                "FAILED" if day > 1 else "SUCCEEDED",
                start_time=f"2026-04-0{day}T12:00:00.000Z",
                messages=long,
            )
            for day in range(1, 8)
        }
        import_documents(
            engine, dict(jobs), f"{number:03}{'n' * 200}", "2026-04-08T00:00:00.000000Z"
        )
    with db.reading(engine) as connection:
        composed = letter.compose(connection, Scope(now="2026-04-08T12:00:00.000000Z"))
    assert len(composed.html.encode()) < 60_000


def test_mail_is_sent(engine: Engine, tmp_path: Path) -> None:
    """With TLS and a password as configured; without a terminal nothing is printed."""
    fleet.load(engine)
    authority = Authority()
    authority.write(tmp_path / "ca.pem")
    secret = tmp_path / "mail-password"
    secret.touch(0o600)
    secret.write_text(f"{PASSWORD}\n")
    with MailServer(starttls=authority.issue().context, logins=True) as server:
        option = configured(tmp_path, server, "starttls", user=USER, ca_file="ca.pem")
        path = tmp_path / "archive.toml"
        path.write_text(path.read_text() + 'secret = { file = "mail-password" }\n')
        assert archive("mail", *SPAN, at(engine), option) == (0, "", "")
        assert archive("mail", *SPAN, at(engine), option, "--to", "me@example.com").code == 0
        secret.write_text("wr0ng")
        done = archive("mail", *SPAN, at(engine), option)
        assert done.code == 1
        assert done.err.startswith(f"archive: mail server 127.0.0.1:{server.port}: login of ")
        assert "wr0ng" not in done.err
    first, second = server.mails
    assert (first.protected, first.user) == (True, USER)
    assert first.recipients == ["ops@example.com", "audit@example.com"]
    assert second.recipients == ["me@example.com"]
    mail = parsed(first.content)
    assert (mail["From"], mail["To"]) == (USER, "ops@example.com, audit@example.com")
    parts(mail)


def test_terminal_shows_what_was_sent(engine: Engine, tmp_path: Path) -> None:
    """On a terminal the recipients and the subject are shown."""
    with MailServer() as server:
        shown = on_terminal("mail", f"--now={NOW}", at(engine), configured(tmp_path, server))
    assert shown == (
        "Sent to ops@example.com, audit@example.com: no data: backups of 0 vCenters, 2026-04-03\r\n"
    )


def test_refused_recipients_are_reported(engine: Engine, tmp_path: Path) -> None:
    """Some refused: code 3, and the others get the mail. All refused: code 1."""
    with MailServer(refused={"audit@example.com": "550 5.1.1 unknown"}) as server:
        option = configured(tmp_path, server)
        place = f"mail server 127.0.0.1:{server.port}"
        assert archive("mail", at(engine), option) == (
            3,
            "",
            f"archive: {place}: recipient audit@example.com refused (550 5.1.1 unknown)\n",
        )
        done = archive("mail", at(engine), option, "--to", "audit@example.com")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"archive: {place}: all recipients refused (audit@example")
    assert len(server.mails) == 1


def test_missing_mail_configuration(tmp_path: Path, engine: Engine) -> None:
    """Without a server or recipients there is an error, and no connection is made."""
    path = written(tmp_path, "")
    done = archive("mail", at(engine), f"--config={path}")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"archive: {path}: no mail server: add a section [mail]")
    written(tmp_path, '[mail]\nserver = "mail.example.com"\nfrom = "a@example.com"\n')
    done = archive("mail", at(engine), f"--config={path}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("archive: no recipients: name them with --to")
    done = archive("mail", at(engine), f"--config={path}", "--to", "a@b\r\nDATA")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("archive: --to: ")


def test_mail_section_of_the_configuration(tmp_path: Path) -> None:
    """Each key is read, and missing keys have their defaults."""
    path = written(
        tmp_path,
        '[mail]\nserver = "[2001:db8::1]"\nsecurity = "tls"\nuser = "u"\nsecret = "hunter2"\n'
        'from = "a@example.com"\nto = "b@example.com"\nca_file = "ca.pem"\n',
    )
    mail = file.read(path).mail
    assert mail == Mail(
        server="2001:db8::1",
        port=465,
        security="tls",
        user="u",
        secret=Secret(value="hunter2"),
        sender="a@example.com",
        recipients=("b@example.com",),
        ca_file=tmp_path / "ca.pem",
    )
    assert mail.address == "[2001:db8::1]:465"
    path.write_text('[mail]\nserver = "m"\nfrom = "a@b"\n')
    mail = file.read(path).mail
    assert mail is not None
    assert (mail.port, mail.security, mail.recipients) == (587, "starttls", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('server = "m:25"', 'server: write only the host, such as "mail.example.com"'),
        ("port = 0", "port: must be a number from 1 to 65535"),
        ("port = true", "port: must be a number from 1 to 65535"),
        ('security = "ssl"', "security: must be one of starttls, tls, none"),
        ('security = ["tls"]', "security: must be one of starttls, tls, none"),
        ('to = "a@b\\r\\nBcc: x@y"', "to: must have at least one character"),
        ('to = "Ops <ops@example.com>"', "to: write only the address, such as ops@example.com"),
        ('to = "ops"', "to: write only the address"),
        ('to = ["ops@example.com", ".ops@example.com"]', "to: write only the address"),
        ('to = "=?utf-8?q?ops?=@example.com"', "to: write only the address"),
        ('to = "öps@example.com"', "to: write only the address"),
        ("to = []", "to: empty"),
        ('user = "u"', "secret: missing, but user is set"),
        ('secret = "hunter2"', "user: missing, but secret is set"),
        (
            'security = "none"\nuser = "u"\nsecret = { file = "f" }',
            "security: the password would be sent unencrypted; use starttls or tls",
        ),
        ('security = "none"\nca_file = "f"', "ca_file: no certificate is checked with security"),
        ("verify = false", 'unknown key "verify"'),
    ],
)
def test_invalid_keys_of_the_mail_section(tmp_path: Path, text: str, said: str) -> None:
    """Each problem is reported once, with its key, and without a password."""
    known = {"server": 'server = "m"', "from": 'from = "a@b"'}
    lines = [line for key, line in known.items() if not text.startswith(key)]
    path = written(tmp_path, "\n".join(["[mail]", *lines, text, ""]))
    with pytest.raises(ConfigurationError) as error:
        file.read(path)
    assert str(error.value).startswith(f"{path}: [mail]: {said}")
    assert "\n" not in str(error.value)
    assert "hunter2" not in str(error.value)


def test_password_in_a_readable_file_is_refused(tmp_path: Path) -> None:
    """The rule is the same as for passwords of appliances."""
    text = '[mail]\nserver = "m"\nfrom = "a@b"\nuser = "u"\nsecret = "hunter2"\n'
    with pytest.raises(ConfigurationError) as error:
        file.read(written(tmp_path, text, 0o644))
    assert "[mail]: secret: the password is in this file, but other users can read" in str(
        error.value
    )
    assert "hunter2" not in str(error.value)


def test_unsupported_options_are_refused(engine: Engine) -> None:
    """Options that the summary does not support are refused, as by the report."""
    with db.reading(engine) as connection, pytest.raises(UsageError):
        letter.compose(connection, Scope(by="appliance"))


def test_attachment_can_be_made_for_a_spreadsheet(engine: Engine, tmp_path: Path) -> None:
    """As exports can: another delimiter, and a byte order mark."""
    fill(engine)
    path = tmp_path / "summary.eml"
    done = archive("mail", "-o", str(path), *SPAN, at(engine), "--delimiter", ";", "--bom")
    assert done.code == 0
    _, _, data = parts(parsed(path.read_bytes()))
    assert data.decode().startswith("\ufeffsection;")
    refused = archive("mail", "-o", str(path), at(engine), "--delimiter", "1")
    assert (refused.code, "--delimiter '1'" in refused.err) == (2, True)
