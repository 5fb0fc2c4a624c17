"""What the verbs of `archive export` share: options, tables and views, destination, progress.

`--since` goes by the day of a job, `--after` by the import that brought or changed it. The number
for the next export is read together with the rows, and printed at the end on standard error.
"""

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

# `-` as most programs have it; a file of that name is `./-`.
_STANDARD_OUTPUT = Path("-")

FolderArgument = Annotated[
    Path | None,
    typer.Argument(file_okay=False, help="Folder for the files. It is created if needed."),
]
OneOutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File for a single table or view, instead of a folder. - is standard output.",
        dir_okay=False,
    ),
]
TablesOption = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="NAME", help="Only this table. Repeatable."),
]
ViewsOption = Annotated[
    list[str] | None,
    typer.Option("--view", metavar="NAME", help="Only this view, such as v_job. Repeatable."),
]
AfterOption = Annotated[
    int | None,
    typer.Option(
        "--after",
        metavar="NUMBER",
        min=0,
        max=GREATEST,
        help="Only jobs that are new or changed since the import with this number; 0: all jobs. The"
        " number for the next export is printed on stderr.",
    ),
]


class Chosen(NamedTuple):
    """Tables and views to export, and their destination: a folder, or for a single one a file.

    Without folder and file, it is standard output.
    """

    relations: list[Relation]
    folder: Path | None
    file: Path | None

    @property
    def to_standard_output(self) -> bool:
        """Whether the export goes to standard output."""
        return self.folder is None and self.file is None

    def place(self, relation: Relation, ending: str) -> Path | None:
        """Return the file for a relation; None for standard output."""
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
    """Return the tables and views to export: all tables and `all_views`, if none is named.

    Raises UsageError for unknown tables and views, and unless there is one destination.

    A name that is given twice counts once. `known_views` are those that the format can write.

    The order is that of the options, tables first. Without names it is that of
    `relations.table_names`.
    """
    from archive.export import relations

    found = [relations.table(name) for name in dict.fromkeys(tables)]
    found += [relations.view(name, known_views) for name in dict.fromkeys(views)]
    if (folder is None) == (output is None):
        raise UsageError("no destination, or two: name a folder, or -o FILE for one table or view")
    if output is not None and len(found) != 1:
        raise UsageError("-o needs exactly one table or view: name it with --table or --view")
    if not found:
        found += map(relations.table, relations.table_names())
        found += map(relations.view, all_views)
    return Chosen(found, folder, file_of(output))


def file_of(output: Path | None) -> Path | None:
    """Return the file that `-o` names; None for standard output."""
    return None if output == _STANDARD_OUTPUT else output


def extent_of(connection: Connection, since: str | None, after: int | None) -> Extent:
    """Return which jobs to export. Raises UsageError for an invalid date.

    `since` is a date range, of which the first day counts; `after` the number of an import.
    """
    from archive.cli import parse
    from archive.store.selection import Extent

    first, _ = parse.days(connection, since, None, parse.instant(None))
    return Extent(first, after)


def next_number(connection: Connection, extent: Extent) -> int | None:
    """Return the number for the next export; None if this one has no --after.

    It is read in the transaction of the export, so that no job is left out or comes twice.
    """
    from archive import timestamps
    from archive.store.selection import following

    if extent.after is None:
        return None
    return following(connection, extent.after, timestamps.now())


def say_next(number: int | None) -> None:
    """Print the number for the next export, as the last message."""
    if number is not None:
        say(f"For the next export, use --after {number}")


def progress(
    total: int, to_standard_output: bool = False
) -> AbstractContextManager[Callable[[float], None]]:
    """Show the progress of an export, unless the export goes to the same terminal.

    The total is the number of relations, or 1 for a single stream.
    """
    from archive.render import progress as bar

    # A bar between the rows would make both unreadable.
    if to_standard_output and sys.stdout is not None and sys.stdout.isatty():
        return nullcontext(lambda _: None)
    return bar.progress("Exporting", total)


def part_of(advance: Callable[[float], None], done: int) -> Callable[[float], None]:
    """Return a function that reports the progress within one relation, after `done` others."""
    return lambda part: advance(done + part)
