"""Select appliances of a fleet by names, globs and tags."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from archive.appliance_names import identity, split_globs, unmatched
from archive.errors import UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archive.config.settings import Entry, Fleet


def select(
    fleet: Fleet, patterns: Sequence[str], tags: Sequence[str] = (), *, disabled: bool = False
) -> list[Entry]:
    """Return the appliances that any of the patterns matches, in the order of the configuration.

    Patterns are names or globs, compared without regard to case; without patterns every appliance
    matches. One that begins with `!` leaves appliances out. `tags` are written `NAME=VALUE`: an appliance needs one of the values of every tag named.
    Disabled appliances are left out, unless the full name is given or `disabled` is set. Raises
    UsageError if a pattern, a tag or all together match no appliance.

    Each appliance is returned once, even if several patterns match it. Names are compared in the
    form that `appliance_names.identity` gives.
    """
    wanted = _wanted_tags(fleet, tags)
    found = _matching(fleet, patterns, disabled=disabled)
    chosen = [entry for entry in found if _has(entry, wanted)]
    if not chosen and (patterns or tags):
        said = " and ".join(filter(None, [" or ".join(patterns), " and ".join(tags)]))
        raise UsageError(f"no {'' if disabled else 'enabled '}appliance matches {said}")
    return chosen


def _matching(fleet: Fleet, patterns: Sequence[str], *, disabled: bool) -> list[Entry]:
    """Return the appliances that a pattern matches. Raises UsageError for a pattern without any.

    Each pattern must match by itself: a mistyped name must not go unnoticed beside a right one.
    """
    chosen, left_out = split_globs(patterns)
    if left_out:
        excluded = {entry.name for entry in _matching(fleet, left_out, disabled=True)}
        found = _matching(fleet, chosen, disabled=disabled)
        return [entry for entry in found if entry.name not in excluded]
    if not patterns:
        return [entry for entry in fleet.entries if disabled or entry.enabled]
    names: set[str] = set()
    for pattern in patterns:
        wanted_name = identity(pattern)
        exact = [entry for entry in fleet.entries if identity(entry.name) == wanted_name]
        globbed = [one for one in fleet.entries if fnmatchcase(identity(one.name), wanted_name)]
        if not exact and not globbed:
            known = [entry.name for entry in fleet.entries]
            raise UsageError(unmatched(pattern, known, str(fleet.path)))
        # A full name selects an appliance even if it is disabled.
        wanted = exact + [entry for entry in globbed if disabled or entry.enabled]
        if not wanted:
            raise UsageError(
                f"{quoted(pattern)} matches only disabled appliances; to select one, give its full name:"
                f" {', '.join(entry.name for entry in globbed)}"
            )
        names.update(entry.name for entry in wanted)
    return [entry for entry in fleet.entries if entry.name in names]


def _wanted_tags(fleet: Fleet, tags: Sequence[str]) -> dict[str, set[str]]:
    """Return the values wanted of each tag. Raises UsageError for a value that no appliance has."""
    wanted: dict[str, set[str]] = {}
    for tag in tags:
        name, equals, value = tag.partition("=")
        if not equals:
            raise UsageError(f"invalid tag {quoted(tag)}: write NAME=VALUE")
        known = {entry.tags[name] for entry in fleet.entries if name in entry.tags}
        if value not in known:
            there = (
                f"its values are: {', '.join(sorted(known))}"
                if known
                else "no appliance has this tag"
            )
            raise UsageError(f"no appliance has the tag {tag}; {there}")
        wanted.setdefault(name, set()).add(value)
    return wanted


def _has(entry: Entry, wanted: Mapping[str, set[str]]) -> bool:
    """Whether an appliance has one of the wanted values of every tag."""
    return all(entry.tags.get(name) in values for name, values in wanted.items())
