"""`archive fleet add`: check an appliance's certificate and add it to the configuration.

The steps: the entry is checked as part of the whole configuration, then the certificate is fetched,
then the user is asked where it is not trusted, and only then the file is written. No password is
read or sent.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli.options import ConfigOption, DebugOption, examples, say
from archive.errors import ApplianceError, UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from archive.config.settings import Entry
    from archive.vcenter.certificate import Certificate
    from archive.vcenter.errors import UntrustedError

EPILOG = examples(
    "archive fleet add vc01.example.com --secret-file vcenter-password",
    "archive fleet add vc02 --address vc02.example.com:5480 --tag site=Berlin",
    "archive fleet add vc03.example.com --secret-command 'pass show vcenter/vc03'",
)
# VMware's own tool for the certificate store, in every vCenter Server's shell.
_FINGERPRINT_COMMAND = (
    "/usr/lib/vmware-vmafd/bin/vecs-cli entry getcert --store MACHINE_SSL_CERT"
    " --alias __MACHINE_CERT | openssl x509 -noout -fingerprint -sha256"
)


def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the appliance in the archive.")
    ],
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST[:PORT]", help="Address of the appliance. Default: NAME."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", "-u", metavar="USER", help="User to log in as. Default: as in \\[defaults]."
        ),
    ] = None,
    secret_environment: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="Environment variable with the password."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the password.", dir_okay=False),
    ] = None,
    secret_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Command that prints the password. It runs without a shell."
        ),
    ] = None,
    secret_keyring: Annotated[
        str | None,
        typer.Option(metavar="SERVICE", help="Service in the system's keyring with the password."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CA certificates (PEM) to trust for it.", dir_okay=False),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="SHA-256 fingerprint its certificate must have."),
    ] = None,
    cadence: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How often a backup is expected: 90min, 12h, 1d."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="A tag. Repeatable."),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Pin the certificate without asking, whichever it is.",
        ),
    ] = False,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    r"""Add an appliance to the configuration, which is created if there is none.

    The command fetches the appliance's certificate, without logging in. If it is not trusted, you are
    asked whether to pin it. Say where the password is, here or in \[defaults]: it is never an argument.
    """
    import asyncio

    from archive.config import file, writing

    if pin is not None and ca_file is not None:
        raise UsageError("--pin and --ca-file exclude each other")
    given = {
        "name": name,
        "address": address,
        "user": user,
        "secret": _secret(secret_environment, secret_file, secret_command, secret_keyring),
        "ca_file": None if ca_file is None else str(ca_file.absolute()),
        "pin": None if pin is None else f"sha256:{pin.lower().removeprefix('sha256:')}",
        "cadence": cadence,
        "tags": _tags(tag or []),
    }
    values = {key: value for key, value in given.items() if value is not None}
    path = file.place(config)
    # Checked as part of the configuration before anything is connected to or written.
    entry = writing.draft(path, values)
    writing.require_writable(path)
    try:
        shown, distrust = asyncio.run(_look(entry))
    except ApplianceError as error:
        reason = f"{entry.name} was not added: {error.reason}"
        raise ApplianceError(reason, error.advice) from error
    _show(entry, shown, distrust)
    if distrust is not None:
        # The user has said what to trust, so there is nothing to ask.
        if ca_file is not None or pin is not None:
            raise ApplianceError(f"{entry.name} was not added: {distrust.reason}", distrust.advice)
        if not yes:
            _ask(entry, distrust, shown)
        # Only now: a pin takes the place of every other check.
        values["pin"] = shown.fingerprint
    writing.add(path, values)
    next_command = ["archive", "fleet", "test", name]
    if config is not None:
        next_command += ["--config", config]
    say(f"{entry.name} was added to {path}. Next, run: {shlex.join(next_command)}")


def _secret(
    environment: str | None, file: Path | None, command: str | None, keyring: str | None
) -> dict[str, Any] | None:
    """Return `secret` as the configuration writes it; None if no option names one.

    Paths become absolute, as the configuration may be in another folder. Raises UsageError for two
    sources.
    """
    ways: dict[str, Any] = {
        "environment": environment,
        "file": None if file is None else str(file.absolute()),
        "command": None if command is None else _words(command),
        "keyring": keyring,
    }
    given = {way: place for way, place in ways.items() if place is not None}
    if len(given) > 1:
        options = " and ".join(f"--secret-{way}" for way in given)
        raise UsageError(f"{options} exclude each other: a password has one source")
    return given or None


def _words(command: str) -> list[str]:
    """Return the words of a command as a shell would split them. Raises UsageError for an open quote."""
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--secret-command: {str(error).lower()} in {command!r}") from error


def _tags(written: list[str]) -> dict[str, str] | None:
    """Return tags by name, None without any; of a name that is given twice the last value counts.

    Raises UsageError without an equals sign.
    """
    tags = {}
    for tag in written:
        name, equals, value = tag.partition("=")
        if not equals:
            raise UsageError(f"invalid tag {quoted(tag)}: write NAME=VALUE")
        tags[name] = value
    return tags or None


async def _look(entry: Entry) -> tuple[Certificate, UntrustedError | None]:
    """Return the appliance's certificate, and why it is not trusted, or None if it is.

    It connects, without logging in. Raises ApplianceError if the appliance does not answer.
    """
    from archive.vcenter import certificate

    shown = await certificate.look(entry)
    return shown, await certificate.distrust(entry, shown)


def _show(entry: Entry, shown: Certificate, distrust: UntrustedError | None) -> None:
    """Print the certificate on standard error, as a question about it may follow there."""
    from archive.render.outline import Item, write

    trusted = f"no: {distrust.reason}" if distrust is not None else f"yes, {_by_what(entry)}"
    items = [
        Item("subject", shown.subject),
        Item("for", shown.for_names()),
        Item("issuer", shown.issuer),
        Item("valid from", f"{shown.valid_from:%Y-%m-%d %H:%M:%SZ}"),
        Item("valid until", f"{shown.valid_until:%Y-%m-%d %H:%M:%SZ}"),
        Item("SHA-256", shown.fingerprint.partition(":")[2]),
        Item("trusted", trusted),
    ]
    heading = f"The certificate of {entry.address}:"
    write([Item(heading, below=[item for item in items if item.value])], sys.stderr)


def _by_what(entry: Entry) -> str:
    """Return what the certificate is trusted by."""
    if entry.trust.pin is not None:
        return "it is the pinned certificate"
    if entry.trust.ca_file is not None:
        return f"by {entry.trust.ca_file}"
    return "by the certificates of this machine"


def _ask(entry: Entry, distrust: UntrustedError, shown: Certificate) -> None:
    """Ask whether to pin the certificate. Raises ApplianceError unless the answer is yes."""
    say(
        "Compare the SHA-256 with the one that this command prints in the appliance's shell:"
        f"\n  {_FINGERPRINT_COMMAND}"
    )
    # A script cannot compare fingerprints; the error names the option to use.
    if sys.stdin is None or not sys.stdin.isatty():
        raise ApplianceError(
            f"{entry.name} was not added: {distrust.reason}",
            f"if the SHA-256 is the appliance's own, add --pin {shown.fingerprint}; otherwise give the"
            " vCenter's root certificate as --ca-file",
        )
    if not typer.confirm("Is it the same? Pin this certificate?", err=True):
        raise ApplianceError(f"{entry.name} was not added: its certificate is not trusted")
