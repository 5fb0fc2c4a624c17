"""`archive sql`: list, print and run the queries in `sql/`, and run those of the user.

The supplied queries only read, and those of the user can only read. To run one, the archive must
have the current schema.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli import parse
from archive.cli.options import (
    TIME_LIMIT,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    TimeLimitOption,
    connect,
    examples,
    open_reader,
    within,
)
from archive.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.reports.sql_files import Query, Result

EPILOG = examples(
    "archive sql",
    "archive sql last_success",
    "archive sql failures_this_week --param days=30 --param 'appliance=%.lon.%'",
    "archive sql jobs_by_build --show | psql mydatabase",
    "archive sql 'SELECT appliance, max(day) FROM v_job GROUP BY 1' --format csv",
    "archive sql report.sql --time-limit 1h",
)


def _complete(incomplete: str) -> list[tuple[str, str]]:
    """Return the queries whose names start with the text, for the shell."""
    from archive.reports import sql_files

    return [
        (query.name, query.title)
        for query in sql_files.queries()
        if query.name.startswith(incomplete)
    ]


def sql(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|SQL|FILE",
            help="The query to run: a name, your own SQL, a file that ends in .sql, or - for standard"
            " input. Default: list the queries.",
            autocompletion=_complete,
        ),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="Value of a param, instead of its default. Repeatable.",
        ),
    ] = None,
    time_limit: TimeLimitOption = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print the query, to run it in psql or sqlite3."),
    ] = False,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Run one of the supplied SQL queries, or your own, or list them.

    Queries run in a read-only transaction. Your own is one statement, and passwords in its rows are hidden.
    """
    from archive import columns
    from archive.cli.output import open_output
    from archive.render.units import UTC
    from archive.render.write import write
    from archive.reports import sql_files

    values, limit = _values(params or []), parse.seconds(time_limit) or TIME_LIMIT
    own = None if name is None else _own(name)
    zone = UTC
    if name is None:
        if values or show:
            raise UsageError("no query named: `archive sql` lists the queries")
        result = _list(sql_files.queries())
    elif own is not None:
        if values or show:
            raise UsageError("--param and --show are for the supplied queries")
        _run_own(own, limit, open_reader(database, config, limit), output_format, output)
        return
    elif show:
        # There need be no archive: only the kind of database matters.
        query = sql_files.find(name, connect(database, config).dialect.name)
        with open_output(output) as out:
            out.write(query.text)
        return
    else:
        result, zone = _run(name, values, database, config, limit)
    with open_output(output) as out:
        named = [columns.named(column) for column in result.columns]
        write(named, result.rows, output_format, out, zone)


def _run(
    name: str, values: dict[str, str], database: str | None, config: str | None, limit: int
) -> tuple[Result, str]:
    """Run a query in a reading transaction; return the result, and the zone of the archive.

    Raises UsageError, SchemaError, DatabaseError.
    """
    from archive import db
    from archive.reports import sql_files
    from archive.store import settings

    query = sql_files.find(name, connect(database, config).dialect.name)
    # After the name, so that a mistyped one is reported even without an archive.
    engine = open_reader(database, config, limit)
    with within(name, limit), db.reading(engine) as connection:
        return sql_files.run(connection, query, values), settings.calendar(connection).zone


def _own(given: str) -> str | None:
    """Return the text of the user's own query; None for the name of a supplied one.

    Raises UsageError for a file that cannot be read.
    """
    if given == "-":
        return sys.stdin.read() if sys.stdin is not None else ""
    if given.lower().endswith(".sql") and not given.rstrip().count("\n"):
        try:
            return Path(given).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UsageError(f"{given}: cannot be read: {reason}") from error
    return given if any(map(str.isspace, given)) else None


def _shown(value: Any) -> Any:
    """Return a value of a user's own query as it is shown; a text may be a whole document in JSON."""
    from archive import json_numbers
    from archive.masking import mask_json, mask_text
    from archive.reports.sql_files import plain

    value = plain(value)
    if not isinstance(value, str):
        return value
    if value.startswith(("{", "[")):
        with suppress(ValueError, RecursionError):  # no JSON
            parsed = json_numbers.loads(value)
            masked = mask_json(parsed)
            return value if masked == parsed else json_numbers.dumps(masked)
    return mask_text(value)


def _run_own(
    text: str, seconds: int, engine: Engine, output_format: Format, output: Path | None
) -> None:
    """Write the rows of the user's own query, each as soon as it comes."""
    from archive import columns, db
    from archive.cli.output import open_output
    from archive.render.write import write
    from archive.store import settings

    with db.reading(engine) as connection:
        zone = settings.calendar(connection).zone
    with db.own_query(engine, text, seconds) as result, open_output(output) as out:
        named = [columns.named(column) for column in result.columns]
        write(named, (tuple(map(_shown, row)) for row in result.rows), output_format, out, zone)


def _values(params: list[str]) -> dict[str, str]:
    """Return the params given, as texts by name. Raises UsageError for a name that is given twice."""
    values = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals:
            raise UsageError(f"--param {param}: write NAME=VALUE")
        if name in values:
            raise UsageError(f"--param {name}: given twice")
        values[name] = value
    return values


def _list(known: list[Query]) -> Result:
    """Return the queries as a result: name, title, params with their defaults."""
    from archive.reports.sql_files import Result

    rows = [
        (
            query.name,
            query.title,
            ", ".join(f"{param.name}={param.value}" for param in query.params),
        )
        for query in known
    ]
    return Result(("name", "answers", "params"), rows)
