"""The script that draws the charts: Vega-Lite, Vega and Vega-Embed in one file.

The build puts it into the wheel. In a checkout, the same package makes it on demand.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

NAME = "vega.js"


@cache
def script() -> str:
    """Return the script, safe to embed in a page.

    Raises ModuleNotFoundError in a checkout without the package vl-convert-python.
    """
    built = resources.files(__package__).joinpath(NAME)
    if built.is_file():
        return built.read_text(encoding="utf-8")
    return make()


def make() -> str:
    """Make the script with the package vl-convert-python.

    Raises ModuleNotFoundError without that package.

    The result depends on the version of the package only.
    """
    from vl_convert import javascript_bundle

    # Neither occurs today; in strings and patterns both forms mean the same.
    script: str = javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
