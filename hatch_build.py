"""Puts the script that draws the charts of the dashboard into the wheel.

The package that it comes from takes 84 MB where it is installed, the script 0.9 MB: who builds the wheel
needs the one, who installs it only the other.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LibraryHook(BuildHookInterface[Any]):
    """Makes the script for a wheel; a checkout has it made when it is needed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the script to a file of its own, and have it included."""
        if version == "editable":
            return
        library = runpy.run_path(str(Path(self.root, "archive", "dashboard", "library.py")))
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, library["NAME"])
        path.write_text(library["make"](), encoding="utf-8")
        build_data["force_include"][str(path)] = f"archive/dashboard/{library['NAME']}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the file away again."""
        del build_data, artifact_path
        if version != "editable":
            self._folder.cleanup()
