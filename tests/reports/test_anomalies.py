from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.errors import UsageError
from archive.reports import Scope, anomalies
from tests.laws.recomputed.anomalies import Success, of_history
from tests.reports import fleet
from tests.reports.fleet import NAS, NEW, OLD, on
from tests.reports.histories import NOW, both, rows
from tests.support.archives import empty, import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW)
MIB = 2**20
START = date(2026, 1, 1)


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def daily(sizes: list[int | None], **fields: Any) -> dict[str, dict[str, Any]]:
    """Return backups with some sizes, one a day."""
    return {f"{n:03}": on(day(n), **{"size": size, **fields}) for n, size in enumerate(sizes)}


def found(engine: Engine, history: dict[str, Any], scope: Scope = SCOPE) -> list[tuple[Any, ...]]:
    """Return the anomalies of a history: key, severity, what, figure and the range."""
    import_documents(engine, history)
    return [(*row[2:5], *row[6:10]) for row in rows(engine, "anomalies", scope)]


def rows_of(engine: Engine, sizes: list[int | None]) -> list[Any]:
    """Return the anomalies of backups with some sizes, one a day."""
    empty(engine)
    import_documents(engine, daily(sizes))
    return rows(engine, "anomalies", SCOPE)


def test_fleet(engine: Engine) -> None:
    """Too few sizes give no anomaly; a new type of backup is one."""
    fleet.load(engine)
    assert rows(engine, "anomalies", SCOPE) == [
        (fleet.BERLIN, "2026-04-01", "20260401-120000-1", 1, "type", "text", *[None] * 4,
         "from MANUAL to SCHEDULED"),
    ]  # fmt: skip


def test_unusual_sizes_and_durations(engines: list[Engine]) -> None:
    """The most severe come first, then the newest; what is within a quarter is no anomaly."""
    sizes: list[int | None] = [100 * MIB] * 30
    history = daily([*sizes, 0, 160 * MIB, 120 * MIB, 100 * MIB, 9 * MIB, 49 * MIB], duration=600)
    history["040"] = on(day(40), size=100 * MIB, duration=1201)
    history["041"] = on(day(41), size=100 * MIB, duration=760)
    usual = (100 * MIB, 81920000, 128 * MIB)
    assert both(engines, {"vc": history}, "anomalies", SCOPE) == [
        ("vc", "2026-02-04", "034", 3, "tiny", "bytes", 9 * MIB, *usual,
         "9.0 MiB instead of 100.0 MiB (9 %)"),
        ("vc", "2026-01-31", "030", 3, "empty", "bytes", 0, *usual, "nothing was backed up"),
        ("vc", "2026-02-10", "040", 2, "duration", "seconds", 1201, 600, 469, 768,
         "20 m 01 s instead of 10 m 00 s (200 %)"),
        ("vc", "2026-02-05", "035", 2, "size", "bytes", 49 * MIB, *usual,
         "49.0 MiB instead of 100.0 MiB (49 %)"),
        ("vc", "2026-02-01", "031", 1, "size", "bytes", 160 * MIB, *usual,
         "160.0 MiB instead of 100.0 MiB (160 %)"),
    ]  # fmt: skip


def test_changes(engines: list[Engine]) -> None:
    """Target and user are compared with the previous job of the same type, the build with the appliance's."""
    other = "sftp://me:one@other/backup"
    history = {
        "0": on(day(0), build=OLD),
        "1": on(day(1), build=NEW),
        # A new type has another target, but only the new type is an anomaly.
        "2": on(day(2), build=NEW, type="LOCAL_BACKUP", location="file:///local", location_user=""),
        "3": on(day(3), build=NEW, location=other),
        # A failed job changes nothing, and neither does a password.
        "4": on(day(4), "FAILED", build=OLD),
        "5": on(
            day(5), location="sftp://me:two@other/backup/vCenter/sn_vc/S_8_x", location_user="b"
        ),
    }
    assert both(engines, {"vc": history}, "anomalies", SCOPE) == [
        ("vc", "2026-01-04", "3", 2, "location", "text", *[None] * 4,
         f"from {NAS} to sftp://me:***@other/backup"),
        ("vc", "2026-01-06", "5", 1, "user", "text", *[None] * 4, "from backup to b"),
        ("vc", "2026-01-03", "2", 1, "type", "text", *[None] * 4, "from SCHEDULED to LOCAL_BACKUP"),
        ("vc", "2026-01-02", "1", 1, "build", "text", *[None] * 4,
         "from 7.0.3.02100 (21784236) to 8.0.3.00400 (24322831)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "what"),
    [
        ([], []),
        ([0], ["empty"]),  # nothing to compare with, but the backup is empty
        ([0, 0, 0], ["empty"]),
        ([0] * 30 + [MIB], ["empty"]),
        ([0] * 30 + [2 * MIB], ["size", "empty"]),
        ([100 * MIB] * 6 + [MIB], []),
        ([100 * MIB] * 7 + [MIB], ["tiny"]),
        ([100 * MIB] * 7 + [-1, None, -5], []),
        # An empty backup is never usual where others are not.
        ([100 * MIB] * 40 + [0] * 30, ["empty"] * 30),
        # Continued growth is expected, and is no anomaly.
        ([n * MIB for n in range(100, 200, 4)], []),
        ([n * MIB for n in range(400, 200, -10)], []),
        # Noise of the usual extent is none.
        ([(100 + 7 * n % 31) * MIB for n in range(60)], []),
        # Less than half or more than double, until each weekday has come three times.
        ([100 * MIB] * 14 + [150 * MIB] + [100 * MIB] * 9 + [150 * MIB], ["size"]),
    ],
)
def test_sizes(engine: Engine, sizes: list[int | None], what: list[str]) -> None:
    """Anomalies depend on a minimum of previous sizes."""
    assert [row[2] for row in reversed(found(engine, daily(sizes)))] == what


def test_change_of_level_is_reported_once(engine: Engine) -> None:
    """The next two values confirm it; without them it is a single anomaly."""
    sizes: list[int | None] = [*[100 * MIB] * 30, *[200 * MIB] * 40]
    (row,) = rows_of(engine, sizes)
    assert (row.key, row.reason) == ("030", "200.0 MiB instead of 100.0 MiB (200 %), a new level")
    (row,) = rows_of(engine, sizes[:32])
    assert row.reason == "200.0 MiB instead of 100.0 MiB (200 %)"


@pytest.mark.parametrize(
    "is_larger",
    [
        pytest.param(lambda day: day.isoweekday() == 7, id="Sundays"),
        pytest.param(lambda day: day.day == 1, id="firsts of the month"),
        pytest.param(lambda day: (day + timedelta(days=1)).day == 1, id="ends of the month"),
        pytest.param(lambda day: day.isoweekday() == 6 and day.day <= 7, id="first Saturdays"),
    ],
)
def test_repeated_days_are_usual_the_third_time(
    engine: Engine, is_larger: Callable[[date], bool]
) -> None:
    """What comes on the same weekday or day of the month is known, and its absence is then unusual."""
    days = [START + timedelta(days=number) for number in range(200)]
    plain: list[int | None] = [100 * MIB] * 30
    sizes: list[int | None] = [*plain, *((300 if is_larger(at) else 100) * MIB for at in days[30:])]
    larger = [number for number in range(30, 200) if sizes[number] == 300 * MIB]
    rows = rows_of(engine, sizes)
    assert sorted(int(row.key) for row in rows) == larger[:2]
    sizes[larger[-1]] = 100 * MIB
    newest = rows_of(engine, sizes)[0]
    assert (int(newest.key), newest.expected) == (larger[-1], 300 * MIB)


def test_old_jobs_are_ignored(engine: Engine) -> None:
    """Jobs more than 400 days before are not compared with."""
    history = {f"{n}": on(day(n - 400), size=100 * MIB, build=OLD) for n in range(7)}
    overdue = on(day(7), size=MIB, build=NEW, location="sftp://other", type="MANUAL")
    assert found(engine, history | {"z": overdue}) == []
    empty(engine)
    overdue = on(day(0), size=MIB, build=NEW, location="sftp://other")
    assert [row[2] for row in found(engine, history | {"z": overdue})] == [
        "tiny", "location", "build"
    ]  # fmt: skip


def test_scope_selects_the_judged_jobs(engine: Engine) -> None:
    """They are compared with those before them, even with jobs outside the scope."""
    history = daily([100 * MIB] * 10) | {"020": on(day(10), size=MIB, type="MANUAL", build=NEW)}
    history["021"] = on(day(11), size=MIB, build=NEW)
    import_documents(engine, history)

    def judged(**asked: Any) -> list[tuple[str, str]]:
        return [(row.key, row.what) for row in rows(engine, "anomalies", Scope(now=NOW, **asked))]

    everything = [("021", "tiny"), ("020", "type")]
    assert judged() == everything
    assert judged(since=day(11)) == everything[:1]
    assert judged(until=day(10), builds=("8.0.3*",)) == everything[1:]
    assert judged(types=("SCHEDULED",)) == everything[:1]
    assert judged(locations=("nowhere",)) == []
    assert judged(since="0001-01-01") == everything
    with pytest.raises(UsageError):
        judged(statuses=("FAILED",))


@pytest.mark.parametrize(
    "history",
    [
        {"a": job("RUNNING", size=0), "b": job("PENDING"), "c": job("FAILED", size=0)},
        {"a": job(size=0, start_time="2027-01-01T00:00:00.000Z")},  # later than now
    ],
)
def test_only_finished_successes_are_judged(engines: list[Engine], history: dict[str, Any]) -> None:
    """Only jobs that have succeeded until now are judged."""
    assert both(engines, {"vc": history}, "anomalies", SCOPE) == []


def test_extreme_jobs(engines: list[Engine]) -> None:
    """Extreme and negative values, two at one instant, a leap day, jobs without a start."""
    history = {
        f"{n:02}": job(size=size, duration=duration, start_time="2024-02-29T12:00:00.000Z")
        for n, (size, duration) in enumerate([(2**63 - 1, -(2**63))] * 8 + [(-(2**63), 2**63 - 1)])
    }
    history["zz"] = job(start_time=None, size=None, duration=None)
    assert both(engines, {"vc": history}, "anomalies", SCOPE) == []
    (row,) = both(engines, {"vc": {"a": job(start_time=None, size=0)}}, "anomalies", SCOPE)
    assert row[1:7] == ("2026-07-24", "a", 3, "empty", "bytes", 0)
    assert row.reason == "nothing was backed up"


def test_notes_explain_the_comparison(engine: Engine) -> None:
    """The notes say which jobs are compared."""
    with db.reading(engine) as connection:
        (note,) = reports.find("anomalies").notes(connection, SCOPE)
    assert "200 successes" in note


JOBS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 7, 100]),  # days since the previous job
        st.sampled_from(["SCHEDULED", "SCHEDULED", "MANUAL"]),
        st.sampled_from([None, 0, MIB, 100 * MIB, 101 * MIB, 102 * MIB, 110 * MIB, 300 * MIB]),
        st.sampled_from([1, 1, 1, 2]),
    ),
    min_size=1,
    max_size=45,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JOBS)
def test_anomalies_follow_their_definitions(
    engines: list[Engine], steps: list[tuple[int, str, int | None, int]]
) -> None:
    """The anomalies equal those of the definitions applied to the jobs."""
    number = 0
    history = []
    documents = {}
    for place, (step, kind, size, user) in enumerate(steps):
        number += step
        on = date(2020, 1, 1) + timedelta(days=number)
        key = f"{place:02}"
        history.append(Success(on, key, kind, size, 0, None, str(user), None))
        documents[key] = job(
            start_time=f"{on.isoformat()}T12:00:00.000Z",
            type=kind,
            size=size,
            duration=0,
            location_user=str(user),
        )
    said = both(engines, {"vc": documents}, "anomalies", SCOPE)
    assert sorted(said, key=str) == sorted((("vc", *row) for row in of_history(history)), key=str)


def test_view_has_the_rows_of_the_report(engines: list[Engine]) -> None:
    """A job that starts after it was seen is in neither."""
    sizes: list[int | None] = [*[100 * MIB] * 30, 0, *[200 * MIB] * 5, MIB]
    history = daily(sizes) | {"change": on(day(40), size=200 * MIB, build=OLD)}
    history["changed"] = on(day(41), size=200 * MIB, build=NEW)
    history["later"] = on("2027-01-01", size=0)
    for engine in engines:
        import_documents(engine, history, "vc")
        query = sa.text(
            "SELECT appliance, day, key, severity, what, figure, expected, lower, upper FROM v_anomaly"
        )
        with db.reading(engine) as connection:
            viewed = [tuple(row) for row in connection.execute(query.columns(day=db.Day()))]
        reported = [(*row[:5], *row[6:10]) for row in rows(engine, "anomalies", SCOPE)]
        assert sorted(viewed, key=str) == sorted(reported, key=str)
        assert {row[4] for row in viewed} == {"empty", "tiny", "size", "build"}


def test_drops_are_those_of_the_anomalies(engines: list[Engine]) -> None:
    """Empty, tiny and smaller backups drop; larger ones and those without an anomaly do not."""
    plain = daily([100 * MIB] * 30)
    last = {"empty": 0, "tiny": MIB, "half": 45 * MIB, "larger": 300 * MIB, "usual": 100 * MIB}
    histories = {name: plain | {"last": on(day(30), size=size)} for name, size in last.items()}
    histories["first"] = {"last": on(day(30), size=0)}
    both(engines, histories, "anomalies", SCOPE)
    for engine in engines:
        with db.reading(engine) as connection:
            found = anomalies.drops(connection, dict.fromkeys(histories, "last"))
            assert found == {"empty": 100, "tiny": 99, "half": 55, "first": 100}
            assert anomalies.drops(connection, {"empty": "029"}) == {}
