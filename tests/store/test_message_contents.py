from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive.db import tables
from archive.ingest import batches
from archive.maintenance import verify
from archive.store import message_contents
from tests.support.archives import import_documents, lines, rows
from tests.support.laws import some
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FIRST = "2026-03-01T02:20:00.000000Z"
LATER = "2026-03-01T03:00:00.000000Z"


def says(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "default_message": name, "args": [name], **fields}


def contents(engine: Engine) -> list[tuple[int, int, str]]:
    """Return the appliance, ID and message id of each content."""
    content, template = tables.message_content, tables.message_template
    return rows(
        engine,
        sa.select(content.c.appliance_id, content.c.id, template.c.message_id)
        .join(template, content.c.template_id == template.c.id)
        .order_by(content.c.appliance_id, content.c.id),
    )


def count(engine: Engine, table: sa.Table) -> int:
    ((number,),) = rows(engine, sa.select(sa.func.count()).select_from(table))
    return int(number)


def test_equal_messages_of_an_appliance_share_a_content(engine: Engine) -> None:
    """Contents are shared between jobs, roles and imports of an appliance, not between appliances."""
    same = job("FAILED", messages=[says("m"), says("m")], error={"messages": [says("m")]})
    import_documents(engine, {"a": same, "b": same}, "vc01", FIRST)
    import_documents(engine, {"c": same}, "vc01", LATER)
    import_documents(engine, {"a": same}, "vc02", LATER)
    assert contents(engine) == [
        (1, 1, "d"), (1, 2, "p"), (1, 3, "m"), (2, 1, "d"), (2, 2, "p"), (2, 3, "m"),
    ]  # fmt: skip
    assert count(engine, tables.message) == 4 * 5
    assert count(engine, tables.message_arg) == 2
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize(
    "other",
    some([
        {"id": "n"}, {"default_message": "n"}, {"args": []}, {"args": ["n"]}, {"localized": "m"},
        {"params": {}}, {"params": {"a": {"s": "b"}}},
    ], 3),
    ids=str,
)  # fmt: skip
def test_any_difference_makes_another_content(engine: Engine, other: dict[str, Any]) -> None:
    """Two messages share a content only if they are equal in every field."""
    import_documents(engine, {"a": job(messages=[says("m"), says("m") | other])})
    assert count(engine, tables.message_content) == 4


def test_unused_contents_are_removed_with_a_replaced_document(engine: Engine) -> None:
    """What only the older state of a job said goes; what another job says, too, stays."""
    tree = {"k": {"l": {"id": "n", "params": {"i": {"i": 1}}}}}
    running = job("RUNNING", messages=[says("old", params=tree), says("shared")])
    import_documents(engine, {"a": running, "b": job("RUNNING", messages=[says("shared")])})
    assert {name for _, _, name in contents(engine)} == {"d", "p", "old", "shared"}
    import_documents(engine, {"a": job(messages=[says("new")])}, seen_at=LATER)
    assert {name for _, _, name in contents(engine)} == {"d", "p", "new", "shared"}
    assert count(engine, tables.message_param) == 0
    assert list(verify.verify(engine)) == []
    import_documents(engine, {"c": running}, seen_at=LATER)
    assert {name for _, _, name in contents(engine)} == {"d", "p", "new", "shared", "old"}
    assert list(verify.verify(engine)) == []


def test_removed_content_can_return_in_the_same_import(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A content that a batch removes is created again by a later batch that needs it."""
    monkeypatch.setattr(batches, "BATCH", 1)
    import_documents(engine, {"a": job("RUNNING", messages=[says("x")])})
    answer = {"a": job(messages=[]), "b": job(messages=[says("x")])}
    import_documents(engine, answer, seen_at=LATER)
    assert {name for _, _, name in contents(engine)} == {"d", "p", "x"}
    assert list(verify.verify(engine)) == []


def test_evicted_contents_are_looked_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long stream may have more contents than the cache; each is stored once all the same."""
    answer = {f"job-{number}": job(messages=[says(f"m{number % 5}")]) for number in range(12)}
    import_documents(engine, answer, seen_at=FIRST)
    whole = lines(engine)
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(message_contents, "_CACHED", 3)
    import_documents(engine, answer, "vc02", seen_at=FIRST)
    assert [row[1:] for row in contents(engine) if row[0] == 2] == [
        row[1:] for row in contents(engine) if row[0] == 1
    ]
    assert lines(engine)[len(whole) :] == whole.replace("vc01", "vc02")


def test_wrong_digest_is_found(engine: Engine) -> None:
    """A content that imports would not find, or take for another one, is reported."""
    import_documents(engine, {"a": job(messages=[says("m")])})
    with engine.begin() as connection:
        connection.execute(
            sa.update(tables.message_content)
            .where(tables.message_content.c.id == 3)
            .values(digest=b"x")
        )
    assert list(verify.verify(engine)) == ["vc01: 1 message content with a wrong digest"]
