"""Column types with the same meaning on both databases.

Their values are texts in Python, whichever the database: texts compare and sort like the values,
need no parsing to be written, and cost nothing to read from SQLite.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from archive import timestamps

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

# On SQLite the name of the row itself, which needs no index.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Compared by code point, so that both databases sort alike.
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Instant(TypeDecorator[str]):
    """An instant: `timestamptz` on PostgreSQL, the same fixed-width text in Python and SQLite.

    The form is that of `archive.timestamps`, with microseconds, in UTC. Bound values must have it.
    """

    impl = sa.TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a dialect."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the fixed-width text of what the driver returned."""
        return timestamps.from_datetime(value) if isinstance(value, datetime) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes a text of a driver's value; None where the driver returns the text."""
        return None if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


class Day(TypeDecorator[str]):
    """A calendar day: `date` on PostgreSQL, ISO text in Python and SQLite.

    The form is `2026-03-01`.
    """

    impl = sa.Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a dialect."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Date())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the ISO text of what the driver returned."""
        return value.isoformat() if isinstance(value, date) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes a text of a driver's value; None where the driver returns the text."""
        return None if dialect.name == "sqlite" else super().result_processor(dialect, coltype)
