"""`archive sql`: list, print and run the queries in `sql/`.

The supplied queries only read. To run one, the archive must have the current schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    connect,
    examples,
)
from archive.errors import UsageError

if TYPE_CHECKING:
    from archive.reports.sql_files import Query, Result

EPILOG = examples(
    "archive sql",
    "archive sql last_success",
    "archive sql failures_this_week --param days=30 --param 'appliance=%.lon.example.com'",
    "archive sql jobs_by_build --show | psql mydatabase",
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
            metavar="NAME",
            help="The query to run. Default: list the queries.",
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
    """Run one of the supplied SQL queries, or list them."""
    from archive import columns
    from archive.cli.output import open_output
    from archive.render.write import write
    from archive.reports import sql_files

    values = _values(params or [])
    if name is None:
        if values or show:
            raise UsageError("no query named: `archive sql` lists the queries")
        result = _list(sql_files.queries())
    elif show:
        # There need be no archive: only the kind of database matters.
        query = sql_files.find(name, connect(database, config).dialect.name)
        with open_output(output) as out:
            out.write(query.text)
        return
    else:
        result = _run(name, values, database, config)
    with open_output(output) as out:
        write([columns.named(column) for column in result.columns], result.rows, output_format, out)


def _run(name: str, values: dict[str, str], database: str | None, config: str | None) -> Result:
    """Run a query in a reading transaction. Raises UsageError, SchemaError, DatabaseError."""
    from archive import db
    from archive.db import migrate as databases
    from archive.reports import sql_files

    engine = connect(database, config)
    query = sql_files.find(name, engine.dialect.name)
    # After the name, so that a mistyped one is reported even without an archive.
    databases.require(engine)
    with db.reading(engine) as connection:
        return sql_files.run(connection, query, values)


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
