"""Show messages: choose their text and format their params.

Nothing is looked up: the archive has no message catalogue, so a text is one that vCenter sent. The types
of a param are read in `document/schema` and `document/flatten`.
"""

from __future__ import annotations

from archive.messages.forms import Forms, Published
from archive.messages.shown import Shown, params, text

__all__ = ["Forms", "Published", "Shown", "forms", "params", "text"]


def forms(zone: str, locale: str | None = None) -> Forms:
    """Return the formats of a locale, such as `de_DE`, or the published ones; instants in a zone.

    Raises UsageError for an unknown locale.
    """
    if locale is None:
        return Published(zone)
    from archive.messages.locale_forms import Localised

    return Localised(zone, locale)
