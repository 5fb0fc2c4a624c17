"""The rows of a batch of jobs, collected by table and written in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document.flatten import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.document.parse import ParsedJob
    from archive.store.dimension_keys import References

# Parents before children.
_INSERTED = (
    tables.job,
    tables.message,
    tables.message_arg,
    tables.message_param,
    tables.job_error,
    tables.job_finding,
    tables.irregular_document,
)
LOADED = tuple(table.name for table in (*_INSERTED, tables.job_status))
# What goes with a replaced document, children before parents: a first load has no cascades.
_REPLACED = tuple(reversed(_INSERTED[1:]))


class Batch:
    """Rows to write for new jobs, and for jobs whose document is replaced."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._inserted: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in _INSERTED}
        self._updated: list[tuple[Any, ...]] = []

    def insert_job(self, row: tuple[Any, ...], document: ParsedJob) -> None:
        """Add a new job: the row of `job` and everything below it."""
        self._inserted["job"].append(row)
        self._add_children(row[0], row[1], document)

    def replace_job(self, row: tuple[Any, ...], document: ParsedJob) -> None:
        """Add a known job whose document another one replaces."""
        self._updated.append(row)
        self._add_children(row[0], row[1], document)

    def _add_children(self, appliance_id: int, job_id: int, document: ParsedJob) -> None:
        inserted = self._inserted
        templates = self._references.ids(Template)
        add_message = inserted["message"].append
        add_arg = inserted["message_arg"].append
        _, _, _, _, messages, error = document.rows
        for seq, message in enumerate(messages):
            role, template, localized, has_params, args, params = message
            number = templates[template]
            add_message((appliance_id, job_id, seq, role, number, localized, has_params))
            for place, value in enumerate(args):
                add_arg((appliance_id, job_id, seq, place, value))
            for param in params:
                inserted["message_param"].append((appliance_id, job_id, seq, *param))
        if error is not None:
            inserted["job_error"].append((appliance_id, job_id, *error))
        for place, finding in enumerate(document.findings):
            inserted["job_finding"].append((appliance_id, job_id, place, *finding))
        if document.irregular is not None:
            inserted["irregular_document"].append((appliance_id, job_id, document.irregular))

    def write(self, connection: Connection) -> None:
        """Write everything: old children out, rows updated, new rows in."""
        days = {row[3] for row in (*self._inserted["job"], *self._updated)}
        self._references.learn_days(connection, days)
        self._delete_children(connection)
        self._update_jobs(connection)
        for table in _INSERTED:
            db.insert(connection, table, self._inserted[table.name])

    def _delete_children(self, connection: Connection) -> None:
        keys = [{"of_appliance": row[0], "of_job": row[1]} for row in self._updated]
        for table in _REPLACED if keys else ():
            connection.execute(
                sa.delete(table).where(
                    table.c.appliance_id == sa.bindparam("of_appliance"),
                    table.c.job_id == sa.bindparam("of_job"),
                ),
                keys,
            )

    def _update_jobs(self, connection: Connection) -> None:
        names = [f"new_{name}" for name in tables.job.columns.keys()[3:]]
        update_jobs(
            connection,
            [
                {"of_appliance": row[0], "of_job": row[1]} | dict(zip(names, row[3:], strict=True))
                for row in self._updated
            ],
        )


def update_jobs(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Update rows of `job`; each change names `of_appliance`, `of_job` and `new_<column>`s."""
    if not changes:
        return
    job = tables.job
    columns = [name for name in changes[0] if name.startswith("new_")]
    connection.execute(
        sa.update(job)
        .where(
            job.c.appliance_id == sa.bindparam("of_appliance"),
            job.c.id == sa.bindparam("of_job"),
        )
        .values({name.removeprefix("new_"): sa.bindparam(name) for name in columns}),
        list(changes),
    )
