"""What the verbs of `archive export` share: what is exported, and where it goes."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from archive.cli.options import GREATEST, say
from archive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from archive.export.relations import Relation
    from archive.store.selection import Extent

_STANDARD_OUTPUT = Path("-")

FolderArgument = Annotated[
    Path | None,
    typer.Argument(file_okay=False, help="Where the files go; made if it is not there."),
]
OneOutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where a single table or view goes, instead of a folder; - is standard output.",
        dir_okay=False,
    ),
]
TablesOption = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="NAME", help="Only this table; may be given repeatedly."),
]
ViewsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--view", metavar="NAME", help="Only this view, such as v_job; may be given repeatedly."
    ),
]
FromDayOption = Annotated[
    str | None,
    typer.Option("--since", metavar="DAY", help="Only jobs of this day (YYYY-MM-DD) and later."),
]
AfterOption = Annotated[
    int | None,
    typer.Option(
        "--after",
        metavar="NUMBER",
        min=0,
        max=GREATEST,
        help="Only jobs that imports after this number brought or changed; 0 is all of them."
        " The number for the next time is said on standard error.",
    ),
]


class Chosen(NamedTuple):
    """Tables and views to export, and where they go: into a folder, or a single one to a file.

    Without a folder and a file it is standard output.
    """

    relations: list[Relation]
    folder: Path | None
    file: Path | None

    @property
    def to_standard_output(self) -> bool:
        """Say whether it goes to standard output."""
        return self.folder is None and self.file is None

    def place(self, relation: Relation, ending: str) -> Path | None:
        """Return the file that a relation goes to; None for standard output."""
        return self.file if self.folder is None else self.folder / (relation.name + ending)

    def __str__(self) -> str:
        number = sum(not relation.name.startswith("v_") for relation in self.relations)
        parts = [(number, "table"), (len(self.relations) - number, "view")]
        return " and ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in parts if count)


def choose(
    tables: Sequence[str],
    views: Sequence[str],
    known_views: Collection[str],
    all_views: Sequence[str],
    folder: Path | None,
    output: Path | None,
) -> Chosen:
    """Return what is to be exported: all tables and `all_views`, if nothing is named.

    Of views only those that are known can be.

    Raises UsageError for names that there are not, and if it is not clear where they should go.
    """
    from archive.export import relations

    found = [relations.table(name) for name in dict.fromkeys(tables)]
    found += [relations.view(name, known_views) for name in dict.fromkeys(views)]
    if (folder is None) == (output is None):
        raise UsageError("name either a folder or, for a single table or view, -o FILE")
    if output is not None and len(found) != 1:
        raise UsageError("-o takes one table or view; name it with --table or --view")
    if not found:
        found += map(relations.table, relations.table_names())
        found += map(relations.view, all_views)
    return Chosen(found, folder, file_of(output))


def file_of(output: Path | None) -> Path | None:
    """Return the file that `-o` names; None for standard output."""
    return None if output == _STANDARD_OUTPUT else output


def extent_of(since: str | None, after: int | None) -> Extent:
    """Return which jobs are meant. Raises UsageError for what is no day."""
    from archive.reports import Scope
    from archive.store.selection import Extent

    return Extent(Scope(since=since).since, after)


def next_number(connection: Connection, extent: Extent) -> int | None:
    """Return the number for the next export, if this one starts after one."""
    from archive import timestamps
    from archive.store.selection import following

    if extent.after is None:
        return None
    return following(connection, extent.after, timestamps.now())


def say_next(number: int | None) -> None:
    """Say with which number the next export goes on; it is the last word."""
    if number is not None:
        say(f"For what comes next: --after {number}")


def progress(
    total: int, to_standard_output: bool = False
) -> AbstractContextManager[Callable[[float], None]]:
    """Show how far an export has come, unless it is written to the same terminal."""
    from archive.render import progress as bar

    if to_standard_output and sys.stdout is not None and sys.stdout.isatty():
        return nullcontext(lambda _: None)
    return bar.progress("export", total)


def counted(advance: Callable[[float], None], done: int) -> Callable[[float], None]:
    """Return what is told of a part of one relation, when so many are done."""
    return lambda part: advance(done + part)
