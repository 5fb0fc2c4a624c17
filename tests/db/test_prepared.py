from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import seals, tables
from archive.errors import DatabaseError
from tests.support.archives import import_documents
from tests.support.samples import api, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_JOB = tables.job
EARLY = "2020-01-01T00:00:00.000000Z"
QUERY = (
    sa.select(*(_JOB.c[name] for name in ("key", "day", "start_time", "size_bytes", "fast_backup")))
    .where(_JOB.c.appliance_id == sa.bindparam("appliance"), _JOB.c.status == "SUCCEEDED")
    .order_by(_JOB.c.key)
    .limit(2)
)


def imported(engine: Engine) -> None:
    jobs: dict[str, Any] = {"a": job(), "b": job("FAILED"), "c": job(size=None), "d": job()}
    import_documents(engine, api(**jobs))


def test_prepared_select_returns_what_sqlalchemy_does(engine: Engine) -> None:
    """Days and instants are texts on both databases, booleans are booleans, and literals are bound."""
    imported(engine)
    prepared = db.Prepared(QUERY)
    with db.reading(engine) as connection:
        wanted = [tuple(row) for row in connection.execute(QUERY, {"appliance": 1})]
        assert prepared.rows(connection, {"appliance": 1}) == wanted
        assert prepared.rows(connection, {"appliance": 2}) == []
    assert [key for key, *_ in wanted] == ["a", "c"]
    assert isinstance(wanted[0][1], str)


@pytest.mark.parametrize("appliances", [[], [1], [2, 1, 3, 1]])
def test_rows_of_each_are_those_of_single_statements(engine: Engine, appliances: list[int]) -> None:
    """In the order of the values, whether the statements go to a server together or not."""
    imported(engine)
    import_documents(engine, api(x=job()), "vc02")
    prepared = db.Prepared(QUERY)
    several = [{"appliance": number} for number in appliances]
    with db.reading(engine) as connection:
        wanted = [prepared.rows(connection, values) for values in several]
        assert prepared.rows_of_each(connection, several) == wanted
    assert [len(rows) for rows in wanted] == [{1: 2, 2: 1, 3: 0}[number] for number in appliances]


def test_error_of_one_of_several_statements_is_explained(engine: Engine) -> None:
    """The transaction is over then; the connection can be used again."""
    imported(engine)
    prepared = db.Prepared(QUERY)
    wrong: dict[str, Any] = {"appliance": 1 << 70}
    with pytest.raises((DatabaseError, OverflowError)), db.reading(engine) as connection:
        prepared.rows_of_each(connection, [{"appliance": 1}, wrong, {"appliance": 1}])
    with db.reading(engine) as connection:
        assert len(prepared.rows(connection, {"appliance": 1})) == 2


def test_prepared_delete(engine: Engine) -> None:
    imported(engine)
    gone = db.Prepared(
        sa.delete(tables.job_status).where(tables.job_status.c.job_id == sa.bindparam("job"))
    )
    with db.writing(engine) as connection:
        gone.execute(connection, {"job": 1})
        left = connection.execute(sa.select(tables.job_status.c.job_id)).scalars().all()
    assert sorted(left) == [2, 3, 4]


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3]])
def test_prepared_update_of_a_sealed_table(engine: Engine, numbers: list[int]) -> None:
    """The rows have the new values, and seals that match them."""
    imported(engine)
    update = seals.PreparedUpdate(
        sa.update(_JOB)
        .where(_JOB.c.appliance_id == 1, _JOB.c.id == sa.bindparam("number"))
        .values(first_seen=sa.bindparam("instant", type_=_JOB.c.first_seen.type))
    )
    with db.writing(engine) as connection:
        update.execute(connection, [{"number": number, "instant": EARLY} for number in numbers])
    with db.reading(engine) as connection:
        facts = connection.execute(sa.select(*seals.facts(_JOB), _JOB.c.seal)).all()
    assert [row.id for row in facts if row.first_seen == EARLY] == numbers
    assert [seals.broken(_JOB, row[:-1], row.seal) for row in facts] == [[]] * 4


def test_error_of_a_prepared_statement_is_explained(engine: Engine) -> None:
    imported(engine)
    table = tables.appliance
    gone = db.Prepared(sa.delete(table).where(table.c.id == sa.bindparam("number")))
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), db.writing(engine) as connection:
        gone.execute(connection, {"number": 1})
