"""`archive job`: list jobs, and show one in full.

A list has what the tables of jobs and messages have, one row for each job. A single job is put
together from all tables with a part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archive.cli.options import (
    GREATEST,
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    SinceOption,
    TypesOption,
    UntilOption,
    examples,
    open_reader,
    say,
)
from archive.errors import UsageError
from archive.text import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.document.flatten import Content
    from archive.messages import Forms, Shown
    from archive.render.outline import Item
    from archive.store.job_reader import ArchivedJob

app = typer.Typer(no_args_is_help=True, help="List jobs, and show one in full.")

LIST_EPILOG = examples(
    "archive job list --status FAILED --since 2026-07-01",
    "archive job list --appliance 'vc0*' --message snapshot --format csv",
)
SHOW_EPILOG = examples(
    "archive job show vc01.example.com 20260723-021500-25148086",
    "archive job show vc01.example.com 20260723-021500-25148086 --locale de_DE",
    "archive job show vc01.example.com 20260723-021500-25148086 --format json",
)


@app.command("list", epilog=LIST_EPILOG)
def list_jobs(
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", "-s", metavar="STATUS", help="Only jobs with this status. Repeatable."
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    job_type: TypesOption = None,
    message: Annotated[
        str | None,
        typer.Option(
            "--message",
            "-m",
            metavar="TEXT",
            help="Only jobs with this text in a message, its id, arguments or params (ASCII letters in"
            " any case).",
        ),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            "-n",
            min=0,
            max=GREATEST,
            help="Number of jobs to list, newest first. 0: all.",
        ),
    ] = 100,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """List jobs, newest first."""
    from itertools import chain, islice

    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_output
    from archive.render.write import write
    from archive.reports import jobs
    from archive.store import settings

    # One more row shows whether there are more jobs, faster than counting them.
    most = min(limit + 1, GREATEST) if limit else None
    wanted = jobs.JobFilter(tuple(name.upper() for name in status or ()), message, most)
    with db.reading(open_reader(database, config)) as connection:
        scope = parse.scope(
            config,
            connection,
            since=since,
            until=until,
            appliance=appliance,
            job_type=job_type,
            with_cadences=False,
        )
        zone = settings.calendar(connection).zone
        found = jobs.run(connection, scope, wanted)
        # The first row is fetched before the output is opened, so that an error leaves an old file
        # as it was.
        first = next(found, None)
        rows = iter(()) if first is None else chain((first,), found)
        with open_output(output) as out:
            write(jobs.COLUMNS, islice(rows, limit or None), output_format, out, zone)
        more = sum(1 for _ in rows)  # reading to the end closes the cursor
    if first is None:
        say("No jobs.")
    elif more:
        say(f"Newest {counted(limit, 'job')} shown. List all with --limit 0.")


@app.command("show", epilog=SHOW_EPILOG)
def show_job(
    appliance: Annotated[str, typer.Argument(help="Name of the appliance.")],
    key: Annotated[str, typer.Argument(help="Job key, as in `archive job list`.")],
    output_format: Annotated[
        Literal["table", "json"],
        typer.Option(
            "--format",
            "-f",
            help="table, or json: the document as archived, with passwords hidden.",
        ),
    ] = "table",
    locale: Annotated[
        str | None,
        typer.Option(
            "--locale",
            metavar="LOCALE",
            help="Write times and numbers in messages in the style of this locale, such as de_DE."
            " Default: the style of the API.",
        ),
    ] = None,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Show everything that the archive knows about a job.

    Times are in the time zone of the archive's calendar.
    """
    from archive import db, messages
    from archive.cli.output import open_output
    from archive.render import outline, records
    from archive.store import job_reader, settings

    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        job = job_reader.job(connection, appliance, key)
    if job is None:
        raise UsageError(
            f"no job {quoted(key)} of appliance {quoted(appliance)}: see `archive job list`"
        )
    with open_output(output) as out:
        if output_format == "json":
            out.write(records.escaped(_without_passwords(job.text)) + "\n")
        else:
            outline.write(_items(job, zone, messages.forms(zone, locale)), out)


def _without_passwords(text: str) -> str:
    """Return a document's JSON with passwords hidden; unchanged if it has none."""
    from archive import json_numbers
    from archive.masking import mask_json

    document = json_numbers.loads(text)
    masked = mask_json(document)
    return text if masked == document else json_numbers.dumps(masked)


def _values(job: ArchivedJob, zone: str) -> dict[str, str | None]:
    """Return the labelled values of a job.

    Values are texts for people, None for what the document does not have. Passwords in the location
    are hidden.
    """
    from archive.masking import mask_url
    from archive.render.units import duration, moment, size

    rows, columns = job.rows, job.rows.job
    location = rows.location and mask_url(rows.location.url + (columns.location_folder or ""))
    progress = (
        None
        if columns.progress_total is None
        else f"{columns.progress_completed} of {columns.progress_total}"
    )
    return {
        "appliance": job.appliance,
        "key": job.key,
        "status": columns.status,
        "type": columns.type,
        "day": job.day,
        "start time": columns.start_time and moment(columns.start_time, zone),
        "end time": columns.end_time and moment(columns.end_time, zone),
        "duration": None
        if columns.duration_seconds is None
        else duration(columns.duration_seconds)
        + (" (end minus start)" if columns.duration_derived else ""),
        "size": None
        if columns.size_bytes is None
        else f"{size(columns.size_bytes)} ({columns.size_bytes:,} bytes)",
        "progress": progress,
        "location": location,
        "location user": columns.location_user,
        "build": rows.build
        and f"{rows.build.version_name}: {rows.build.version} ({rows.build.build_number})",
        "fast backup": _flag(columns.fast_backup),
        "cancelable": _flag(columns.cancelable),
        "user": columns.user_name,
        "parent": columns.parent,
        "target": columns.target_id and f"{columns.target_type} {columns.target_id}",
        "operation": rows.operation and rows.operation.operation,
        "first seen": moment(job.seen.first_seen, zone),
        "last seen": moment(job.seen.last_seen, zone),
        "import": str(job.run_id),
        "digest": f"SHA-256 {job.digest.hex()}",
        "stored whole": "yes, the tables cannot hold or must not show all of it"
        if job.irregular
        else None,
    }


def _items(job: ArchivedJob, zone: str, forms: Forms) -> Iterator[Item]:
    """Yield what is known of a job, as items of an outline: values, statuses, messages, findings.

    The order is that of interest: the outcome first, technical values last, then lists.
    """
    from archive.render.outline import Item
    from archive.render.units import moment

    rows = job.rows
    yield from (Item(label, value) for label, value in _values(job, zone).items() if value)
    yield Item(
        "statuses",
        below=[
            Item(status, f"since {moment(at, zone)}")
            # By the time at which each was first observed.
            for status, at in sorted(job.seen.statuses.items(), key=lambda item: item[::-1])
        ],
    )
    if rows.messages:
        yield Item("messages", below=[_message(*message, forms) for message in rows.messages])
    if rows.error:
        known = {
            "class": rows.error.class_name,
            "type": rows.error.error_type,
            "data": rows.error.data,
        }
        yield Item("error", below=[Item(label, value) for label, value in known.items() if value])
    if job.findings:
        below = [Item(f"{found.code} ({found.field})", found.detail) for found in job.findings]
        yield Item("findings", below=below)


def _flag(value: bool | None) -> str | None:
    """Return a flag as a word; None if it is not known."""
    return None if value is None else ("yes" if value else "no")


def _message(role: str, content: Content, forms: Forms) -> Item:
    """Return a message with its id, arguments and params below.

    The id is always shown: it is the same in every language.
    """
    from archive import messages
    from archive.render.outline import Item

    below = [Item("id", content.template.message_id)]
    if content.localized is not None:
        below.append(Item("default message", content.template.default_message))
    below += [Item(f"argument {place}", value) for place, value in enumerate(content.args, 1)]
    if content.params:
        below.append(Item("params", below=_params(messages.params(content.params, forms))))
    return Item(role, messages.text(content, forms), below)


def _params(params: list[Shown]) -> list[Item]:
    """Return params as items, with those of their nested messages below."""
    from archive.render.outline import Item

    return [Item(param.name, param.value, _params(param.below)) for param in params]
