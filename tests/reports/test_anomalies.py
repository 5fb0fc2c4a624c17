from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.errors import UsageError
from archive.judgement.outliers import Range, usual
from archive.reports import Scope, anomalies
from tests.reports import fleet
from tests.reports.fleet import NAS, NEW, OLD, on
from tests.reports.histories import NOW, both, rows
from tests.support.archives import import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
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
    """Return the anomalies of a history: key, what, figure and the range."""
    import_documents(engine, history)
    return [row[2:8] for row in rows(engine, "anomalies", scope)]


def test_fleet(engine: Engine) -> None:
    """Too few sizes give no anomaly; a new type of backup is one."""
    fleet.load(engine)
    assert rows(engine, "anomalies", SCOPE) == [
        (fleet.BERLIN, "2026-04-01", "20260401-120000-1", "type", *[None] * 4,
         "from MANUAL to SCHEDULED"),
    ]  # fmt: skip


def test_unusual_sizes_and_durations(engines: list[Engine]) -> None:
    """Almost constant sizes, an empty backup, a huge one, and a slow one."""
    sizes: list[int | None] = [100 * MIB] * 10
    history = daily([*sizes, 0, 160 * MIB, 126 * MIB, 125 * MIB, 9 * MIB], duration=600)
    history["020"] = on(day(20), size=100 * MIB, duration=751)
    history["021"] = on(day(21), size=100 * MIB, duration=750)
    usual_size = (100 * MIB, 75 * MIB, 125 * MIB)
    assert both(engines, {"vc": history}, "anomalies", SCOPE) == [
        ("vc", "2026-01-11", "010", "tiny", 0, *usual_size, "0 % of the expected value"),
        ("vc", "2026-01-12", "011", "size", 160 * MIB, *usual_size, "160 % of the expected value"),
        ("vc", "2026-01-13", "012", "size", 126 * MIB, *usual_size, "126 % of the expected value"),
        ("vc", "2026-01-15", "014", "tiny", 9 * MIB, *usual_size, "9 % of the expected value"),
        ("vc", "2026-01-21", "020", "duration", 751, 600, 450, 750, "125 % of the expected value"),
    ]


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
        ("vc", "2026-01-02", "1", "build", *[None] * 4,
         "from 7.0.3.02100 (21784236) to 8.0.3.00400 (24322831)"),
        ("vc", "2026-01-03", "2", "type", *[None] * 4, "from SCHEDULED to LOCAL_BACKUP"),
        ("vc", "2026-01-04", "3", "location", *[None] * 4,
         f"from {NAS} to sftp://me:***@other/backup"),
        ("vc", "2026-01-06", "5", "user", *[None] * 4, "from backup to b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "what"),
    [
        ([], []),
        ([0], ["tiny"]),  # nothing to compare with, but the backup is empty
        ([0, 0, 0], ["tiny"]),
        ([0] * 20, ["tiny"]),
        ([0] * 20 + [MIB], ["tiny"]),
        ([0] * 20 + [MIB + 1], ["tiny", "size"]),
        ([100 * MIB] * 6 + [MIB], []),
        ([100 * MIB] * 7 + [MIB], ["tiny"]),
        ([100 * MIB] * 7 + [-1, None, -5], []),
        ([1] * 7 + [0], ["tiny"]),
        # Continued growth is expected, and is no anomaly.
        ([n * MIB for n in range(100, 200, 4)], []),
        ([n * MIB for n in range(400, 200, -10)], []),
        # A new level is an anomaly for a week.
        ([100 * MIB] * 30 + [200 * MIB] * 40, ["size"] * 8),
        # Noise of the usual extent is none.
        ([(100 + 7 * n % 31) * MIB for n in range(60)], []),
    ],
)
def test_sizes(engine: Engine, sizes: list[int | None], what: list[str]) -> None:
    """Anomalies depend on a minimum of previous sizes."""
    assert [row[1] for row in found(engine, daily(sizes))] == what


def test_old_jobs_are_ignored(engine: Engine) -> None:
    """Jobs more than 180 days before are not compared with."""
    history = daily([100 * MIB] * 7, build=OLD)
    overdue = on(day(6 + 181), size=MIB, build=NEW, location="sftp://other", type="MANUAL")
    assert found(engine, history | {"z": overdue}) == []
    overdue = on(day(6 + 180), size=MIB, build=NEW, location="sftp://other")
    scope = Scope(until=day(6 + 180), now=NOW)
    judged = found(engine, history | {"zz": overdue}, scope)
    assert [row[1] for row in judged] == ["location", "build"]


def test_scope_selects_the_judged_jobs(engine: Engine) -> None:
    """They are compared with those before them, even with jobs outside the scope."""
    history = daily([100 * MIB] * 10) | {"020": on(day(10), size=MIB, type="MANUAL", build=NEW)}
    history["021"] = on(day(11), size=MIB, build=NEW)
    import_documents(engine, history)

    def judged(**asked: Any) -> list[tuple[str, str]]:
        return [row[2:4] for row in rows(engine, "anomalies", Scope(now=NOW, **asked))]

    everything = [("020", "type"), ("021", "tiny")]
    assert judged() == everything
    assert judged(since=day(11)) == everything[1:]
    assert judged(until=day(10), builds=("8.0.3*",)) == everything[:1]
    assert judged(types=("SCHEDULED",)) == everything[1:]
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
    assert row[1:5] == ("2026-07-24", "a", "tiny", 0)
    assert row.reason == "the first empty backup"


def test_notes_explain_the_comparison(engine: Engine) -> None:
    """The notes say which jobs are compared."""
    with db.reading(engine) as connection:
        (note,) = reports.find("anomalies").notes(connection, SCOPE)
    assert "30 successes" in note


@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=30), st.integers(0, 10**6))
def test_expected_value_is_within_the_usual_range(values: list[int], least: int) -> None:
    """For any history the expected value is usual, with a minimum tolerance."""
    found = usual(values, least)
    assert 0 <= found.lower <= found.expected <= found.upper
    assert found.upper - found.expected >= max(least, found.expected // 4)


@given(st.integers(0, 10**12), st.integers(0, 10**9), st.integers(2, 30))
def test_linear_growth_continues(first: int, growth: int, number: int) -> None:
    """After values that grow by a constant the next one in line is expected."""
    values = [first + growth * at for at in range(number)]
    assert usual(values, 0).expected == first + growth * number


@given(st.lists(st.integers(10**6, 10**6 + 1000), min_size=20, max_size=30), st.integers(0, 10**15))
def test_single_outlier_hardly_matters(values: list[int], odd: int) -> None:
    """One value, however extreme, moves the expected one no further than the spread of the others."""
    found = usual([*values[:10], odd, *values[11:]], 0)
    assert isinstance(found, Range)
    assert abs(found.expected - 10**6) <= 10_000


def expected_of(jobs: list[tuple[int, str, int | None, int]]) -> set[tuple[int, str]]:
    """Return the anomalies of (day, type, size, user) by the plain definitions."""
    expected = set()
    for place, (number, kind, size, user) in enumerate(jobs):
        before = [one for one in jobs[:place] if one[0] >= number - 180]
        alike = [one for one in before if one[1] == kind]
        sizes = [one[2] for one in alike if one[2] is not None][-30:]
        if size is not None and len(sizes) >= 7:
            half = len(sizes) // 2
            steps = sorted(b - a for a, b in zip(sizes, sizes[half:], strict=False))
            step = steps[(len(steps) - 1) // 2]
            grown = [old + step * (len(sizes) - at) // half for at, old in enumerate(sizes)]
            middle = sorted(grown)[(len(grown) - 1) // 2]
            spread = sorted(abs(one - middle) for one in grown)[(len(grown) - 1) // 2]
            middle = max(middle, 0)
            width = max(9 * spread, middle * 25 // 100, MIB)
            if 10 * size < middle:
                expected.add((place, "tiny"))
            elif abs(size - middle) > width:
                expected.add((place, "size"))
        elif size == 0 and 0 not in sizes:
            expected.add((place, "tiny"))
        if alike and alike[-1][3] != user:
            expected.add((place, "user"))
        if before and not alike:
            expected.add((place, "type"))
    return expected


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
    jobs = []
    for step, kind, size, user in steps:
        number += step
        jobs.append((number, kind, size, user))
    documents = {
        f"{place:02}": job(
            start_time=f"{(date(2020, 1, 1) + timedelta(days=at)).isoformat()}T12:00:00.000Z",
            type=kind,
            size=size,
            location_user=str(user),
        )
        for place, (at, kind, size, user) in enumerate(jobs)
    }
    said = both(engines, {"vc": documents}, "anomalies", SCOPE)
    assert {(int(row.key), row.what) for row in said} == expected_of(jobs)


@pytest.mark.parametrize("last", [150, 151, 152])
def test_single_job_has_the_same_anomalies(engines: list[Engine], last: int) -> None:
    """A single job is compared with the same jobs as in the report."""
    random = Random(last)  # noqa: S311 - drawn again in each run alike

    def history(days: range, types: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        return {
            f"{number:03}": on(
                day(number),
                size=random.choice((None, 0, *[100 * MIB, 101 * MIB] * 4, 10**10)),
                duration=random.choice((None, *[600, 610] * 4, 9000)),
                type=random.choice(types),
                build=random.choice((OLD, NEW)),
            )
            for number in days
        }

    histories = {
        "daily": history(range(last + 1), ("SCHEDULED",)),
        "mixed": history(range(last + 1), ("SCHEDULED", "MANUAL", "MANUAL")),
        "weekly": history(range(last % 7, last + 1, 7), ("SCHEDULED",)),
        "new": history(range(last - 4, last + 1), ("SCHEDULED",)),
    }
    reported = both(engines, histories, "anomalies", SCOPE)
    keys = dict.fromkeys(histories, f"{last - 7:03}" if last % 2 else f"{last:03}")
    keys["new"] = f"{last:03}"
    for engine in engines:
        with db.reading(engine) as connection:
            found = list(anomalies.of_jobs(connection, SCOPE, keys, day(last - 20)))
        assert [(name, one.what, one.figure) for name, one in found] == [
            (row[0], row[3], row[4]) for row in reported if row[2] == keys[row[0]]
        ]
    assert {row[3] for row in reported} >= {"size", "tiny", "duration", "build", "type"}
