"""Tell how to install an optional part of the command into the environment that runs it."""

from __future__ import annotations

import importlib.util
import shlex
import sys

import archive


def advice(extra: str) -> str:
    """Return the command that installs an extra.

    The bundle's installer makes an environment without pip; any other was filled by pip.
    """
    if importlib.util.find_spec("pip") is None:
        return f"run `./install --extra {extra}` in the unpacked bundle"
    wheel = f"./archive_vcenter-{archive.__version__}-py3-none-any.whl[{extra}]"
    return f"run `{shlex.join([sys.executable, '-m', 'pip', 'install', wheel])}`"
