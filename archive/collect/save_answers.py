"""Raw answers saved as files, one for each appliance and collection, as `ingest` reads them."""

from __future__ import annotations

import gzip
import re
import shutil
from typing import IO, TYPE_CHECKING

from archive.atomic_write import atomic_write
from archive.errors import InputError
from archive.private_files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

# Characters that could leave the folder, hide the file or confuse a shell.
_UNSAFE = re.compile(r"[^\w.@-]|^\.")


def keep(directory: Path, appliance: str, seen_at: str, answer: IO[bytes]) -> Path:
    """Write an answer to DIRECTORY/APPLIANCE/SEEN_AT.json.gz, whole or not at all; return its path.

    The answer is left at its start. Only its owner can read the file: an answer may hold addresses
    with passwords in them. `seen_at` is a fixed-width UTC instant; in the name it has no `-`, `:`
    or `.`. Raises InputError if it cannot be written.
    """
    folder = directory / _UNSAFE.sub("_", appliance)
    path = folder / f"{re.sub(r'[-:.]', '', seen_at)}.json.gz"
    try:
        make_folder(folder)
        with (
            atomic_write(path) as written,
            written.open("wb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", filename="") as zipped,
        ):
            shutil.copyfileobj(answer, zipped)
    except OSError as error:
        raise InputError(f"answer not saved in {folder}: {error.strerror}") from error
    finally:
        answer.seek(0)
    return path
