"""Raw answers kept in files, one an appliance and run, in the form that `ingest` reads."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from archive.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_UNSAFE = re.compile(r"[^\w.@-]|^\.")


def keep(directory: Path, appliance: str, seen_at: str, answer: IO[bytes]) -> Path:
    """Write an answer to DIRECTORY/APPLIANCE/SEEN_AT.json.gz, whole or not at all; return its path.

    The answer is left at its start. Only its owner can read the file: an answer may hold addresses
    with passwords in them. Raises InputError if it cannot be written.
    """
    folder = directory / _UNSAFE.sub("_", appliance)
    path = folder / f"{re.sub(r'[-:.]', '', seen_at)}.json.gz"
    beside = path.with_name(f".{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", filename="") as zipped,
        ):
            shutil.copyfileobj(answer, zipped)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"its answer was not saved in {folder}: {error.strerror}") from error
    finally:
        with suppress(OSError):  # nothing may be there, not even the folder
            beside.unlink()
        answer.seek(0)
    return path
