from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archive
from archive import extras

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent.parent
# The name on the index is not ours.
_FROM_AN_INDEX = re.compile(r"pip3? (?:install|download)[^`\n]*(?<![\w/])archive-vcenter\b")


def test_advice_uses_pip_if_installed() -> None:
    """With pip in the environment the advice is a command line with correct quoting."""
    command = re.fullmatch(r"run `(.*)`", extras.advice("parquet"))
    assert command
    wheel = f"./archive_vcenter-{archive.__version__}-py3-none-any.whl[parquet]"
    assert shlex.split(command[1]) == [sys.executable, "-m", "pip", "install", wheel]


def test_advice_uses_the_installer_of_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip in the environment the advice is the bundle's installer."""
    found = importlib.util.find_spec

    def find(name: str, *arguments: Any) -> Any:
        return None if name == "pip" else found(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert extras.advice("keyring") == "run `./install --extra keyring` in the unpacked bundle"


def test_no_text_recommends_an_index() -> None:
    """No page, help text or error suggests a package name on the index that is not ours."""
    folders = ("archive", "docs", "deploy")
    texts = [ROOT / "README.md", *(path for name in folders for path in (ROOT / name).rglob("*"))]
    for path in texts:
        if path.suffix in {".md", ".py", ".1", ""} and path.is_file():
            assert not _FROM_AN_INDEX.search(path.read_text(encoding="utf-8")), path
