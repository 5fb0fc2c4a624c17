"""Read jobs from the archive: their rows, the rebuilt document, and when they were seen."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.appliance_names import identity
from archive.db import tables
from archive.document import canonical
from archive.document.findings import Finding
from archive.document.flatten import (
    Build,
    ErrorRow,
    JobColumns,
    Location,
    MessageRow,
    Normalised,
    Operation,
)
from archive.document.precedence import SeenInterval
from archive.document.rebuild import rebuild
from archive.store import message_contents, seen_documents
from archive.store.selection import Extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection, Row

    from archive.store.selection import Selection

# Jobs that are read together, with one query for each table.
_CHUNK = 1000
_ALL = Extent()
_job_columns = attrgetter(*JobColumns._fields)
_error_columns = attrgetter(*ErrorRow._fields)


class ArchivedJob(NamedTuple):
    """One archived job.

    `text` is the canonical JSON of its document; `irregular` says that the document is stored whole,
    because the tables cannot represent all of it.

    `text` may contain passwords. `findings` are in the order in which they were found.
    """

    appliance: str
    key: str
    day: str
    rows: Normalised
    text: str
    irregular: bool
    digest: bytes
    seen: SeenInterval
    findings: list[Finding]
    run_id: int

    def intact(self) -> bool:
        """Return whether the document still has its archived digest."""
        return canonical.digest(self.text.encode()) == self.digest

    def line(self) -> str:
        """Return the job as one line of JSON, in the form that `ingest` reads.

        Instants are in the form of documents; there is no line end.
        """
        seen = {
            "first": timestamps.document_form(self.seen.first_seen),
            "last": timestamps.document_form(self.seen.last_seen),
            "status": {
                status: timestamps.document_form(at)
                for status, at in sorted(self.seen.statuses.items())
            },
        }
        return (
            f'{{"appliance":{json.dumps(self.appliance)},"job":{json.dumps(self.key)},'
            f'"info":{self.text},"seen":{json.dumps(seen, separators=(",", ":"))}}}'
        )


def jobs(
    connection: Connection,
    selection: Selection = _ALL,
    appliance_ids: Sequence[int] | None = None,
    on_appliance: Callable[[int, int], None] = lambda *_: None,
) -> Iterator[ArchivedJob]:
    """Yield the selected jobs, of all or some appliances, by appliance name and job key.

    `on_appliance` is called with the number of appliances read so far, and the number of all.

    They are read in chunks of 1,000 along the unique index on key, so memory stays small.
    """
    appliance = tables.appliance
    names = connection.execute(
        sa.select(appliance.c.id, appliance.c.name).order_by(appliance.c.name)
    ).all()
    if appliance_ids is not None:
        wanted = set(appliance_ids)
        names = [row for row in names if row.id in wanted]
    conditions = selection.conditions()
    for number, (appliance_id, name) in enumerate(names, 1):
        last_key = ""
        # On from the last key, not by an offset, whose time would grow with each chunk.
        while chunk := _job_rows(
            connection, appliance_id, tables.job.c.key > last_key, *conditions
        ):
            yield from _assemble(connection, appliance_id, name, chunk)
            last_key = chunk[-1].key
            if len(chunk) < _CHUNK:
                break
        on_appliance(number, len(names))


def job(connection: Connection, name: str, key: str) -> ArchivedJob | None:
    """Return one job, or None if the archive does not have it.

    `name` is compared without regard to case and a trailing dot.
    """
    name = identity(name)
    appliance_id = connection.execute(
        sa.select(tables.appliance.c.id).where(tables.appliance.c.name == name)
    ).scalar()
    if appliance_id is None:
        return None
    chunk = _job_rows(connection, appliance_id, tables.job.c.key == key)
    return next(_assemble(connection, appliance_id, name, chunk), None)


def _job_rows(
    connection: Connection, appliance_id: int, *conditions: sa.ColumnElement[bool]
) -> Sequence[Any]:
    """Return the first 1,000 jobs of an appliance, by key, joined with what they share with others."""
    job, build, location, operation = (
        tables.job,
        tables.build,
        tables.location,
        tables.operation,
    )
    return connection.execute(
        sa.select(
            *seen_documents.job_columns(),
            build.c.version_name,
            build.c.version,
            build.c.build_number,
            location.c.url,
            operation.c.service,
            operation.c.operation,
        )
        .select_from(seen_documents.joined())
        .outerjoin(build, job.c.build_id == build.c.id)
        .outerjoin(location, job.c.location_id == location.c.id)
        .outerjoin(operation, job.c.operation_id == operation.c.id)
        .where(job.c.appliance_id == appliance_id, *conditions)
        .order_by(job.c.key)
        .limit(_CHUNK)
    ).all()


def _assemble(
    connection: Connection, appliance_id: int, name: str, chunk: Sequence[Row[Any]]
) -> Iterator[ArchivedJob]:
    """Yield jobs from their rows, with one query for each table of children."""
    ids = [row.id for row in chunk]
    messages = _messages(connection, appliance_id, ids)
    errors = _children(connection, tables.job_error, appliance_id, ids)
    findings = _children(connection, tables.job_finding, appliance_id, ids)
    statuses = _children(connection, tables.job_status, appliance_id, ids)
    whole = _children(connection, tables.irregular_document, appliance_id, ids)
    for row in chunk:
        rows = Normalised(
            JobColumns._make(_job_columns(row)),
            None if row.version is None else Build(row.version_name, row.version, row.build_number),
            None if row.url is None else Location(row.url),
            None if row.operation_id is None else Operation(row.service, row.operation),
            messages.get(row.id, []),
            ErrorRow._make(_error_columns(errors[row.id][0])) if row.id in errors else None,
        )
        # Such a document is stored as text, since the rows do not have all of it.
        irregular = row.id in whole
        yield ArchivedJob(
            name,
            row.key,
            row.day,
            rows,
            whole[row.id][0].document if irregular else rebuild(rows).to_json(),
            irregular,
            row.digest,
            SeenInterval(
                row.first_seen,
                row.last_seen,
                {child.status: child.observed_at for child in statuses.get(row.id, [])},
            ),
            [Finding(child.code, child.field, child.detail) for child in findings.get(row.id, [])],
            row.run_id,
        )


def _children(
    connection: Connection, table: sa.Table, appliance_id: int, ids: Sequence[int]
) -> dict[int, list[Row[Any]]]:
    """Return a table's rows of the given jobs by job ID, in key order."""
    found: dict[int, list[Row[Any]]] = {}
    query = (
        sa.select(table)
        .where(table.c.appliance_id == appliance_id, table.c.job_id.in_(ids))
        .order_by(*table.primary_key.columns)
    )
    for row in connection.execute(query):
        found.setdefault(row.job_id, []).append(row)
    return found


def _messages(
    connection: Connection, appliance_id: int, ids: Sequence[int]
) -> dict[int, list[MessageRow]]:
    """Return the messages of the given jobs by job ID, in order."""
    message = tables.message
    of_jobs = (message.c.appliance_id == appliance_id, message.c.job_id.in_(ids))
    contents = message_contents.read(
        connection, appliance_id, sa.select(message.c.content_id).where(*of_jobs)
    )
    query = sa.select(message).where(*of_jobs).order_by(message.c.job_id, message.c.seq)
    found: dict[int, list[MessageRow]] = {}
    for row in connection.execute(query):
        content = contents.get(row.content_id)
        if content is not None:  # a missing one is damage: the digest then shows it
            found.setdefault(row.job_id, []).append(
                MessageRow(tables.MESSAGE_ROLES[row.role], content)
            )
    return found
