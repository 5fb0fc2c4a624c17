"""`archive evidence`: write a bundle for auditors, check one, and print the head of the chain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    SinceOption,
    UntilOption,
    evidence_key,
    examples,
    open_reader,
    say,
)
from archive.errors import CheckError, UsageError
from archive.masking import mask_text
from archive.text import counted, without_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archive.maintenance.evidence_check import Head
    from archive.store.evidence_chain import Key

_HELP = ("-h", "--help")
_HEAD = re.compile(r"([1-9][0-9]{0,18}):([0-9a-f]{64})", re.ASCII)


class _Exporting(TyperGroup):
    """The verbs of a group of which `export` may be left out: `archive evidence -o DIRECTORY`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Add the verb if there is none."""
        if args and args[0].startswith("-") and args[0] not in _HELP:
            args = ["export", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Exporting,
    no_args_is_help=True,
    help="Write a bundle of evidence for auditors, and verify the chain of evidence.",
)


@app.command(
    "export",
    epilog=examples(
        "archive evidence export --since 2026-01-01 -o evidence-2026",
        "archive evidence export --since 2026-Q1 -a 'vc0*' -o evidence-q1",
    ),
)
def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIRECTORY",
            help="A new or empty folder. It appears when it is complete.",
            file_okay=False,
        ),
    ],
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write a folder that an auditor can check with sha256sum and the page README.txt in it.

    It has the documents of the jobs, expected backups, schedules, settings, logs and the chain of
    evidence. Passwords are hidden. The same archive and options give the same bytes.
    """
    from archive import db
    from archive.cli import parse
    from archive.cli.output import new_folder
    from archive.maintenance import evidence_bundle
    from archive.maintenance.evidence_bundle import Selected
    from archive.render.progress import progress

    with db.reading(open_reader(database, config, None)) as connection:
        first, last = parse.days(connection, since, until, parse.instant(None))
        if first and last and first > last:
            raise UsageError(f"the first day {first} is after the last day {last}")
        selected = Selected(first, last, tuple(appliance or ()))
        with new_folder(output) as folder, progress("Writing", 1) as advance:
            written = evidence_bundle.write(connection, folder, selected, advance)
            sums = evidence_bundle.file_digest(folder / evidence_bundle.SUMS)
    say(f"{counted(written.documents, 'document')} written to {output}. Head: {written.head}.")
    say(f"SHA-256 of {evidence_bundle.SUMS}: {sums}")


@app.command(
    "verify",
    epilog=examples(
        "archive evidence verify evidence-2026",
        "archive evidence verify evidence-2026 --database archive.db",
        "archive evidence verify --head 1234:5f3a...",
    ),
)
def verify(
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIRECTORY",
            help="A bundle of evidence. Default: verify the chain of the archive itself.",
            file_okay=False,
            exists=True,
        ),
    ] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            "--head",
            metavar="NUMBER:LINK",
            help="A head of the chain, as printed or mailed before, that must be in it. Repeatable.",
        ),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Verify a bundle, with --database also against that archive; or the chain of the archive.

    Prints one line for each problem, with file and line. With the key in the configuration, the HMACs
    are verified, too. Exit code 1: there are problems.
    """
    from archive import db
    from archive.maintenance import evidence_check, verify_evidence
    from archive.store import evidence_chain

    heads = [_parse_head(each) for each in head or ()]
    if directory is None:
        with db.reading(open_reader(database, config, None)) as connection:
            _report(verify_evidence.problems(connection), "the chain")
            for one in heads:
                verify_evidence.require_head(connection, one.number, bytes.fromhex(one.link))
            say(f"No problems found. Head: {evidence_chain.head(connection)}.")
            _say_keys(evidence_chain.keys(connection), evidence_chain.key_of(connection))
        return
    _report(evidence_check.check(directory, evidence_key(config), heads), str(directory))
    if database is not None:
        with db.reading(open_reader(database, config, None)) as connection:
            _report(evidence_check.compare(connection, directory), str(directory))
    say("No problems found.")


@app.command("head", epilog=examples("archive evidence head"))
def print_head(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Print the number and the digest of the newest link of the chain: keep copies elsewhere."""
    from archive import db
    from archive.store import evidence_chain

    with db.reading(open_reader(database, config)) as connection:
        typer.echo(str(evidence_chain.head(connection)))


def _say_keys(numbers: dict[str | None, int], key: Key | None) -> None:
    """Say how many links were made with which key, if any were; not all may be verified."""
    if key is None and numbers.keys() <= {None}:
        return
    for name, number in numbers.items():
        links = counted(number, "link")
        if name is None:
            say(f"{links} without a key.")
        elif key is not None and name == key.id:
            say(f"{links} with the configured key.")
        else:
            say(f"{links} with the key {name}, whose HMACs were not verified.")


def _parse_head(text: str) -> Head:
    from archive.maintenance.evidence_check import Head

    match = _HEAD.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            "--head: write a number, a colon and 64 hexadecimal digits, as `archive evidence head`"
            " prints them"
        )
    return Head(int(match[1]), match[2])


def _report(problems: Iterable[str], place: str) -> None:
    """Print problems as they are found. Raises CheckError if there are any."""
    number = 0
    for sentence in problems:
        number += 1
        typer.echo(without_controls(mask_text(sentence)))
    if number:
        raise CheckError(f"{counted(number, 'problem')} found in {place}")
