from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import calendar, db
from archive.db import tables
from archive.maintenance import change_calendar, verify
from archive.store import anomalies, totals
from tests.support.archives import each, empty, import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

MIB = 2**20
START = date(2024, 1, 1)
BUILDS = [
    {"version_name": "8.0 U3", "version": f"8.0.3.00{number}00", "build_number": str(number)}
    for number in (1, 2)
]


def night(number: int, size: int | None = 100 * MIB, **fields: Any) -> dict[str, Any]:
    """Return a success of a night."""
    start = f"{START + timedelta(days=number)}T02:00:00.000Z"
    return job(start_time=start, end_time=start, size=size, **fields)


def nights(*sizes: int | None) -> dict[str, dict[str, Any]]:
    return {f"{number:04}": night(number, size) for number, size in enumerate(sizes)}


def stored(engine: Engine) -> list[tuple[Any, ...]]:
    """Return the rows of `anomaly`: job id, what, severity, figure, previous, confirmed_by."""
    table = tables.anomaly
    columns = ("job_id", "what", "severity", "figure", "previous", "confirmed_by")
    query = sa.select(*(table.c[name] for name in columns)).order_by(table.c.job_id, table.c.what)
    with db.reading(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def differences(engine: Engine) -> int:
    with db.reading(engine) as connection:
        return len(anomalies.differences(connection))


def test_anomaly_is_stored_with_its_job(engine: Engine) -> None:
    history = nights(*[100 * MIB] * 30) | {"0030": night(30, 0), "0031": night(31, 150 * MIB)}
    history["0032"] = night(32, build=BUILDS[0])
    history["0033"] = night(33, build=BUILDS[1])
    import_documents(engine, history)
    assert stored(engine) == [
        (31, "empty", 3, 0, None, None),
        (32, "size", 1, 150 * MIB, None, None),
        (34, "build", 1, None, "8.0.3.00100 (1)", None),
    ]


def test_level_is_confirmed_by_a_later_import(engine: Engine) -> None:
    history = nights(*[100 * MIB] * 30, *[200 * MIB] * 3)
    *first, last = history.items()
    import_documents(engine, dict(first))
    assert stored(engine) == [(31, "size", 1, 200 * MIB, None, None)]
    import_documents(engine, dict([last]))
    assert stored(engine) == [(31, "size", 1, 200 * MIB, None, 33)]
    assert differences(engine) == 0


def test_late_import_changes_later_verdicts(engine: Engine) -> None:
    """Before the late half is there, the others are too few to judge."""
    history = nights(*[100 * MIB] * 20, MIB)
    late = {key: history.pop(key) for key in list(history)[:15]}
    import_documents(engine, history)
    assert stored(engine) == []
    import_documents(engine, late)
    assert [row[1] for row in stored(engine)] == ["tiny"]
    assert differences(engine) == 0


def test_success_that_moves_is_judged_again(engine: Engine) -> None:
    """A job without a start stands where it was first seen; an earlier import moves it."""
    history = nights(*[100 * MIB] * 30)
    moving = job(start_time=None, end_time=None, size=MIB)
    import_documents(engine, history | {"x": moving}, "vc", "2024-03-01T00:00:00.000000Z")
    assert [row[1] for row in stored(engine)] == ["tiny"]
    import_documents(engine, {"x": moving}, "vc", "2024-01-03T00:00:00.000000Z")
    assert stored(engine) == []
    assert differences(engine) == 0


@pytest.mark.parametrize("day", [0, 10, 40, 60])
def test_success_that_failed_after_all_is_no_anomaly(engine: Engine, day: int) -> None:
    """Also if its other document has another start."""
    import_documents(engine, nights(*[100 * MIB] * 40, 0))
    assert [row[1] for row in stored(engine)] == ["empty"]
    failed = night(day, 0, duration=90) | {"status": "FAILED"}
    import_documents(engine, {"0040": failed})
    assert stored(engine) == []
    assert differences(engine) == 0


def test_calendar_change_judges_again(engine: Engine) -> None:
    import_documents(engine, nights(*[100 * MIB] * 30, MIB))
    change_calendar.change_calendar(engine, calendar.calendar("Pacific/Auckland", "16:00"))
    assert differences(engine) == 0


def test_verify_finds_wrong_anomalies_and_rebuild_corrects_them(engine: Engine) -> None:
    import_documents(engine, nights(*[100 * MIB] * 30, MIB, *[100 * MIB] * 5, 0))
    before = stored(engine)
    with db.writing(engine) as connection:
        connection.execute(sa.delete(tables.anomaly).where(tables.anomaly.c.what == "tiny"))
    (found,) = verify.verify(engine)
    assert found.startswith("anomaly (appliance_id 1, job_id 31, what tiny): the row is missing")
    assert found.endswith(": run `archive db rebuild`")
    with db.writing(engine) as connection:
        assert totals.rebuild(connection) == 1
    assert stored(engine) == before
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize("appliances", [1, 3])
def test_usual_job_of_a_night_needs_no_model(engine: Engine, appliances: int) -> None:
    """It is compared with few values only; the verdict is the same."""
    chance = Random(appliances)  # noqa: S311 - made-up histories
    sizes = [int(100 * MIB * (1 + chance.uniform(-0.05, 0.05))) for _ in range(120)]
    for number in range(appliances):
        import_documents(engine, nights(*sizes), f"vc{number}")
        import_documents(engine, {"0120": night(120)}, f"vc{number}")
    assert stored(engine) == []
    assert differences(engine) == 0


JOBS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 1, 7, 40]),
        st.sampled_from([None, 0, MIB, *[100 * MIB] * 6, 110 * MIB, 300 * MIB, 300 * MIB]),
        st.sampled_from([600, 600, 600, 6000]),
        st.sampled_from(["SCHEDULED"] * 4 + ["MANUAL"]),
        st.sampled_from(["SUCCEEDED"] * 6 + ["FAILED", "RUNNING"]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    min_size=10,
    max_size=40,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JOBS, st.randoms(use_true_random=False))
def test_stored_anomalies_equal_those_judged_anew(
    engines: list[Engine],
    steps: list[tuple[int, int | None, int, str, str, int]],
    random: Random,
) -> None:
    """Whatever the order, the parts and the repetitions of the imports."""
    number, documents = 0, {}
    for place, (step, size, duration, kind, status, build) in enumerate(steps * 2):
        number += step
        start = f"{START + timedelta(days=number)}T{place % 24:02}:00:00.000Z"
        fields = {"size": size, "duration": duration, "type": kind, "build": BUILDS[build]}
        document = job(status, start_time=start, **fields)
        documents[f"{place:03}"] = document
    keys = list(documents)
    random.shuffle(keys)
    parts = [keys[:5], keys[3:40], keys[:20], keys[30:], keys]
    seen = []
    for engine in each(engines):
        empty(engine)
        for at, part in enumerate(parts):
            open_jobs = {
                key: job("RUNNING", start_time=documents[key]["start_time"])
                if at == 0
                else documents[key]
                for key in part
            }
            import_documents(engine, open_jobs, "vc", f"2026-01-0{5 - at}T00:00:00.000000Z")
            assert differences(engine) == 0
        seen.append([row[1:5] for row in stored(engine)])
    assert seen[0] == seen[-1]
