"""The script that draws the charts: Vega-Lite, Vega and Vega-Embed, as one text.

The wheel holds it, put there when the wheel is built. A checkout has it made by the same package.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

NAME = "vega.js"


@cache
def script() -> str:
    """Return the script, safe to stand in a page.

    Raises ModuleNotFoundError in a checkout without the package that makes it.
    """
    built = resources.files(__package__).joinpath(NAME)
    if built.is_file():
        return built.read_text(encoding="utf-8")
    return make()


def make() -> str:
    """Return the script as the package vl-convert-python makes it.

    Raises ModuleNotFoundError without it.
    """
    from vl_convert import javascript_bundle

    # Neither stands in it today; in a string or a pattern of the script both forms mean the same.
    script: str = javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
