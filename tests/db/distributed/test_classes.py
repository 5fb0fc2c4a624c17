"""What Citus demands of the schema, without a cluster: its documentation of each kind of table says it."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from archive.db import tables
from archive.db.distributed import classes

EVERY = sorted(tables.metadata.tables)
NAMES = {
    (table.name, str(constraint.name))
    for table in tables.metadata.tables.values()
    for constraint in table.foreign_key_constraints
}


def test_every_table_is_in_exactly_one_class() -> None:
    listed = [*classes.DISTRIBUTED, *classes.REFERENCE, *classes.LOCAL]
    assert sorted(table.name for table in listed) == EVERY


def test_every_table_with_rows_of_an_appliance_is_distributed() -> None:
    """A key that begins with the appliance's ID is what distribution needs; the log of imports has none."""
    keyed = {
        table.name
        for table in tables.metadata.tables.values()
        if next(iter(table.primary_key)).name == "appliance_id"
    }
    assert {table.name for table in classes.DISTRIBUTED} == keyed | {"appliance"}


def test_keys_of_distributed_tables_hold_the_distribution_column() -> None:
    """Citus refuses a key without it; the name of an appliance is the one exception."""
    without = []
    for table in classes.DISTRIBUTED:
        column = classes.distribution_column(table)
        assert column in list(table.primary_key.columns)
        assert not column.nullable
        unique = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
        without += [str(one.name) for one in unique if column not in list(one.columns)]
        assert [index.name for index in table.indexes if index.unique] == []
    assert without == ["uq_appliance_name"]
    assert [(str(one.constraint.name), one.stand_in) for one in classes.not_unique()] == [
        ("uq_appliance_name", "ix_appliance_name")
    ]


def test_distribution_columns_have_one_type() -> None:
    """Tables of different types could not be co-located."""
    columns = [classes.distribution_column(table) for table in classes.DISTRIBUTED]
    kinds = {type(column.type) for column in columns}
    assert kinds == {sa.BigInteger}


def test_no_reference_table_refers_to_an_appliance() -> None:
    """Nor to a local table: all of its foreign keys would be refused."""
    for table in classes.REFERENCE:
        assert [str(key.name) for key in table.foreign_key_constraints] == []


def test_foreign_keys_that_citus_refuses_are_known() -> None:
    """Those between a local table and a table on other nodes; all others are kept, or given up, once."""
    given_up = [(one.table.name, str(one.name)) for one in classes.foreign_keys(kept=False)]
    assert sorted(given_up) == [
        ("day_total", "fk_day_total_day"),
        ("ingest_run", "fk_ingest_run_appliance_id"),
        ("job", "fk_job_run_id"),
        ("job_status", "fk_job_status_run_id"),
        ("pruned_day", "fk_pruned_day_day"),
    ]
    kept = [(one.table.name, str(one.name)) for one in classes.foreign_keys(kept=True)]
    assert Counter([*kept, *given_up]) == Counter(NAMES)


def test_kept_keys_between_distributed_tables_hold_the_appliance() -> None:
    """A row and the one that it refers to are on the same node only then."""
    for key in classes.foreign_keys(kept=True):
        if key.table in classes.DISTRIBUTED and key.referred_table in classes.DISTRIBUTED:
            columns = {element.parent.name for element in key.elements}
            assert classes.distribution_column(key.table).name in columns


def test_no_kept_key_changes_the_distribution_column() -> None:
    """Citus refuses SET NULL, SET DEFAULT and changes of it; none of the tables asks for these."""
    for key in classes.foreign_keys(kept=True):
        assert key.ondelete in (None, "CASCADE")
        assert key.onupdate is None
