"""`archive mail`: send the report `summary` by mail.

Options, server and recipients are checked before the report runs. Nothing is recorded in the
archive: a mail that is sent twice is a mail too many, and no more.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archive.cli import PARTIAL
from archive.cli.csv_options import BOM, BomOption, DelimiterOption, delimiter_of
from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    SinceOption,
    TagsOption,
    UntilOption,
    examples,
    open_reader,
    say,
)
from archive.cli.report_options import NowOption, RpoOption
from archive.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from email.message import EmailMessage

    from archive.config.settings import Fleet, Mail

EPILOG = examples(
    "archive mail",
    "archive mail --only-problems --digest daily",
    "archive mail --since yesterday --to ops@example.com",
    "archive mail --tag site=Berlin --rpo 25h -o summary.eml",
)
# The days of a digest: the first and the last, as in --since and --until.
_DIGESTS = {"daily": ("yesterday", None), "weekly": ("7d", "yesterday")}
OnlyProblemsOption = Annotated[
    bool,
    typer.Option(
        "--only-problems",
        help="Send nothing if no appliance needs attention and no figure counts problems.",
    ),
]
DigestOption = Annotated[
    Literal["daily", "weekly"] | None,
    typer.Option(
        "--digest",
        help="Days of the mail: daily, since yesterday; weekly, the 7 days before today.",
    ),
]
ToOption = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Recipient, instead of `to` in the configuration. Repeatable.",
    ),
]


def mail(
    to: ToOption = None,
    only_problems: OnlyProblemsOption = False,
    digest: DigestOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: RpoOption = None,
    now: NowOption = None,
    delimiter: DelimiterOption = ",",
    bom: BomOption = False,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    r"""Mail the report `summary`, or write the mail to a file. The subject starts with the worst.

    The section \[mail] of the configuration names the server. Exit code 0: sent to all recipients;
    1: sent to none; 3: the server refused some recipients. With --only-problems, 0 also if there was
    nothing to send.
    """
    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_bytes
    from archive.mail import letter

    if digest is not None:
        if since is not None or until is not None:
            raise UsageError("--digest excludes --since and --until")
        since, until = _DIGESTS[digest]
    character = delimiter_of(delimiter)
    fleet = parse.configuration(config)
    known = None if fleet is None else fleet.mail
    recipients = _recipients(to) or (() if known is None else known.recipients)
    # Checked before the report runs, which may take a while.
    sending = None if output is not None else _sending(fleet, recipients)
    with db.reading(open_reader(database, config)) as connection:
        scope = parse.scope(
            config,
            connection,
            since=since,
            until=until,
            appliance=appliance,
            tag=tag,
            rpo=rpo,
            now=now,
        )
        composed = letter.compose(connection, scope, character)
    if only_problems and composed.is_well:
        if sys.stdout is not None and sys.stdout.isatty():
            typer.echo(f"Nothing to report, so no mail: {composed.subject}")
        return
    if bom:
        # Only the attached rows: the mail names its own encoding.
        composed = replace(composed, csv=BOM + composed.csv)
    message = letter.message(composed, None if known is None else known.sender, recipients)
    if sending is not None:
        _send(sending, message, recipients)
    else:
        with open_bytes(output) as out:
            out.write(message.as_bytes())


def _recipients(to: list[str] | None) -> tuple[str, ...]:
    """Return the addresses of `--to`, checked. Raises UsageError."""
    from archive.config import mailing

    try:
        return mailing.addresses(to) if to else ()
    except ValueError as error:
        raise UsageError(f"--to: {error}") from error


def _sending(fleet: Fleet | None, recipients: tuple[str, ...]) -> tuple[Fleet, Mail]:
    """Return the configuration and its mail section.

    Raises ConfigurationError without a mail server, UsageError without recipients.
    """
    if fleet is None or fleet.mail is None:
        from archive.config import file

        place = file.users_own() if fleet is None else fleet.path
        raise ConfigurationError(
            f"{place}: no mail server: add a section [mail] with server, from and to, or write the"
            " mail to a file with -o"
        )
    if not recipients:
        raise UsageError("no recipients: name them with --to or as `to` in the section [mail]")
    return fleet, fleet.mail


def _send(sending: tuple[Fleet, Mail], message: EmailMessage, recipients: tuple[str, ...]) -> None:
    """Send the mail, and exit with 3 if the server refused some of the recipients.

    Raises MailError if it refused all, or ConfigurationError if there is no password.

    On a terminal it says to whom the mail was sent; otherwise nothing, as a timer runs it.
    """
    from archive.config import secrets
    from archive.mail import post

    fleet, mail = sending
    password = None
    if mail.secret is not None and mail.user is not None:
        password = secrets.password(mail.secret, mail.user, fleet.path)
    refused = post.send(message, mail, recipients, password)
    for name, reason in refused.items():
        say(f"archive: mail server {mail.address}: recipient {name} refused ({reason})")
    if refused:
        raise typer.Exit(PARTIAL)
    if sys.stdout is not None and sys.stdout.isatty():
        typer.echo(f"Sent to {', '.join(recipients)}: {message['Subject']}")
