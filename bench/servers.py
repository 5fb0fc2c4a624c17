"""The databases that are measured: a PostgreSQL of the bench's own, and files for SQLite."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

# As an administrator of a small server would set it; durability is the default, on.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = '1GB'
work_mem = '64MB'
maintenance_work_mem = '512MB'
max_wal_size = '8GB'
"""


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server, and give the URL of its first database."""
    postgres.SETTINGS = SETTINGS
    with postgres.server() as url:
        yield url


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder for files, on the disk where temporary files are."""
    with tempfile.TemporaryDirectory(prefix="archive-bench-") as name:
        yield Path(name)
