from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from archive import db, quantile_sketch
from archive.db import tables
from archive.maintenance import verify
from archive.store import build_sketches, totals
from archive.store.build_sketches import NO_BUILD
from tests.store.test_day_totals import KEYS, shared
from tests.support.archives import each, import_documents, rows
from tests.support.queried import V7, V8
from tests.support.samples import job
from tests.support.strategies import INT64

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SKETCH = tables.build_sketch.c
DOCUMENTS = st.builds(
    lambda status, build, size, duration: job(status, build=build, size=size, duration=duration),
    st.sampled_from(["RUNNING", "SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED"]),
    st.sampled_from([V7, V8, None]),
    st.none() | INT64,
    st.none() | st.integers(0, 10**5),
)
IMPORTS = st.lists(
    st.tuples(
        st.sampled_from(["vc01", "vc02"]),
        st.integers(0, 9),
        st.dictionaries(st.sampled_from(KEYS), DOCUMENTS, min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def differences(engine: Engine) -> int:
    """Return the number of rows of wrong stored sketches."""
    with db.reading(engine) as connection:
        return len(build_sketches.differences(connection))


@shared
@given(IMPORTS)
def test_sketches_equal_those_of_the_jobs(engines: list[Engine], imports: list[Any]) -> None:
    """After any imports, in any order, repeated or changed, the sketches are those of the jobs."""
    for engine in each(engines):
        for appliance, hour, jobs in imports:
            import_documents(engine, jobs, appliance, f"2026-07-2{hour}T00:00:00.000000Z")
            assert differences(engine) == 0


def test_only_successes_count(engine: Engine) -> None:
    """A sketch has the values of succeeded jobs; without any value there is no row."""
    import_documents(
        engine,
        {
            "a": job(size=7, duration=50, build=V8),
            "b": job("FAILED", size=9, duration=50, build=V8),
            "c": job("FAILED", size=9, duration=50, build=V7),
            "d": job(size=None, duration=60, build=None),
        },
    )
    found = rows(engine, sa.select(SKETCH.build_id, SKETCH.sizes, SKETCH.durations))
    counts = {build == NO_BUILD: tuple(map(quantile_sketch.decode, data)) for build, *data in found}
    seven, fifty, sixty = quantile_sketch.bins_of([7, 50, 60])
    assert counts == {False: ({seven: 1}, {fifty: 1}), True: ({}, {sixty: 1})}


def test_job_that_changes_leaves_its_build(engine: Engine) -> None:
    """When the document of a job is replaced, its old values are removed, and an empty row is deleted."""
    import_documents(engine, {"a": job(size=7, duration=50, build=V7)})
    import_documents(engine, {"a": job(size=7, duration=51, build=V8)})
    assert len(rows(engine, sa.select(SKETCH.build_id))) == 1
    assert differences(engine) == 0


def test_wrong_sketches_are_found_and_rebuilt(engine: Engine) -> None:
    """A wrong row is reported, and rebuilding fixes it."""
    import_documents(engine, {"a": job(build=V7)})
    with db.writing(engine) as connection:
        connection.execute(sa.update(tables.build_sketch).values(sizes=b""))
    (sentence,) = verify.verify(engine)
    assert sentence == (
        "build_sketch (appliance_id 1, build_id 1): wrong sizes: run `archive db rebuild`"
    )
    with db.writing(engine) as connection:
        assert totals.rebuild(connection) == 1
    assert list(verify.verify(engine)) == []
