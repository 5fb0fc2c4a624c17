"""Standard output, or files that appear only when they are complete.

Text is UTF-8 with the line ends that the writer gives it, whatever the locale: the same command
writes the same bytes on every machine. On standard output a lone surrogate, which UTF-8 does not
have, is escaped.
"""

from __future__ import annotations

import codecs
import io
import locale
import os
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TextIO, cast

import typer

from archive.atomic_write import atomic_write
from archive.errors import ArchiveError, UsageError
from archive.private_files import PRIVATE, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How every file of SQLite begins. Source: https://www.sqlite.org/fileformat.html, 1.3.
_SQLITE = b"SQLite format 3\0"
# Line ends are those of the writer: CR LF in CSV, LF in all else.
_TEXT = {"encoding": "utf-8", "newline": ""}


@contextmanager
def open_output(path: Path | None, mode: int | None = None) -> Iterator[TextIO]:
    """Open a file, or standard output for None, as text; line ends are not translated.

    The file gets `mode`, or without one the mode of the file it replaces; a new one is private.
    Raises ArchiveError if it cannot be written. The command ends if the reader of a pipe closes it.
    """
    with (
        _explained(path),
        _standard_output() if path is None else _file(path, "", mode, **_TEXT) as out,
    ):
        yield cast("TextIO", out)


def is_ascii() -> bool:
    """Whether standard output is not in UTF-8, by its encoding or the locale. Data is UTF-8 anyway."""
    names = (getattr(sys.stdout, "encoding", None), locale.getencoding())
    return any(name is not None and codecs.lookup(name).name != "utf-8" for name in names)


def is_watched() -> bool:
    """Whether standard output is a terminal or the journal of systemd, so that a summary is of use.

    cron sends a mail with whatever is printed, and scripts read only data. Source: `$JOURNAL_STREAM`
    in systemd.exec(5), the device and inode of the stream.
    """
    if sys.stdout is None:
        return False
    try:
        if sys.stdout.isatty():
            return True
        status = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):  # no file, as in tests
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


@contextmanager
def open_bytes(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file, or standard output for None, for bytes; raises as `open_output` does."""
    with _explained(path), _standard_bytes() if path is None else _file(path, "b") as out:
        yield cast("BinaryIO", out)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; it gets its name when it is complete.

    Raises ArchiveError if the folder exists and is not empty, or if it cannot be created.
    """
    target = path.resolve()
    try:
        if target.exists() and any(target.iterdir()):
            raise ArchiveError(f"{path}: the folder is not empty: name a new one")
        # In the same folder: only within a file system is a rename atomic.
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        make_folder(beside)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot create the folder: {error.strerror}") from error
    try:
        with _explained(path):
            yield beside
            beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    """Turn errors of writing into ArchiveError; `path` is None for standard output."""
    try:
        yield
    except BrokenPipeError as error:
        # `archive ... | head` is no error: it ends with code 0, and without a message.
        raise typer.Exit from error
    except OSError as error:
        name = "standard output" if path is None else path
        raise ArchiveError(f"{name}: cannot write: {error.strerror or error}") from error


@contextmanager
def _standard_output() -> Iterator[IO[Any]]:
    """Yield standard output as a text stream, and flush it; the stream itself stays open."""
    with _standard_bytes() as buffer:
        out = io.TextIOWrapper(buffer, "utf-8", "backslashreplace", newline="")
        try:
            yield out
            out.flush()
        except OSError:
            _forget_output()
            raise
        finally:
            # Otherwise the wrapper would close standard output when it is deleted.
            out.detach()


@contextmanager
def _standard_bytes() -> Iterator[IO[Any]]:
    """Yield standard output as a stream of bytes, and flush it."""
    if sys.stdout is None:
        raise ArchiveError("standard output is closed")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        _forget_output()
        raise


def _forget_output() -> None:
    """Lead standard output to nowhere, after a failure to write to it."""
    # Otherwise the interpreter would try to flush the buffer again when it exits.
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _file(path: Path, form: str, mode: int | None = None, **options: str) -> Iterator[IO[Any]]:
    """Yield a file beside the target, which replaces it at the end; a device is written to directly."""
    target = path.resolve()
    if target.exists() and not target.is_file():  # a device or a named pipe
        with target.open(f"w{form}", **options) as out:  # type: ignore[call-overload]  # by form
            yield out
        return
    _spare_database(path, target)
    if mode is None:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE
    with (
        atomic_write(target, mode) as written,
        written.open(f"w{form}", **options) as out,  # type: ignore[call-overload]  # by form
    ):
        yield out


def _spare_database(path: Path, target: Path) -> None:
    """Raise UsageError if a file is a SQLite database, or belongs to one: an archive is irreplaceable."""
    database = target
    for suffix in ("-wal", "-shm", "-journal"):
        if target.name.endswith(suffix):
            database = target.with_name(target.name.removesuffix(suffix))
    if not database.is_file():
        return
    # Closing the file ends SQLite's locks on it in this process, which ends without a further write.
    with database.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            return
    what = "is" if database == target else "belongs to"
    raise UsageError(f"{path} {what} a SQLite database, maybe an archive: name another file")
