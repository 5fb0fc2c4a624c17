"""Open inputs: files or standard input, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import tempfile
import zlib
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from archive.errors import InputError
from archive.ingest.json_stream import LONGEST_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first two bytes of gzip data (RFC 1952).
_GZIP = b"\x1f\x8b"
# The first bytes of other compressed files. Text starts with none of them.
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    _GZIP: "gzipped twice",
}
STANDARD_INPUT = "-"
# Bytes: enough to recognise the format of an input.
_BUFFER = 1 << 16
# Bytes of a pipe held in memory; a longer input continues in a temporary file.
_IN_MEMORY = 16 << 20


class OpenFile(NamedTuple):
    """An open input; `content` is unzipped, `stored` is the file as it is.

    `size` is the stored size in bytes, None if unknown.
    """

    name: str
    content: io.BufferedReader[Any]
    stored: io.BufferedReader[Any]
    size: int | None

    def position(self) -> int:
        """Return how many stored bytes have been read; 0 if the size is unknown.

        It is for a progress bar; of a gzipped file it counts compressed bytes, as `size` does.
        """
        return self.stored.tell() if self.size is not None else 0


@contextmanager
def open_file(path: str) -> Iterator[OpenFile]:
    """Open an input; `-` is standard input.

    What comes through a pipe is first read to its end, into a temporary file if it is long: a
    sender that stalls must not make others wait for the lock of the import. Raises InputError if it
    cannot be opened or is compressed in another way, and from `content` if it cannot be read.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    with ExitStack() as stack:
        with _explained(name):
            stored = stack.enter_context(_opened(path))
            if not _is_file(stored):
                stored = stack.enter_context(_spooled(stored, name))
            # By the content, since a browser may unpack a download and keep its name.
            zipped = stored.peek(len(_GZIP)).startswith(_GZIP)
            file = None if path == STANDARD_INPUT else Path(path)
            size = file.stat().st_size if file and file.is_file() else None
        source = gzip.GzipFile(fileobj=stored) if zipped else stored
        content = io.BufferedReader(_Explained(name, source), _BUFFER)
        _require_text(name, content)
        yield OpenFile(name, content, stored, size)


def _require_text(name: str, content: io.BufferedReader[Any]) -> None:
    """Raise InputError for a compressed file that is not read."""
    head = content.peek(max(map(len, _OTHERS)))
    for start, what in _OTHERS.items():
        if head.startswith(start):
            raise InputError(f"{name}: is {what}; unpack it first, or compress it once with gzip")


def _is_file(stored: io.BufferedReader[Any]) -> bool:
    """Whether an input is a regular file, or bytes in memory: then no sender can make it stall."""
    try:
        return stat.S_ISREG(os.fstat(stored.fileno()).st_mode)
    except OSError:  # bytes in memory
        return True


def _spooled(stored: io.BufferedReader[Any], name: str) -> io.BufferedReader[Any]:
    """Return the whole content of a pipe, at its start."""
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the returned reader closes it
    try:
        _copy(stored, spool, name)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return io.BufferedReader(cast("io.RawIOBase", spool), _BUFFER)


def _copy(stored: io.BufferedReader[Any], spool: IO[bytes], name: str) -> None:
    blank = 0
    while chunk := stored.read1(_BUFFER):
        # A sender of endless white space must not fill the disk.
        blank = blank + len(chunk) if chunk.isspace() else 0
        if blank > LONGEST_SPACE:
            raise InputError(f"{name}: more than {LONGEST_SPACE:,} bytes of white space")
        spool.write(chunk)


class _Explained(io.RawIOBase):
    """Bytes that raise InputError if they cannot be read, at any position."""

    def __init__(self, name: str, source: io.BufferedIOBase) -> None:
        super().__init__()
        self._name = name
        self._source = source

    def readable(self) -> bool:
        """Return True, as a buffered reader demands."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes into a buffer, and return how many. Raises InputError."""
        with _explained(self._name):
            return self._source.readinto(buffer)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn errors of the operating system and of gzip into InputError with the name of the input."""
    try:
        yield
    except EOFError as error:
        raise InputError(f"{name}: cut off: the gzip data ends early; download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name}: damaged gzip data ({error}); download it again") from error
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(
            f"{name}: is a directory; name the files in it, for example {name}/*.json"
        ) from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader[Any]]:
    """Open a file, or take standard input, which stays open afterwards."""
    if path == STANDARD_INPUT:
        if sys.stdin is None:  # closed by the parent process
            raise InputError("standard input is closed")
        # The default buffer is too small to recognise the format.
        yield io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer), _BUFFER)
    else:
        with io.BufferedReader(io.FileIO(path), _BUFFER) as stored:
            yield stored
