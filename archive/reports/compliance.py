"""Every expected backup with its evidence, as auditors need it.

The outcomes are those of `archive.judgement.outcome`. `core.expected_backups` derives which backups
were expected, and which job met each of them: as stored by the last import, or judged anew as of an
earlier instant.

The report `missed` has only those without a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive import db
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import compliance, expected_backups
from archive.reports.core.report import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_JOB = tables.job.c
# What shows an auditor what was backed up, and from where the archive knows.
_EVIDENCE = (
    _JOB.key, _JOB.status, _JOB.start_time, _JOB.end_time, _JOB.duration_seconds, _JOB.size_bytes,
    db.Hex(_JOB.digest), _JOB.run_id, _JOB.first_seen,
)  # fmt: skip


class ComplianceRow(NamedTuple):
    """An expected backup and the job that met it, or the last attempt, if there was one.

    `due` is a fixed-width UTC instant, `day` the archive's day of it. `digest` is the hexadecimal
    digest of the job's document; `run` is the id of its import, `first_seen` when an import first
    had it.
    """

    appliance: str
    day: str
    due: str
    basis: str
    outcome: str
    key: str | None
    status: str | None
    start_time: str | None
    end_time: str | None
    duration_seconds: int | None
    size_bytes: int | None
    digest: str | None
    run: int | None
    first_seen: str | None


def select(connection: Connection, scope: Scope) -> Iterator[ComplianceRow]:
    """Return the rows of the report.

    Rows are ordered by appliance, then by due time.
    """
    return map(ComplianceRow._make, expected_backups.rows(connection, scope, *_EVIDENCE))


REPORT = Listing(
    "compliance",
    "Was every expected backup made, and which job proves it?",
    (
        Column("appliance"),
        Column("day", Kind.DAY, expendable=3),
        Column("due", Kind.INSTANT),
        Column("basis", expendable=5),
        Column("outcome"),
        Column("key", expendable=7),
        Column("status", expendable=6),
        Column("start_time", Kind.INSTANT, expendable=5),
        Column("end_time", Kind.INSTANT, expendable=8),
        Column("duration_seconds", Kind.SECONDS, expendable=6),
        Column("size_bytes", Kind.BYTES, expendable=4),
        Column("digest", expendable=9),
        Column("run", expendable=9),
        Column("first_seen", Kind.INSTANT, expendable=9),
    ),
    select,
    compliance.EXPECTING,
    explain=compliance.notes,
)
