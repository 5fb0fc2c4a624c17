"""The part of an archive that `archive db verify --fast` reads."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# Jobs of a sample: some seconds of work.
_JOBS = 20_000
# The columns of a key by which a row belongs to a job, or to the content of messages.
_NUMBERS = ("job_id", "content_id")


class Sample(NamedTuple):
    """Every `step`-th job and message content of each appliance, by number; of other tables, all rows.

    `rest` is what remains of a number divided by `step`.
    """

    step: int
    rest: int

    @property
    def is_part(self) -> bool:
        """Whether it leaves rows out."""
        return self.step > 1

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on `job`, for a query that selects from it."""
        return self.of(tables.job)

    def of(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on a table."""
        number = _number(table)
        return [number % self.step == self.rest] if self.is_part and number is not None else []


EVERYTHING = Sample(1, 0)


def draw(engine: Engine) -> Sample:
    """Return a random sample of about 20,000 jobs; everything if there are not many more."""
    with db.reading(engine) as connection:
        jobs = connection.execute(sa.select(sa.func.count()).select_from(tables.job)).scalar_one()
    step = jobs // _JOBS
    return Sample(step, SystemRandom().randrange(step)) if step > 1 else EVERYTHING


def _number(table: sa.Table) -> sa.Column[int] | None:
    """Return the number of the job or message content that a row belongs to; None in other tables."""
    if table in (tables.job, tables.message_content):
        return table.c.id
    return next((column for column in table.primary_key if column.name in _NUMBERS), None)
