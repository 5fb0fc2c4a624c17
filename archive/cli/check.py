"""`archive check`: a plugin for Nagios, Icinga and checkmk.

As the plugin guidelines demand, exit codes are 0 to 3 and errors go to standard output, too.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from archive.cli.check_options import (
    AppliancesArgument,
    CriticalAge,
    CriticalDrop,
    CriticalDuration,
    CriticalFailures,
    CriticalImport,
    CriticalMissed,
    CriticalOther,
    CriticalStuck,
    StaleOption,
    TimeoutOption,
    WarningAge,
    WarningDrop,
    WarningDuration,
    WarningFailures,
    WarningImport,
    WarningMissed,
    WarningOther,
    WarningStuck,
)
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    TagsOption,
    examples,
    open_reader,
    say,
)
from archive.cli.report_options import NowOption, RpoOption
from archive.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archive.monitoring.ranges import Range

EPILOG = examples(
    "archive check",
    "archive check vc01.example.com --warning-age 26h --critical-age 50h",
    "archive check 'vc0*' --critical-failures 2 --warning-drop 30%",
)


# Typer would exit with 2 for a wrong option, which monitoring systems take for CRITICAL.
class CheckCommand(TyperCommand):
    """A command whose every error is UNKNOWN (3), since 1 and 2 mean WARNING and CRITICAL."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the arguments."""
        with _unknown():
            return super().make_context(*arguments, **options)

    def invoke(self, *arguments: Any, **options: Any) -> Any:
        """Run the command."""
        with _unknown():
            return super().invoke(*arguments, **options)


@contextmanager
def _unknown() -> Iterator[None]:
    """Turn every error into the output and the exit code of UNKNOWN, except for `--debug`."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        from archive.cli import explain
        from archive.monitoring.plugin import Level, output

        reason = error.format_message() if isinstance(error, TyperException) else explain(error)[0]
        _print(output(Level.UNKNOWN, reason))
        raise typer.Exit(Level.UNKNOWN) from error


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Exit with UNKNOWN after so many seconds, before the monitoring system kills the plugin.

    A thread does it: while a driver waits for the database, Python handles no signals. Nothing is
    written, so the process can end at any point.

    `seconds` must be less than what the monitoring system waits, as it shows no output of a plugin
    that it killed.
    """

    def leave() -> None:
        from archive.monitoring.plugin import Level, output

        reason = f"the archive did not answer within {seconds:,} s (--timeout)"
        try:
            # Not `print`: another thread may hold the lock of standard output.
            os.write(1, output(Level.UNKNOWN, reason).encode())
        finally:
            os._exit(Level.UNKNOWN)

    watch = threading.Timer(seconds, leave)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _print(text: str) -> None:
    """Write the output; what cannot be written is UNKNOWN, too."""
    from archive.cli.output import open_output

    # A reader that closes the pipe early must not change the exit code.
    try:
        with suppress(typer.Exit), open_output(None) as out:
            out.write(text)
    except ArchiveError as error:  # its code would mean WARNING
        from archive.monitoring.plugin import Level

        say(f"archive: {error}")
        raise typer.Exit(Level.UNKNOWN) from error


def check(
    appliance: AppliancesArgument = None,
    tag: TagsOption = None,
    warning_age: WarningAge = None,
    critical_age: CriticalAge = None,
    warning_failures: WarningFailures = None,
    critical_failures: CriticalFailures = None,
    warning_missed: WarningMissed = None,
    critical_missed: CriticalMissed = None,
    warning_drop: WarningDrop = None,
    critical_drop: CriticalDrop = None,
    warning_duration: WarningDuration = None,
    critical_duration: CriticalDuration = None,
    warning_import: WarningImport = None,
    critical_import: CriticalImport = None,
    warning_stuck: WarningStuck = None,
    critical_stuck: CriticalStuck = None,
    warning_other: WarningOther = None,
    critical_other: CriticalOther = None,
    stale: StaleOption = None,
    timeout: TimeoutOption = 55,  # Nagios and Icinga wait for a minute
    rpo: RpoOption = None,
    now: NowOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Nagios/Icinga/checkmk plugin: report backup health.

    Exit code 0 is OK, 1 WARNING, 2 CRITICAL.

    3 is UNKNOWN: the archive is stale or cannot be read, or the command line is wrong.
    """
    from archive import db
    from archive.cli import parse
    from archive.monitoring import thresholds
    from archive.monitoring.verdict import verdict

    # First, so that a wrong range is reported without an archive, too.
    limits = thresholds.Thresholds(
        _ranges(
            {
                thresholds.AGE: warning_age,
                thresholds.CONSECUTIVE_FAILURES: warning_failures,
                thresholds.MISSED: warning_missed,
                thresholds.DROP: warning_drop,
                thresholds.DURATION: warning_duration,
                thresholds.IMPORT: warning_import,
                thresholds.STUCK: warning_stuck,
                thresholds.OTHER: warning_other,
            }
        ),
        _ranges(
            {
                thresholds.AGE: critical_age,
                thresholds.CONSECUTIVE_FAILURES: critical_failures,
                thresholds.MISSED: critical_missed,
                thresholds.DROP: critical_drop,
                thresholds.DURATION: critical_duration,
                thresholds.IMPORT: critical_import,
                thresholds.STUCK: critical_stuck,
                thresholds.OTHER: critical_other,
            }
        ),
    )
    stale_seconds = parse.seconds(stale) or thresholds.STALE_SECONDS
    with (
        _within(timeout),
        db.reading(open_reader(database, config)) as connection,
    ):
        scope = parse.scope(config, connection, appliance=appliance, tag=tag, rpo=rpo, now=now)
        found = verdict(connection, scope, limits, stale_seconds)
    _print(found.text)
    raise typer.Exit(found.level)


def _ranges(texts: Mapping[str, str | None]) -> dict[str, Range]:
    """Return the ranges that were given, by figure, in base units. Raises UsageError."""
    from archive.monitoring import ranges, thresholds

    return {
        name: ranges.parse(text, thresholds.UNITS[name])
        for name, text in texts.items()
        if text is not None
    }
