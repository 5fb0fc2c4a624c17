from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import tables
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def test_pairs_are_found_in_any_number(engine: Engine) -> None:
    """Only rows with both keys of a pair are found, with values as SELECT returns them."""
    import_documents(engine, {f"k{number}": job() for number in range(600)}, "vc01")
    import_documents(engine, {"k1": job(), "other": job()}, "vc02")
    table = tables.job
    keys, columns = (
        (table.c.appliance_id, table.c.key),
        (table.c.key, table.c.id, table.c.start_time),
    )
    with db.reading(engine) as connection:
        assert list(db.find_pairs(connection, keys, [], columns)) == []
        wanted = [(1, f"k{number}") for number in range(700)] + [(2, "k2"), (2, "other"), (3, "k1")]
        found = sorted(db.find_pairs(connection, keys, wanted, columns))
    start = "2026-03-01T02:15:00.000000Z"
    assert found == sorted([(f"k{n}", n + 1, start) for n in range(600)] + [("other", 2, start)])


def test_bytes_are_found(engine: Engine) -> None:
    """The second key may be bytes."""
    import_documents(engine, {"a": job()})
    content = tables.message_content
    keys, columns = (content.c.appliance_id, content.c.digest), (content.c.digest, content.c.id)
    with db.reading(engine) as connection:
        digests = (
            connection.execute(content.select().with_only_columns(content.c.digest)).scalars().all()
        )
        wanted = [(1, digest) for digest in digests] + [(2, digests[0]), (1, b"x")]
        found = list(db.find_pairs(connection, keys, wanted, columns))
    assert sorted(digest for digest, _ in found) == sorted(digests)


def test_digests_are_found_in_any_number(engine: Engine) -> None:
    """Only rows whose digest is wanted are found, also with more digests than a statement takes."""
    import_documents(engine, {"a": job()})
    table = tables.message_template
    with db.reading(engine) as connection:
        stored = set(map(tuple, connection.execute(sa.select(table.c.digest, table.c.id))))
        wanted = [number.to_bytes(16) for number in range(1200)] + [digest for digest, _ in stored]
        assert set(db.find_by_digest(connection, table, wanted)) == stored
        assert list(db.find_by_digest(connection, table, [])) == []
