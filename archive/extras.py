"""Commands that install the optional parts of the package (extras)."""

from __future__ import annotations

import importlib.util
import shlex
import sys

import archive


def advice(extra: str) -> str:
    """Return the command that installs an extra into this environment, as an advice.

    The bundle's installer creates an environment without pip; any other has pip.
    """
    if importlib.util.find_spec("pip") is None:
        return f"run `./install --extra {extra}` in the unpacked bundle"
    wheel = f"./archive_vcenter-{archive.__version__}-py3-none-any.whl[{extra}]"
    return f"run `{shlex.join([sys.executable, '-m', 'pip', 'install', wheel])}`"
