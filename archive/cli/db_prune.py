"""`archive db prune`: delete the details of old jobs, and keep their totals; and `archive db vacuum`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    examples,
    open_archive,
    say,
)
from archive.errors import UsageError
from archive.text import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.calendar import Calendar
    from archive.maintenance.prunable import Cut
    from archive.maintenance.prune import Prunable

EPILOG = examples(
    "archive db prune --keep 7y",
    "archive db prune --keep 7y --keep-failures 10y --verbose",
    "archive db prune --keep 18mo --yes",
)
VACUUM_EPILOG = examples("archive db vacuum")
_KEPT = re.compile(r"[1-9]\d{0,6}(d|w|mo|y)", re.ASCII)
# Less is more likely a wrong unit, and the rates of `rpo` are of 30 days.
_LEAST_DAYS = 60


def prune(
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="DURATION",
            help="Keep the jobs of this time, such as 90d, 18mo or 7y, and of the month it begins in.",
        ),
    ],
    keep_failures: Annotated[
        str | None,
        typer.Option(
            "--keep-failures", metavar="DURATION", help="Keep failed jobs longer, such as 10y."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Prune. Without it, only say what would be pruned.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also list what would be pruned by appliance.")
    ] = False,
    output_format: FormatOption = Format.TABLE,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Delete the details of old jobs: documents, messages and rows. Their totals stay.

    Reports on trends stay the same. The last success of each appliance, what came after it, and
    appliances on legal hold are kept. It runs in parts: after an interruption, run it again.
    """
    from archive import db, timestamps
    from archive.maintenance import prune as pruning
    from archive.maintenance import vacuum as vacuuming
    from archive.render.progress import progress
    from archive.store import settings

    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        calendar = settings.calendar(connection)
        cut = _cut(calendar, timestamps.now(), keep, keep_failures)
        found = pruning.plan(connection, cut)
    going = [one for one in found if not one.is_held]
    jobs = sum(one.jobs for one in going)
    if verbose:
        _list(found, output_format)
    _say_what_is_kept(found, cut)
    if not going:
        say(f"There is nothing to prune before {cut.jobs}.")
        return
    extent = (
        f"{counted(jobs, 'job')} of {counted(len(going), 'appliance')} from"
        f" {min(one.first_day for one in going)} to {max(one.last_day for one in going)}, with"
        f" {counted(sum(one.messages for one in going), 'message')}"
        f" ({counted(sum(one.rows for one in going), 'row')} in all)"
    )
    if not yes:
        say(f"This would prune {extent}. It cannot be undone. Run it again with --yes.")
        return
    with progress("Pruning", 1) as advance:
        done = pruning.prune(engine, cut, lambda done: advance(min(done / jobs, 1)))
    # A hold or an import may have come between: what was done counts.
    vacuuming.vacuum(engine)
    done_so = extent if done == jobs else counted(done, "job")
    say(f"Pruned {done_so}. Their totals stay.")


def vacuum(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Remove texts that nothing refers to any more, and make a SQLite file smaller.

    It needs as much free disk space as the SQLite file has. PostgreSQL frees its own.
    """
    from archive.columns import Kind
    from archive.db.compact import compact
    from archive.maintenance import vacuum as vacuuming
    from archive.render.units import readable

    engine = open_archive(database, config)
    removed = vacuuming.vacuum(engine)
    freed = compact(engine)
    smaller = f" The file is {readable(Kind.BYTES, freed)} smaller." if freed > 0 else ""
    say(f"{counted(removed, 'shared text')} removed.{smaller}")


def _cut(calendar: Calendar, now: str, keep: str, keep_failures: str | None) -> Cut:
    """Return the first days that are kept: those of a month. Raises UsageError."""
    from archive.maintenance.prunable import Cut

    jobs = _first_month("--keep", keep, calendar, now)
    if keep_failures is None:
        return Cut(jobs, jobs)
    failures = _first_month("--keep-failures", keep_failures, calendar, now)
    if failures > jobs:
        raise UsageError(
            f"--keep-failures {keep_failures} is less than --keep {keep}: failed jobs can only be kept"
            " longer"
        )
    return Cut(jobs, failures)


def _first_month(option: str, text: str, calendar: Calendar, now: str) -> str:
    from archive.reports.core import date_ranges

    word = text.strip().lower()
    if not _KEPT.fullmatch(word):
        raise UsageError(
            f"{option} {quoted(text)}: write how long to keep jobs, such as 90d, 12w, 18mo or 7y"
        )
    day = date_ranges.first_day(word, calendar, now)
    if day > date_ranges.days_before(calendar.day(now), _LEAST_DAYS):
        raise UsageError(f"{option} {quoted(text)}: keep at least {_LEAST_DAYS} days")
    return f"{day[:7]}-01"


def _list(found: Sequence[Prunable], output_format: Format) -> None:
    """List by appliance, on standard output."""
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.render.write import write

    columns = (
        Column("appliance"),
        Column("jobs", Kind.COUNT),
        Column("messages", Kind.COUNT),
        Column("rows", Kind.COUNT, expendable=3),
        Column("first_day", Kind.DAY),
        Column("last_day", Kind.DAY),
        Column("failures_kept", Kind.COUNT, expendable=2),
        Column("legal_hold", Kind.FLAG),
    )
    with open_output(None) as out:
        write(columns, found, output_format, out)


def _say_what_is_kept(found: Sequence[Prunable], cut: Cut) -> None:
    failures = sum(one.failures_kept for one in found if not one.is_held)
    if failures:
        say(f"{counted(failures, 'failed job')} before {cut.jobs} are kept (--keep-failures).")
    held = [one for one in found if one.is_held]
    if held:
        say(
            f"{counted(sum(one.jobs for one in held), 'job')} of {counted(len(held), 'appliance')} are"
            f" kept by legal hold: {', '.join(one.appliance for one in held)}."
        )
