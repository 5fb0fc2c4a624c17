"""Write the manual page `deploy/share/man/man1/archive.1` from the command: `python -m docs.man`, `make man`."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.main
from rich.markup import render

import archive
from archive.cli.app import app
from archive.cli.options import GREATEST
from archive.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).parent.parent / "deploy" / "share" / "man" / "man1" / "archive.1"
# What troff or a terminal would show as another character.
_ESCAPES = str.maketrans(
    {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
)
# A whole number of any size.
_WHOLE = re.compile(rf"(\d+)<=x<={GREATEST}")
_DESCRIPTION = """\
vCenter Server appliances keep a limited history of their file-based backups. archive takes the backup jobs that an
appliance reports, keeps them in a database (SQLite, or PostgreSQL by URL), and reports on them.

Data goes to standard output, messages go to standard error. An error is one sentence that says what to do.

Where the wrapper /usr/local/bin/archive is installed, root runs the command as the user archive. That user needs
permission for files that options name. A redirection is opened by the caller."""
_EXIT_CODES = (
    ("0", "Success."),
    ("1", "An error. Nothing was archived."),
    ("2", "The command line was not understood."),
    (
        "3",
        "Partial success: something went to quarantine, or some files or appliances could not be archived.",
    ),
    (
        "130",
        "Interrupted.",
    ),
)
_CHECK_CODES = "The verb check has the exit codes of monitoring plugins instead: see there."
_ENVIRONMENT = (
    ("ARCHIVE_DATABASE_URL", "The database, unless --database names one."),
    ("ARCHIVE_CONFIG", "The configuration, unless --config names one."),
    ("NO_COLOR", "If set, tables have no colours and no bold headings."),
    ("COLUMNS", "The width of tables, in place of the terminal's."),
    ("TMPDIR", "The folder for temporary files: large answers of appliances wait there."),
    ("https_proxy, no_proxy", "The proxy for connections to appliances."),
    ("PGPASSWORD, PGPASSFILE", "The password for PostgreSQL, or the file that has it (~/.pgpass)."),
    (
        "XDG_CONFIG_HOME, XDG_DATA_HOME",
        "The user's folders, in place of ~/.config and ~/.local/share.",
    ),
    ("CREDENTIALS_DIRECTORY", "Where password files are looked for in a systemd unit."),
)
_FILES = (
    ("~/.config/archive/archive.toml", "The configuration of the user."),
    ("/etc/archive/archive.toml", "The configuration of the system, if the user has none."),
    (
        "~/.local/share/archive/archive.db",
        "The archive, unless the options, the environment or the configuration name another.",
    ),
    ("/var/lib/archive", "The home of the user archive, with the archive in it."),
    (
        "/opt/archive/share/archive",
        "Examples: a configuration, units for systemd, a crontab, files for monitoring, the bundle's installer.",
    ),
)


def page() -> str:
    """Return the page, whole, in the macros of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    context = typer.Context(root, info_name="archive")
    yield '.\\" Written by docs/man.py: change the help texts of the command, and run "make man".'
    yield f'.TH ARCHIVE 1 "" "archive {archive.__version__}" "User Commands"'
    yield '.\\" No hyphenation, left-aligned: options and names must not be broken.'
    yield from (".nh", ".ad l")
    yield ".SH NAME"
    summary = _text(root.help).rstrip(".")
    yield f"archive \\- {summary[0].lower()}{summary[1:]}"
    yield ".SH SYNOPSIS"
    yield from (
        ".B archive",
        "[\\fIoptions\\fR] \\fIverb\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]",
    )
    yield ".SH DESCRIPTION"
    yield from _paragraphs(_DESCRIPTION)
    yield ".SH OPTIONS"
    yield "The first two also follow a verb."
    yield from _records(root.params, context)
    yield ".SH VERBS"
    for command, inner in _commands(root, context):
        yield from _verb(command, inner, {param.name for param in root.params})
    yield ".SH REPORTS"
    yield from _tagged((f"\\fB{_text(one.name)}\\fR", one.question) for one in REPORTS.values())
    yield ".SH EXIT STATUS"
    yield from _tagged((f"\\fB{code}\\fR", meaning) for code, meaning in _EXIT_CODES)
    yield ".PP"
    yield from _paragraphs(_CHECK_CODES)
    yield ".SH ENVIRONMENT"
    yield from _tagged((f"\\fB{_text(name)}\\fR", meaning) for name, meaning in _ENVIRONMENT)
    yield ".SH FILES"
    yield from _tagged((f"\\fI{_text(path)}\\fR", meaning) for path, meaning in _FILES)
    yield ".SH SEE ALSO"
    yield "\\fBpsql\\fR(1), \\fBsqlite3\\fR(1), \\fBsystemctl\\fR(1), \\fBcrontab\\fR(5)"


def _commands(command: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """Yield each verb below a command, with its context, as help lists them."""
    for name, inner in getattr(command, "commands", {}).items():
        below = typer.Context(inner, info_name=name, parent=context)
        if hasattr(inner, "commands"):
            yield from _commands(inner, below)
        elif not inner.hidden:
            yield inner, below


def _verb(command: Any, context: typer.Context, known: set[str]) -> Iterator[str]:
    """Yield the section of a verb, without the options that all have."""
    usage = " ".join(["[OPTIONS]", *map(_usage, command.params)]).rstrip()
    yield f".SS {_text(context.command_path)} {_text(usage)}"
    yield from _paragraphs(command.help)
    yield from _records((param for param in command.params if param.name not in known), context)
    lines = [_text(line.strip()) for line in (command.epilog or "").splitlines() if line.strip()]
    if lines:
        yield from (".PP", lines[0], ".PP", ".RS", ".nf", *lines[1:], ".fi", ".RE")


def _usage(param: Any) -> str:
    """Return how an argument stands in the usage of its verb; an option does not."""
    if param.param_type_name != "argument":
        return ""
    name = _name(param)
    if name.endswith("..."):
        return name
    several = "..." if param.nargs == -1 else ""
    return f"{name}{several}" if param.required else f"[{name}]{several}"


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _records(params: Iterable[Any], context: typer.Context) -> Iterator[str]:
    """Yield arguments and options, with what help says of them."""
    for param in params:
        record = param.get_help_record(context)
        if record is None:  # hidden
            continue
        names, meaning = record
        if param.param_type_name == "argument":
            names = _name(param)
        # Behind the help stand the default and the range, which is no markup.
        said, more = param.help or "", meaning.removeprefix(param.help or "")
        more = _WHOLE.sub(r"x>=\1", more)
        yield from (".TP", _names(names), *_wrapped(f"{_text(said)} {_escaped(more)}"))


def _names(names: str) -> str:
    """Return what stands before the meaning: what is typed in bold, what it stands for in italics."""
    words = re.split(r"(\s+|,\s*)", names)
    styled = (
        f"\\fB{_text(word)}\\fR" if word.startswith("-") else f"\\fI{_text(word)}\\fR"
        for word in words[::2]
    )
    return "".join(
        style + separator for style, separator in zip(styled, [*words[1::2], ""], strict=True)
    )


def _tagged(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for tag, meaning in pairs:
        yield from (".TP", tag, *_wrapped(_text(meaning)))


def _paragraphs(text: str) -> Iterator[str]:
    first, *others = re.split(r"\n\n+", text)
    yield from _wrapped(_text(first))
    for other in others:
        yield from (".PP", *_wrapped(_text(other)))


def _wrapped(text: str) -> Iterator[str]:
    """Yield lines that are short, as is the custom; none begins as a request does."""
    for line in textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False):
        yield f"\\&{line}" if line.startswith(".") else line


def _text(text: str) -> str:
    """Return a text of help as troff reads it: on one line, without its markup."""
    return _escaped(render(text).plain)


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_ESCAPES)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
