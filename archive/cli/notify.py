"""`archive notify`: notify people of new problems and recoveries.

A problem is recorded for a recipient only after the recipient was notified of it. If that fails, the next
run tries again; if the command ends in between, the recipient gets it twice rather than never.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli import ERROR, PARTIAL
from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    TagsOption,
    examples,
    open_archive,
    say,
)
from archive.cli.report_options import NowOption, RpoOption
from archive.errors import (
    AlreadyRunningError,
    ConfigurationError,
    NotificationError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection, Engine

    from archive.config.settings import Fleet, Recipient
    from archive.monitoring.assessment import Assessment
    from archive.notify.changes import Changes
    from archive.notify.notification import Notification
    from archive.reports import Scope

EPILOG = examples(
    "archive notify --test",
    "archive notify --dry-run",
    "archive notify",
    "archive notify --to berlin --tag site=Berlin",
)
ToOption = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="NAME",
        help=r"Only this \[\[notify]] of the configuration. Repeatable.",
    ),
]


def notify(
    to: ToOption = None,
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: RpoOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the notifications; send and record nothing."),
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test to each recipient; record nothing.")
    ] = False,
    now: NowOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    r"""Notify people of new problems and recoveries since the last notification.

    Each \[\[notify]] of the configuration is a recipient: Teams, Slack, a webhook, ... Problems are those
    of `archive check`. Exit code 0: every recipient was notified, or there was nothing new; 1: none was
    notified; 3: some were not, and are notified next time.
    """
    from archive.cli import parse

    if dry_run and test:
        raise UsageError("--dry-run and --test exclude each other")
    fleet, recipients = _recipients(parse.configuration(config), to)
    if test:
        from archive.notify.notification import TEST

        _finish([(one, _send(fleet, one, TEST)) for one in recipients])
        return
    engine = open_archive(database, config)

    def scope(connection: Connection) -> Scope:
        return parse.scope(config, connection, appliance=appliance, tag=tag, rpo=rpo, now=now)

    if dry_run:
        _print(engine, scope, recipients)
    else:
        _finish(_notify(engine, scope, fleet, recipients))


def _recipients(fleet: Fleet | None, names: list[str] | None) -> tuple[Fleet, list[Recipient]]:
    """Return the configuration and its recipients with these names, or all of them.

    Raises ConfigurationError without any recipient, UsageError for an unknown name.
    """
    if fleet is None or not fleet.notified:
        from archive.config import file

        place = file.users_own() if fleet is None else fleet.path
        raise ConfigurationError(
            f"{place}: no recipient of notifications: add a section [[notify]] with name and url"
        )
    known = {recipient.name: recipient for recipient in fleet.notified}
    for name in names or ():
        if name not in known:
            from archive.suggestions import suggestion
            from archive.text import quoted

            raise UsageError(f"{fleet.path}: no [[notify]] {quoted(name)}{suggestion(name, known)}")
    return fleet, [one for one in fleet.notified if not names or one.name in names]


def _changes(
    engine: Engine, scope_of: Callable[[Connection], Scope], recipients: Iterable[Recipient]
) -> tuple[Assessment, list[tuple[Recipient, Changes]], str]:
    """Return how the archive is now, what changed for each recipient, and the instant of both.

    All are of one transaction, so a notification has what was found, and nothing newer.
    """
    from archive import db
    from archive.monitoring.assessment import assess
    from archive.monitoring.thresholds import STALE_SECONDS, Thresholds
    from archive.notify.changes import changes
    from archive.store import notified_problems

    with db.reading(engine) as connection:
        scope = scope_of(connection)
        found = assess(connection, scope, Thresholds(), STALE_SECONDS)
        known = [(one, notified_problems.known(connection, one.name)) for one in recipients]
    # Only the whole fleet shows which appliances are gone.
    whole = not scope.appliances and scope.named is None
    each = [(one, changes(problems, found, whole=whole)) for one, problems in known]
    return found, each, scope.now


def _print(
    engine: Engine, scope_of: Callable[[Connection], Scope], recipients: Iterable[Recipient]
) -> None:
    """Print the notification of each recipient; nothing is sent, so no secret is read."""
    from archive.notify.notification import notification

    found, each, _ = _changes(engine, scope_of, recipients)
    for number, (recipient, changed) in enumerate(each):
        if number:
            typer.echo()
        if changed:
            made = notification(changed, found)
            typer.echo(f"To {recipient.name}: {made.title}\n\n{made.body}")
        else:
            typer.echo(f"To {recipient.name}: nothing new")


def _notify(
    engine: Engine,
    scope_of: Callable[[Connection], Scope],
    fleet: Fleet,
    recipients: Iterable[Recipient],
) -> list[tuple[Recipient, bool]]:
    """Tell each recipient what is new, and record it; return whether each was notified that had to be.

    The lock `notify` is held from reading until recording: two runs would send everything twice.
    Raises AlreadyRunningError.
    """
    from archive import db
    from archive.notify import send
    from archive.notify.notification import notification
    from archive.store import notified_problems

    send.require()
    sent_to = []
    with db.alone(engine, "notify") as alone:
        if not alone:
            raise AlreadyRunningError("another `archive notify` is running on this archive")
        found, each, now = _changes(engine, scope_of, recipients)
        for recipient, changed in each:
            if changed:
                sent_to.append((recipient, _send(fleet, recipient, notification(changed, found))))
                # Not recorded, so that the next run tries again.
                if not sent_to[-1][1]:
                    continue
            if changed.known:
                with db.writing(engine) as connection:
                    notified_problems.record(connection, recipient.name, changed.known, now)
    return sent_to


def _send(fleet: Fleet, recipient: Recipient, made: Notification) -> bool:
    """Send a notification; return whether it was sent, and say why if not.

    Raises ConfigurationError without Apprise. No error shows the URL.
    """
    from archive.config import secrets
    from archive.notify import send

    send.require()
    try:
        # The URL of a webhook is a secret: who knows it can send.
        url = secrets.password(recipient.url, recipient.name, fleet.path, "URL")
        send.send(made, url, recipient.ca_file)
    except (ConfigurationError, NotificationError) as error:
        say(f"archive: notify {recipient.name}: {error}")
        return False
    return True


def _finish(sent_to: list[tuple[Recipient, bool]]) -> None:
    """End with the exit code; on a terminal, say who was notified.

    The code is 1 if all failed that had to be notified, 3 if some did.
    """
    failed = sum(not sent for _, sent in sent_to)
    if sys.stdout is not None and sys.stdout.isatty():
        sent = [recipient.name for recipient, sent in sent_to if sent]
        typer.echo(f"Sent to {', '.join(sent)}." if sent else "Nothing sent.")
    if failed:
        raise typer.Exit(PARTIAL if failed < len(sent_to) else ERROR)
