"""The report `summary` as a mail: HTML and plain text of the same rows, and CSV attached."""

from __future__ import annotations

import io
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING

from archive import timestamps
from archive.mail import headline
from archive.render import delimited, letter, table
from archive.reports import summary
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope


@dataclass(frozen=True)
class Letter:
    """What a mail says: `text` and `html` are its two forms, `csv` the rows as data.

    `now` is the instant as of which it was told, and `day` the archive's day of it.
    """

    subject: str
    text: str
    html: str
    csv: str
    day: str
    now: str


def compose(connection: Connection, scope: Scope) -> Letter:
    """Return the summary of a scope's appliances. Raises UsageError for what it does not heed."""
    scope.check(summary.REPORT)
    rows = list(summary.select(connection, scope))
    day = scope.until or settings.calendar(connection).day(scope.now)
    subject = headline.headline(rows, _names(connection, scope), day)
    columns = summary.REPORT.columns_of(scope)
    notes = list(summary.REPORT.notes(connection, scope))
    shown, data = io.StringIO(), io.StringIO(newline="")
    table.write(columns, rows, shown)
    delimited.write(columns, rows, data)
    return Letter(
        subject=subject,
        text="\n".join([f"{subject}\n", shown.getvalue(), *notes, ""]),
        html=letter.html(subject, columns, rows, notes),
        csv=data.getvalue(),
        day=day,
        now=scope.now,
    )


def _names(connection: Connection, scope: Scope) -> list[str]:
    """Return the names of the appliances, as the summary's section `collection` knows them.

    Those that were asked and have never answered are among them: they are silent.
    """
    return [row.appliance for row, _ in summary.recently_heard(connection, scope)]


def message(said: Letter, sender: str | None, recipients: Sequence[str]) -> EmailMessage:
    """Return a mail; what is not known of its sender and recipients is left out.

    Both forms are quoted-printable, and so pass servers that take seven bits and short lines only.
    """
    mail = EmailMessage(SMTP)
    mail["Subject"] = said.subject
    if sender is not None:
        mail["From"] = sender
    if recipients:
        mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(timestamps.to_datetime(said.now))
    # Of the sender's domain: the name of this machine may be nobody's business, and long to find out.
    domain = "localhost" if sender is None else sender.rpartition("@")[2]
    mail["Message-ID"] = make_msgid(domain=domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: who is away does not answer it
    mail.set_content(said.text, cte="quoted-printable")
    mail.add_alternative(said.html, subtype="html", cte="quoted-printable")
    mail.add_attachment(
        said.csv.encode(),
        maintype="text",
        subtype="csv",
        filename=f"summary-{said.day}.csv",
        params={"charset": "utf-8"},
    )
    return mail
