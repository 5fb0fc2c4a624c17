"""A chain that was changed, shortened in the middle or reordered is found, and a job that left no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document.appliance_facts import Facts
from archive.maintenance import verify_evidence
from archive.maintenance.forget import forget
from archive.maintenance.merge import merge
from archive.maintenance.rename import rename
from archive.maintenance.undo_import import undo
from archive.store import evidence_chain
from archive.store.evidence_chain import Key
from tests.support import everything
from tests.support.archives import empty, import_documents
from tests.support.copies import copied
from tests.support.samples import api, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

FIRST, SECOND, THIRD = (f"2026-03-0{day}T03:00:00.000000Z" for day in (1, 2, 3))
LINK, LIST = tables.evidence_link, tables.evidence_list


def problems(engine: Engine, key: Key | None = None) -> list[str]:
    with db.reading(engine) as connection:
        return list(verify_evidence.problems(connection, key))


def change(engine: Engine, *statements: Any) -> None:
    with db.writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)


@copied
def fill(engine: Engine) -> None:
    import_documents(engine, api(a=job("RUNNING"), b=job()), seen_at=FIRST)
    import_documents(engine, api(a=job(), b=job()), seen_at=SECOND)
    import_documents(engine, api(a=job(), b=job(), c=job()), seen_at=THIRD)


def forge(connection: Connection) -> None:
    """Compute the chain anew, as somebody can who knows how."""
    previous = evidence_chain.START
    for link in list(evidence_chain.links(connection)):
        import hashlib

        previous = hashlib.sha256(link.line(previous).encode()).digest()
        connection.execute(sa.update(LINK).where(LINK.c.id == link.id).values(link=previous))


def test_whole_chain_has_no_problems(engine: Engine) -> None:
    fill(engine)
    assert problems(engine) == []


def test_changed_link_is_named(engine: Engine) -> None:
    fill(engine)
    change(engine, sa.update(LINK).where(LINK.c.id == 2).values(seen_at=THIRD))
    (one,) = problems(engine)
    assert one.startswith("evidence_link (id 2): wrong recorded_at or ")


def test_removed_link_is_named(engine: Engine) -> None:
    fill(engine)
    change(engine, sa.delete(LINK).where(LINK.c.id == 2))
    found = problems(engine)
    assert found[0].startswith("evidence_link (id 2): missing")
    assert any(one.startswith("ingest_run (id 2): complete, but no link") for one in found)
    assert any("link_id 2): there is no such link" in one for one in found)


def test_reordered_links_are_named(engine: Engine) -> None:
    fill(engine)
    numbers = {1: -1, 2: 1, -1: 2}
    change(
        engine,
        *(sa.update(LINK).where(LINK.c.id == old).values(id=new) for old, new in numbers.items()),
    )
    found = "\n".join(problems(engine))
    assert "evidence_link (id 1): wrong" in found
    assert "evidence_link (id 2): wrong" in found


def test_job_that_was_removed_is_missed(engine: Engine) -> None:
    fill(engine)
    change(engine, sa.delete(tables.job).where(tables.job.c.key == "b"))
    (one,) = problems(engine)
    assert "job b of vc01 is missing" in one


def test_job_that_no_import_brought_is_named(engine: Engine) -> None:
    fill(engine)
    with db.writing(engine) as connection:
        values = connection.execute(sa.select(tables.job).where(tables.job.c.key == "b")).one()
        added = {**values._mapping, "id": 9, "key": "z", "build_id": None}
        connection.execute(sa.insert(tables.job).values(added))
    (one,) = problems(engine)
    assert one.startswith("job z of vc01: no link of the chain lists it")


def test_older_document_in_the_place_of_a_newer_one_is_named(engine: Engine) -> None:
    fill(engine)
    with db.reading(engine) as connection:
        marks = connection.execute(
            sa.select(LIST.c.digests).where(LIST.c.link_id == 1)
        ).scalar_one()
    change(engine, sa.update(tables.job).where(tables.job.c.key == "a").values(digest=marks[:32]))
    (one,) = problems(engine)
    assert one.startswith("job a of vc01: wrong digest")


def test_changed_list_is_named(engine: Engine) -> None:
    fill(engine)
    query = sa.select(LIST.c.job_keys).where(LIST.c.link_id == 3)
    with db.reading(engine) as connection:
        assert connection.execute(query).scalar_one() == b"c\0"
    change(engine, sa.update(LIST).where(LIST.c.link_id == 3).values(job_keys=b"d\0"))
    found = problems(engine)
    assert any("link_id 3): wrong job_keys or digests" in one for one in found)


def test_log_of_maintenance_without_a_change_is_named(engine: Engine) -> None:
    fill(engine)
    rename(engine, "vc01", "vc02")
    rename(engine, "vc02", "vc03")
    table = tables.maintenance
    change(
        engine,
        sa.delete(table).where(table.c.id == 2),
        sa.update(table).where(table.c.id == 1).values(new_name="vc09"),
    )
    found = problems(engine)
    assert [one.split(":")[0] for one in found] == ["maintenance (id 1)", "maintenance (id 2)"]


def test_forged_chain_is_found_with_the_key(engine: Engine) -> None:
    key = Key("only the auditor knows it")
    keyed = engine.execution_options()
    evidence_chain.use_key(keyed, lambda: key)
    fill(keyed)
    assert problems(keyed) == []
    with db.writing(engine) as connection:
        connection.execute(sa.update(LINK).where(LINK.c.id == 2).values(recorded_at=FIRST))
        forge(connection)
    assert problems(engine) == []
    assert [one.split(":")[0] for one in problems(engine, key)] == [
        "evidence_link (id 2)",
        "evidence_link (id 3)",
    ]


def test_newest_link_must_have_the_configured_key(engine: Engine) -> None:
    fill(engine)
    (one,) = problems(engine, Key("configured later than this"))
    assert "the newest link is not made with the configured key" in one


@pytest.mark.parametrize("name", ["vc01", "vc02"])
def test_maintenance_explains_what_is_gone(engines: list[Engine], name: str) -> None:
    for engine in engines:
        empty(engine)
        fill(engine)
        wrong = import_documents(engine, api(x=job(), y=job()), seen_at=THIRD).run
        import_documents(engine, api(a=job("FAILED"), z=job()), "vc02", FIRST)
        import_documents(engine, api(q=job()), "vc04", FIRST)
        undo(engine, wrong)
        rename(engine, "vc04", "vc05")
        merge(engine, "vc02", "vc01")
        rename(engine, "vc01", "vc06")
        forget(engine, "vc05" if name == "vc02" else "vc06")
        assert problems(engine) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            sa.update(tables.schedule).values(hour=5),
            "vc03: schedule, system_version or system_time_zone is not as link ",
        ),
        (
            sa.delete(tables.schedule).where(tables.schedule.c.ended_at.is_not(None)),
            "vc03: schedule, system_version or system_time_zone is not as link ",
        ),
        (
            sa.update(tables.appliance)
            .where(tables.appliance.c.name == "vc02")
            .values(rpo_seconds=9),
            "appliance (id 2): cadence_seconds, rpo_seconds or retired_at is not as link ",
        ),
        (
            sa.update(LINK).where(LINK.c.what == "settings").values(facts="{}"),
            "evidence_link (id 16): wrong facts",
        ),
        (
            sa.update(LINK).where(LINK.c.what == "settings").values(facts=None),
            "evidence_link (id 16): facts are missing",
        ),
    ],
)
def test_facts_must_be_those_that_were_recorded(engine: Engine, statement: Any, said: str) -> None:
    everything.fill(engine)
    assert problems(engine) == []
    change(engine, statement)
    assert any(one.startswith(said) for one in problems(engine)), problems(engine)


def test_facts_of_a_forgotten_appliance_go(engine: Engine) -> None:
    everything.fill(engine)
    forget(engine, "vc03")
    assert problems(engine) == []
    query = sa.select(LINK.c.what).where(LINK.c.facts.is_not(None))
    with db.reading(engine) as connection:
        assert list(connection.execute(query).scalars()) == ["settings"]


def test_schedules_that_a_clock_ahead_recorded_may_go(engine: Engine) -> None:
    """A collection takes back what one with a wrong clock had recorded."""
    for seen_at, hour in ((FIRST, 1), ("2027-01-01T03:00:00.000000Z", 2), (SECOND, 3)):
        facts = Facts(None, "UTC", (everything.SCHEDULE._replace(hour=hour),))
        everything.collect(engine, "vc01", {"a": job()}, facts, seen_at)
    assert problems(engine) == []
