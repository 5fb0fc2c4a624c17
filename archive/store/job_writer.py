"""Collect the rows of a batch of jobs by table and write them in bulk."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store import message_contents
from archive.store.chunks import chunks
from archive.store.dimension_keys import References
from archive.store.message_contents import MessageContents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.document.parse import ParsedJob

# The tables of a document's rows.
_CHILDREN = (
    tables.message,
    tables.job_error,
    tables.job_finding,
    tables.irregular_document,
)
# Tables that a first load fills, in which foreign keys may then be checked at its end.
_ROLES = {role: number for number, role in enumerate(tables.MESSAGE_ROLES)}
LOADED = tuple(
    table.name
    for table in (
        tables.message_content,
        tables.message_arg,
        tables.message_param,
        tables.job,
        *_CHILDREN,
        tables.job_status,
    )
)


class JobRow(NamedTuple):
    """A row of `job`: all its columns, in the order of the table.

    Instants and the day are texts; durations are in seconds, sizes in bytes.
    """

    appliance_id: int
    id: int
    key: str
    day: str
    status: str
    type: str | None
    start_time: str | None
    end_time: str | None
    duration_seconds: int | None
    duration_derived: bool | None
    size_bytes: int | None
    location_folder: str | None
    location_user: str | None
    fast_backup: bool | None
    cancelable: bool | None
    user_name: str | None
    parent: str | None
    target_type: str | None
    target_id: str | None
    progress_total: int | None
    progress_completed: int | None
    location_id: int | None
    build_id: int | None
    operation_id: int | None
    digest: bytes
    first_seen: str
    last_seen: str | None
    run_id: int


# What names a job, and never changes.
_IDENTITY = ("appliance_id", "id", "key")
# What another document of the same job replaces.
_CHANGING = tuple(name for name in JobRow._fields if name not in _IDENTITY)
_changing_values = attrgetter(*_CHANGING)


class Batch:
    """Rows of new jobs, and of jobs whose document is replaced.

    `write` must be called once, after all jobs have been added; ids of messages must be learned
    before.
    """

    def __init__(self, references: References, contents: MessageContents) -> None:
        self._references = references
        self._contents = contents
        self._children: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in _CHILDREN}
        self._new: list[JobRow] = []
        self._updated: list[JobRow] = []

    def insert_job(self, row: JobRow, document: ParsedJob) -> None:
        """Add a new job: the row of `job` and the rows of its document."""
        self._new.append(row)
        self._add_children(row.appliance_id, row.id, document)

    def replace_job(self, row: JobRow, document: ParsedJob) -> None:
        """Add a known job whose document is replaced by another one."""
        self._updated.append(row)
        self._add_children(row.appliance_id, row.id, document)

    def _add_children(self, appliance_id: int, job_id: int, document: ParsedJob) -> None:
        """Add the rows of a document that belong to its job; `seq` is the place in it, from 0."""
        children = self._children
        ids = self._contents.ids(appliance_id)
        _, _, _, _, messages, error = document.rows
        children["message"] += [
            (appliance_id, job_id, seq, _ROLES[role], ids[content[0]])
            for seq, (role, content) in enumerate(messages)
        ]
        if error is not None:
            children["job_error"].append((appliance_id, job_id, *error))
        for place, finding in enumerate(document.findings):
            children["job_finding"].append((appliance_id, job_id, place, *finding))
        if document.irregular is not None:
            children["irregular_document"].append((appliance_id, job_id, document.irregular))

    def write(self, connection: Connection) -> None:
        """Delete replaced children, update their jobs, insert all new rows, delete unused contents."""
        days = {row.day for row in (*self._new, *self._updated)}
        self._references.learn_days(connection, days)
        replaced = [(row.appliance_id, row.id) for row in self._updated]
        # Read before the rows go: afterwards nothing tells which contents the jobs had.
        before = message_contents.of_jobs(connection, replaced)
        self._delete_children(connection)
        self._update_jobs(connection)
        db.insert(connection, tables.job, self._new)
        for table in _CHILDREN:
            db.insert(connection, table, self._children[table.name])
        self._contents.remove_unused(connection, before)

    def _delete_children(self, connection: Connection) -> None:
        """Delete the rows of replaced documents; `job_status` stays, as it is history."""
        keys = [{"of_appliance": row.appliance_id, "of_job": row.id} for row in self._updated]
        for table in _CHILDREN if keys else ():
            connection.execute(
                sa.delete(table).where(
                    table.c.appliance_id == sa.bindparam("of_appliance"),
                    table.c.job_id == sa.bindparam("of_job"),
                ),
                keys,
            )

    def _update_jobs(self, connection: Connection) -> None:
        """Update every column of replaced jobs that can change."""
        names = [f"new_{name}" for name in _CHANGING]
        update_jobs(
            connection,
            [
                {"of_appliance": row.appliance_id, "of_job": row.id}
                | dict(zip(names, _changing_values(row), strict=True))
                for row in self._updated
            ],
        )


def update_jobs(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Update rows of `job`; each change has `of_appliance`, `of_job` and `new_COLUMN` keys.

    All changes must have the same keys.
    """
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


def delete_jobs(connection: Connection, appliance_id: int, ids: Sequence[int]) -> None:
    """Delete jobs of an appliance, with the contents of messages that only they had."""
    job = tables.job
    contents = message_contents.of_jobs(connection, [(appliance_id, number) for number in ids])
    for chunk in chunks(ids):  # their rows in other tables go with them
        connection.execute(
            sa.delete(job).where(job.c.appliance_id == appliance_id, job.c.id.in_(chunk))
        )
    MessageContents(References()).remove_unused(connection, contents)
