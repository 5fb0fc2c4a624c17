"""Columns and constraints that tables share.

Names of constraints follow one convention, so a migration can name one that was made without a
name, and both databases have the same.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
)

from archive.db import Id

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def required(name: str, type_: Any, *arguments: Any, **options: Any) -> Column[Any]:
    """Return a column that is never NULL.

    Columns without it may be NULL, which always has a meaning: see the descriptions in `comments`.
    """
    return Column(name, type_, *arguments, nullable=False, **options)


def own_id() -> Column[int]:
    """Return the column of an id that the archive assigns.

    Ids are given by the archive, not by a sequence: rows are written in bulk with the rows that
    refer to them. See `archive.store.dimension_keys`.
    """
    return Column("id", Id, primary_key=True, autoincrement=False)


def key(name: str, type_: Any = BigInteger) -> Column[Any]:
    """Return a column of a primary key.

    The order of the columns in the table is their order in the key.
    """
    return Column(name, type_, primary_key=True, autoincrement=False)


def unsealed(table: str, column: str) -> Index:
    """Return the index of the rows that have no seal yet, which are none outside of a transaction.

    It is a partial index; only the migration declares that: the option would load PostgreSQL's dialect
    into every command.
    """
    return Index(f"ix_{table}_unsealed", column)


def of_job() -> ForeignKeyConstraint:
    """Return the foreign key of a row to its job; it is deleted with the job."""
    return ForeignKeyConstraint(
        ["appliance_id", "job_id"], ["job.appliance_id", "job.id"], ondelete="CASCADE"
    )


def of_content(ondelete: str | None = "CASCADE") -> ForeignKeyConstraint:
    """Return the foreign key of a row to the content of a message.

    None for `ondelete` forbids to delete a content that a message has.
    """
    return ForeignKeyConstraint(
        ["appliance_id", "content_id"],
        ["message_content.appliance_id", "message_content.id"],
        ondelete=ondelete,
    )
