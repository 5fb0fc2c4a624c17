"""The tree of verbs. Each verb imports what it needs when it runs, which keeps `--help` fast.

The options of the archive, of the configuration and of debugging are accepted before the verb, too.
Typer declares everything by the annotations of the functions; their docstrings are the help texts.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup, TyperOption
from typer.exceptions import TyperException

import archive
from archive.cli import (
    appliance,
    appliance_hold,
    check,
    collect,
    dashboard,
    db,
    db_copy,
    db_distribute,
    db_prune,
    demo,
    evidence,
    export,
    export_parquet,
    fleet,
    fleet_add,
    fleet_test,
    imports,
    ingest,
    job,
    log,
    mail,
    metrics,
    notify,
    quarantine,
    report,
    serve,
    sql,
)
from archive.cli.options import ConfigOption, DatabaseOption, DebugOption
from archive.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _masked_errors() -> Iterator[None]:
    """Mask passwords in the errors of the command line, which quote arguments such as a URL."""
    try:
        yield
    except TyperException as error:  # which quotes arguments
        error.message = mask_text(error.message)
        raise


class _Verbs(TyperGroup):
    """The verbs; no error about their arguments shows a password."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the arguments before the verb."""
        with _masked_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, *arguments: Any, **options: Any) -> Any:
        """Parse the arguments of the verb, and run it."""
        with _masked_errors():
            return super().invoke(*arguments, **options)


def _type_of_option(option: TyperOption, ctx: Any) -> str | None:
    """Return what help shows after an option; Typer would show `<bool>` after a flag."""
    return None if option.is_flag else _shown_type(option, ctx)


# Typer has no setting for this; the method is replaced for all options.
_shown_type = TyperOption.display_type_rich
TyperOption.display_type_rich = _type_of_option  # type: ignore[assignment, method-assign]

# Errors are shown by `main`: typer's own tracebacks would show local variables, passwords among
# them.
app = typer.Typer(
    name="archive",
    cls=_Verbs,
    help="Archive and report the backup history of a vCenter fleet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    """Print the version and end, before any other option is looked at (`is_eager`)."""
    if requested:
        typer.echo(f"archive {archive.__version__}")
        raise typer.Exit


@app.callback()
def root(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Accept these options before the verb, too."""


# In the order of the help text: from collecting to looking to looking after.
app.command("collect", epilog=collect.EPILOG)(collect.collect)
app.command("ingest", epilog=ingest.EPILOG)(ingest.ingest)
app.command("report", cls=report.ReportCommand, epilog=report.EPILOG)(report.report)
app.command("dashboard", epilog=dashboard.EPILOG)(dashboard.dashboard)
app.command("mail", epilog=mail.EPILOG)(mail.mail)
app.command("serve", epilog=serve.EPILOG)(serve.serve)
app.command("notify", epilog=notify.EPILOG)(notify.notify)
app.command("sql", epilog=sql.EPILOG)(sql.sql)
app.command("metrics", epilog=metrics.EPILOG)(metrics.metrics)
app.command("check", cls=check.CheckCommand, epilog=check.EPILOG)(check.check)
app.command("demo", epilog=demo.EPILOG)(demo.demo)
app.add_typer(imports.app, name="import")
appliance.app.command("hold", epilog=appliance_hold.HOLD_EPILOG)(appliance_hold.hold)
appliance.app.command("release", epilog=appliance_hold.RELEASE_EPILOG)(appliance_hold.release)
app.add_typer(appliance.app, name="appliance")
app.add_typer(job.app, name="job")
export.app.command("parquet", epilog=export_parquet.EPILOG)(export_parquet.export_parquet)
app.add_typer(export.app, name="export")
app.add_typer(quarantine.app, name="quarantine")
fleet.app.command("test", epilog=fleet_test.EPILOG)(fleet_test.run_checks)
fleet.app.command("add", epilog=fleet_add.EPILOG)(fleet_add.add)
app.add_typer(fleet.app, name="fleet")
app.add_typer(log.app, name="log")
app.add_typer(evidence.app, name="evidence")
db.app.command("copy", epilog=db_copy.COPY_EPILOG)(db_copy.copy)
db.app.command("backup", epilog=db_copy.BACKUP_EPILOG)(db_copy.backup)
db.app.command("distribute", epilog=db_distribute.EPILOG)(db_distribute.distribute)
db.app.command("undistribute", epilog=db_distribute.UNDO_EPILOG)(db_distribute.undistribute)
db.app.command("prune", epilog=db_prune.EPILOG)(db_prune.prune)
db.app.command("vacuum", epilog=db_prune.VACUUM_EPILOG)(db_prune.vacuum)
app.add_typer(db.app, name="db")


def _fill_lines(verbs: typer.Typer) -> None:
    """Join the lines of each paragraph of help: typer would break lines where the docstrings do, too."""
    for group in verbs.registered_groups:
        if group.typer_instance is not None:
            _fill_lines(group.typer_instance)
    for verb in verbs.registered_commands:
        paragraphs = (inspect.getdoc(verb.callback) or "").split("\n\n")
        verb.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


_fill_lines(app)
