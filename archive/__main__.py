"""`python -m archive` is the command `archive`."""

from __future__ import annotations

from archive.cli import main

main()
