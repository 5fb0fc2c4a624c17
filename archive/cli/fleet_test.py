"""`archive fleet test`: check that appliances can be collected from.

Passwords are read and used, as in a collection; nothing is archived, so no archive is needed. The
checks are those of `archive.collect.preflight`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from archive.cli import ERROR, PARTIAL
from archive.cli.fleet import (
    PatternsArgument,
    enabled_entries,
    read_fleet,
    warn_of_unverified,
)
from archive.cli.options import (
    ConfigOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    TagsOption,
    examples,
    say,
)
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.collect.preflight import Examination
    from archive.config.settings import Entry, Fleet

    Row = tuple[str, str, str, str | None, str | None]

EPILOG = examples(
    "archive fleet test",
    "archive fleet test vc01.example.com",
    "archive fleet test --tag site=Berlin --format csv -o checks.csv",
)


def run_checks(
    patterns: PatternsArgument = None,
    tag: TagsOption = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Check connection, certificate, login and API of appliances; change nothing.

    For one appliance the table shows every check; for several, one line for each that is ok and the
    problems of the others. CSV and JSON always have every check. Exit code 0: no appliance failed;
    3: some failed; 1: all failed.
    """
    fleet = read_fleet(config)
    entries = enabled_entries(fleet, patterns, tag)
    warn_of_unverified(entries)
    examined = _examine(fleet, entries)
    _write(examined, output_format, output)
    results = [examination.result for _, examination in examined]
    _summarise(len(entries), results)
    raise typer.Exit(_exit_code(len(entries), results))


def _examine(fleet: Fleet, entries: Sequence[Entry]) -> list[tuple[Entry, Examination]]:
    """Check the appliances; return results in the order of the configuration.

    Appliances that an interrupt left unchecked are missing.
    """
    from archive.collect.preflight_run import check as run
    from archive.render.progress import progress

    examined: dict[str, tuple[Entry, Examination]] = {}
    with progress("Testing appliances", len(entries)) as advance:

        def on_checked(entry: Entry, examination: Examination) -> None:
            examined[entry.name] = (entry, examination)
            advance(len(examined))

        # An interrupt ends it early; appliances that were not started have no result.
        run(fleet, entries, on_checked)
    return [examined[entry.name] for entry in entries if entry.name in examined]


def _write(
    examined: Sequence[tuple[Entry, Examination]], output_format: Format, output: Any
) -> None:
    """Write a row for each check: all of them, or in a table of several appliances the problems."""
    from archive.cli.output import open_output
    from archive.columns import Column
    from archive.render.write import write

    columns = [Column(name) for name in ("appliance", "check", "result", "detail", "advice")]
    # People want the problems; programs get every check.
    rows = _summary if output_format is Format.TABLE and len(examined) > 1 else _rows
    with open_output(output) as out:
        write(columns, rows(examined), output_format, out)


def _rows(examined: Iterable[tuple[Entry, Examination]]) -> Iterator[Row]:
    """Yield every check of every appliance, in the order in which they run."""
    from archive.collect.preflight import CHECKS

    for entry, examination in examined:
        for name in CHECKS:
            yield (entry.name, name, *examination.found[name])


def _summary(examined: Iterable[tuple[Entry, Examination]]) -> Iterator[Row]:
    """Yield one line for an appliance that is ok, and the problems of each other one."""
    from archive.collect.preflight import FAILED, OK, WARNING

    for entry, examination in examined:
        if examination.result == OK:
            details = (examination.found[name].detail for name in ("version", "details"))
            yield entry.name, "all", OK, "; ".join(details), None
            continue
        for row in _rows([(entry, examination)]):
            _, _, result, _, _ = row
            if result in (FAILED, WARNING):
                yield row


def _summarise(asked: int, results: Sequence[str]) -> None:
    """Say how many appliances are ok, have warnings, failed, or were not checked."""
    from archive.collect.preflight import FAILED, OK, WARNING

    names = {OK: "ok", WARNING: "with warnings", FAILED: "failed"}
    parts = [f"{results.count(result):,} {name}" for result, name in names.items()]
    if len(results) < asked:
        parts.append(f"{asked - len(results):,} not checked")
    say(f"{counted(asked, 'appliance')}: {', '.join(parts)}.")


def _exit_code(asked: int, results: Sequence[str]) -> int:
    """Return 0 if every appliance was examined and none failed, 1 if all of them failed, otherwise 3."""
    from archive.collect.preflight import FAILED

    fine = len(results) - results.count(FAILED)
    if fine == asked:
        return 0
    return PARTIAL if fine else ERROR
