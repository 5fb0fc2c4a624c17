"""A section `[[notify]]` of a configuration: its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.config import values
from archive.config.settings import Recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from pathlib import Path

# The keys of a section [[notify]], each with the function that reads its value.
KEYS: dict[str, Callable[[Any], Any]] = {
    "name": values.text,
    "url": values.secret,
    "ca_file": values.path,
}
REQUIRED = {"name", "url"}


def contradictions(
    written: Mapping[str, Any], given: Mapping[str, Any], names: Container[str]
) -> Iterator[tuple[str, str]]:
    """Yield each key that is missing, or a name that one of `names` has already, with the error.

    `written` is the section as in the file, `given` its well-formed values.
    """
    for key in sorted(REQUIRED):
        if key not in written:
            yield key, "missing"
    if given.get("name") in names:
        yield "name", "another [[notify]] already has this name"


def recipient(given: Mapping[str, Any], folder: Path) -> Recipient:
    """Return a recipient of notifications; relative paths start at `folder`."""
    return Recipient(
        name=given["name"],
        url=given["url"],
        ca_file=folder / given["ca_file"] if "ca_file" in given else None,
    )
