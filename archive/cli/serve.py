"""`archive serve`: the page, the reports and metrics over HTTP."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    examples,
    open_archive,
    say,
)
from archive.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from archive.reports import Report, Scope
    from archive.serve.parameters import Parameter

EPILOG = examples(
    "archive serve",
    "archive serve --port 8090 --root-path /backups",
    "archive serve --host 0.0.0.0 --time-limit 10s --row-limit 20000",
)
# Arguments of `report` that are none of an address.
_OTHER = {
    "name", "plot", "list_", "time_limit", "output_format", "output", "database", "config", "debug",
}  # fmt: skip
# Ports have 16 bits.
_GREATEST_PORT = 65535


def serve(
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help=r"Address to listen on. Others than those of this machine require a token in \[serve].",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=_GREATEST_PORT, help="Port.")
    ] = 8080,
    root_path: Annotated[
        str,
        typer.Option(
            "--root-path", metavar="PATH", help="Path that a proxy leaves out, such as /backups."
        ),
    ] = "",
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Title of the page.")
    ] = None,
    time_limit: Annotated[
        str, typer.Option("--time-limit", metavar="TIME", help="Maximum time of an answer.")
    ] = "30s",
    row_limit: Annotated[
        int, typer.Option("--row-limit", metavar="N", min=1, help="Maximum rows of an answer.")
    ] = 100_000,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    r"""Serve the page, every report and metrics over HTTP. Nothing can be written.

    `/` is the page, `/reports` lists the reports. The options of `archive report` are parameters, as in
    `/reports/rpo.csv?appliance=vc0*`. For a proxy in front, see the documentation.
    """
    from archive import db
    from archive.cli.metrics import place
    from archive.cli.parse import seconds
    from archive.dashboard.page import TITLE

    try:
        from archive.serve import run
        from archive.serve.access import LOOPBACK
        from archive.serve.app import AT_ONCE
        from archive.serve.site import Limits, Site
    except ModuleNotFoundError as error:
        from archive import extras

        raise ConfigurationError(
            f'the server needs the extra "serve"; {extras.advice("serve")}'
        ) from error

    token = _token(config)
    if token is None and host not in LOOPBACK:
        raise UsageError(
            f"--host {host}: others could read the archive: add a section [serve] with a token to the"
            " configuration, or listen on 127.0.0.1 behind a proxy"
        )
    if root_path and (not root_path.startswith("/") or root_path.endswith("/")):
        raise UsageError(f"--root-path {root_path}: write it as /backups")
    limits = Limits(seconds=seconds(time_limit) or 0, rows=row_limit)
    engine = open_archive(database, config)
    site = Site(
        # A connection for each answer that is made at a time.
        engine=db.create_reader(engine.url, AT_ONCE, limits.seconds),
        # One for the page, one for the metrics.
        patient=db.create_reader(engine.url, 2, limits.page_seconds),
        place=place(engine),
        title=TITLE if title is None else title,
        parameters=parameters(),
        scopes=_Scopes(config),
        say=say,
        token=token,
        root_path=root_path,
        limits=limits,
    )
    with run.listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        run.serve(site, listening, lambda: say(f"Serving {place(engine)} at {address}"))


def _token(config: str | None) -> str | None:
    """Return the token of the section [serve] of the configuration, None if there is none."""
    from archive.cli import parse
    from archive.config import secrets

    fleet = parse.configuration(config)
    if fleet is None or fleet.token is None:
        return None
    return secrets.password(fleet.token, "serve", fleet.path, "token")


def parameters() -> tuple[Parameter, ...]:
    """Return the parameters of reports: the options of `archive report`, as they are declared there."""
    from archive.cli.report import report
    from archive.serve.parameters import Parameter

    found = []
    for argument, annotation in typing.get_type_hints(report, include_extras=True).items():
        if argument in _OTHER or typing.get_origin(annotation) is not Annotated:
            continue
        hint, option = typing.get_args(annotation)
        # Until Typer reads the declaration, the first name stands where a default would.
        names = (option.default, *(option.param_decls or ()))
        # Such as `list[str] | None`, or `Literal["day", ...]`.
        kinds = [one for one in (*typing.get_args(hint), hint) if one is not type(None)]
        kind = kinds[0] if typing.get_origin(hint) is not typing.Literal else hint
        choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
        found.append(
            Parameter(
                name=next(name for name in names if str(name).startswith("--"))[2:],
                argument=argument,
                help=option.help,
                type=kind if kind in (int, bool) else str,
                choices=choices,
                repeatable=typing.get_origin(kind) is list,
                least=option.min,
                greatest=option.max,
            )
        )
    return tuple(found)


class _Scopes:
    """The scopes that a configuration describes; it is read for each answer, as it may change."""

    def __init__(self, config: str | None) -> None:
        self._config = config

    def whole(self, connection: Connection) -> Scope:
        """Return the scope of the page and the metrics."""
        from archive.cli import parse

        return parse.scope(self._config, connection)

    def tags(self) -> Mapping[str, Mapping[str, str]]:
        """Return the tags of appliances."""
        from archive.cli import parse

        return parse.tags(self._config)

    def asked(
        self, connection: Connection, report: Report, values: Mapping[str, Any]
    ) -> tuple[Scope, dict[str, Any]]:
        """Return the scope of a report, and the options that it does not show."""
        from archive.cli import asked_report

        scope = asked_report.scope(connection, self._config, report, **values)
        return scope, asked_report.further(scope, values.get("tag"), values.get("now"))
