"""Labels of shared rows, as reports show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db import tables

if TYPE_CHECKING:
    import sqlalchemy as sa


def build_label() -> sa.ColumnElement[str]:
    """Return the label of a build: version and build number.

    Such as `8.0.3.00400 (24322831)`; NULL if the join with `build` has no row.
    """
    build = tables.build
    return build.c.version + " (" + build.c.build_number + ")"
