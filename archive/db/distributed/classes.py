"""Where the rows of each table are in a distributed archive, and which constraints Citus can keep.

A new table is added to one of the three classes; a test finds one that is in none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

# All rows of one appliance are on one node: tables are split by its ID, so their rows are joined there.
DISTRIBUTED = (
    tables.appliance,
    tables.anomaly,
    tables.appliance_month,
    tables.appliance_standing,
    tables.build_sketch,
    tables.evidence_list,
    tables.expected_backup,
    tables.irregular_document,
    tables.job,
    tables.job_error,
    tables.job_finding,
    tables.job_status,
    tables.latest_import,
    tables.message,
    tables.message_arg,
    tables.message_content,
    tables.message_param,
    tables.pruned_appliance,
    tables.pruned_build,
    tables.pruned_month,
    tables.schedule,
    tables.size_forecast,
    tables.system_time_zone,
    tables.system_version,
)
# Small, seldom written, and joined with jobs: a copy on each node.
REFERENCE = (
    tables.build,
    tables.calendar,
    tables.location,
    tables.message_template,
    tables.operation,
    tables.setting,
)
# Logs and totals of the whole archive, which are not joined with jobs: on the coordinator only. Writers of
# a reference table would wait for each other until they commit.
LOCAL = (
    tables.attempt,
    tables.collection,
    tables.day_sketch,
    tables.day_total,
    tables.evidence_link,
    tables.ingest_run,
    tables.maintenance,
    tables.notified_problem,
    tables.pruned_day,
    tables.quarantine,
    tables.write_lock,
)


class NotUnique(NamedTuple):
    """A unique constraint, and the name of the index that finds its columns instead.

    Imports lock the name of an appliance before they create it; verification looks for duplicates.
    """

    constraint: sa.UniqueConstraint
    stand_in: str


def distribution_column(table: sa.Table) -> sa.Column[int]:
    """Return the column by which a distributed table is split."""
    column: sa.Column[int] = table.c.id if table is tables.appliance else table.c.appliance_id
    return column


def is_kept(constraint: sa.ForeignKeyConstraint) -> bool:
    """Return whether Citus can check a foreign key.

    It can where a row and the one that it refers to are on the same node.
    """
    table, referred = constraint.table, constraint.referred_table
    if table in DISTRIBUTED and referred in DISTRIBUTED:
        pairs = [(key.parent, key.column) for key in constraint.elements]
        return (distribution_column(table), distribution_column(referred)) in pairs
    if table in LOCAL:
        return referred in LOCAL
    return referred in REFERENCE


def foreign_keys(*, kept: bool) -> Iterator[sa.ForeignKeyConstraint]:
    """Yield the foreign keys that a distributed archive has, or those that it lacks."""
    for table in tables.metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
            if is_kept(constraint) == kept:
                yield constraint


def not_unique() -> Iterator[NotUnique]:
    """Yield the unique constraints that Citus cannot check.

    It checks a constraint on each node by itself, so equal values must be on the same node.
    """
    for table in DISTRIBUTED:
        for constraint in table.constraints:
            if not isinstance(constraint, sa.UniqueConstraint):
                continue
            columns = list(constraint.columns)
            if distribution_column(table) not in columns:
                index = f"ix_{table.name}_{'_'.join(column.name for column in columns)}"
                yield NotUnique(constraint, index)
