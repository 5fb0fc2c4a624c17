"""The report `summary` as a mail: HTML and plain text of the same rows, with a CSV attachment."""

from __future__ import annotations

import io
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING

from archive import timestamps
from archive.mail import contents, headline
from archive.render import delimited, letter, table
from archive.reports import appliances, collection, summary
from archive.reports.core import pruned
from archive.store import evidence_chain, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope


# RFC 5322 allows lines of 998 characters. With shorter ones, a subject may begin with a fold, which some
# programs show as a space.
_POLICY = SMTP.clone(max_line_length=998)
# The width of the table of plain text: mail programs wrap longer lines. The attachment has all.
_WIDTH = 78


@dataclass(frozen=True)
class Letter:
    """The content of a mail: `text` and `html` are its two forms, `csv` the rows as data.

    `now` is the instant of evaluation, `day` the last day of the summary.

    `now` is a fixed-width UTC instant, `day` an ISO date; `csv` has CR LF as line ends. `is_well` means that
    no appliance needs attention, and no figure counts problems.
    """

    subject: str
    text: str
    html: str
    csv: str
    day: str
    now: str
    is_well: bool


def compose(connection: Connection, scope: Scope, delimiter: str = ",") -> Letter:
    """Return the mail on a scope; `delimiter` is that of the CSV.

    Raises UsageError for options that `summary` does not support.
    """
    scope.check(summary.REPORT)
    rows = list(summary.select(connection, scope))
    calendar = settings.calendar(connection)
    day = scope.until or calendar.day(scope.now)
    subject = headline.headline(rows, _names(connection, scope), day)
    columns = summary.REPORT.columns_of(scope)
    days = summary.days(connection, scope)
    notes = [
        *summary.REPORT.notes(connection, scope),
        *pruned.notes(connection, days),
        f"Times of the lists are in {calendar.zone}.",
        # A copy outside of the archive vouches for the chain up to it.
        f"Head of the chain of evidence: {evidence_chain.head(connection)}.",
    ]
    fleet = list(appliances.select(connection, scope))
    verdict = contents.verdict(fleet)
    sections = list(contents.sections(connection, days, fleet, rows))
    shown, data = io.StringIO(), io.StringIO(newline="")
    table.write(columns, rows, shown, calendar.zone, _WIDTH)
    delimited.write(columns, rows, data, delimiter)
    lists = [section for section in sections if section.heading not in contents.FIGURES]
    return Letter(
        subject=subject,
        text="\n".join([letter.plain(verdict, lists), shown.getvalue(), *notes, ""]),
        html=letter.html(subject, verdict, sections, notes),
        csv=data.getvalue(),
        day=day,
        now=scope.now,
        is_well=verdict[0] == appliances.OK and not any(row.problem for row in rows),
    )


def _names(connection: Connection, scope: Scope) -> list[str]:
    """Return the names of the appliances in the section `collection` of the summary.

    They include appliances that were never imported: these are not reporting.
    """
    return [row.appliance for row in collection.reporting_now(connection, scope)]


def message(content: Letter, sender: str | None, recipients: Sequence[str]) -> EmailMessage:
    """Return a mail, without From or To if the sender or recipients are unknown.

    Both forms are quoted-printable, so they pass servers that accept only 7 bits and short lines.

    `Date` is the time as of which the summary is, not that of sending. `sender` and `recipients`
    have been checked: they could not end a header.
    """
    mail = EmailMessage(_POLICY)
    mail["Subject"] = content.subject
    if sender is not None:
        mail["From"] = sender
    if recipients:
        mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(timestamps.to_datetime(content.now))
    # Use the sender's domain: the name of this machine may be private, and slow to look up.
    domain = "localhost" if sender is None else sender.rpartition("@")[2]
    mail["Message-ID"] = make_msgid(domain=domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses out-of-office replies
    mail.set_content(content.text, cte="quoted-printable")
    mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
    mail.add_attachment(
        content.csv.encode(),
        maintype="text",
        subtype="csv",
        filename=f"summary-{content.day}.csv",
        params={"charset": "utf-8"},
    )
    return mail
