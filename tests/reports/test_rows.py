from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive import db, reports
from archive.reports import Scope
from archive.reports.core.distribution import SpreadRow
from archive.reports.success import SuccessRow
from archive.reports.trends import TrendsRow
from archive.reports.volume import VolumeRow
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, NAS, on
from tests.support.archives import import_documents

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def rows(engine: Engine, name: str, scope: Scope | None = None) -> list[tuple[Any, ...]]:
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, scope or Scope()))


@pytest.fixture
def archive(engine: Engine) -> Engine:
    """Give an archive of the fleet, on each database in turn."""
    fleet.load(engine)
    return engine


def test_trends(archive: Engine) -> None:
    """Rates ignore open jobs, sizes and durations failed ones; without finished jobs there is no rate."""
    assert rows(archive, "trends") == [
        TrendsRow("2026-01", None, 4, 3, 1, 0, 0, 0.75, 600, 200, 120, 600),
        TrendsRow("2026-02", None, 0, 0, 0, 2, 0, None, None, None, None, None),
        TrendsRow("2026-03", None, 1, 0, 1, 0, 1, 0.0, None, None, None, None),
        TrendsRow("2026-04", None, 1, 1, 0, 0, 0, 1.0, None, None, None, None),
    ]


def test_success(archive: Engine) -> None:
    """Every job counts as one of succeeded, failed, open and other."""
    assert rows(archive, "success") == [
        SuccessRow("2026-01", None, 4, 4, 3, 1, 0, 0, 0.75, 2),
        SuccessRow("2026-02", None, 2, 0, 0, 0, 2, 0, None, 2),
        SuccessRow("2026-03", None, 2, 1, 0, 1, 0, 1, 0.0, 2),
        SuccessRow("2026-04", None, 1, 1, 1, 0, 0, 0, 1.0, 1),
    ]


def test_volume(archive: Engine) -> None:
    """The sum is that of the succeeded backups; without any it is NULL."""
    expected = [
        VolumeRow("2026-01", None, 4, 3, 1, 0, 0, 0.75, 600, 780),
        VolumeRow("2026-02", None, 0, 0, 0, 2, 0, None, None, None),
        VolumeRow("2026-03", None, 1, 0, 1, 0, 1, 0.0, None, None),
        VolumeRow("2026-04", None, 1, 1, 0, 0, 0, 1.0, None, None),
    ]
    assert rows(archive, "volume") == expected
    everywhere = Scope(appliances=("*",))  # which is more than the totals have
    assert rows(archive, "volume", everywhere) == expected


def test_sizes(archive: Engine) -> None:
    """A period without a known size has a row without sizes."""
    assert rows(archive, "sizes") == [
        SpreadRow("2026-01", None, 3, 600, 100, 200, 300, 300),
        SpreadRow("2026-02", None, 0, None, None, None, None, None),
        SpreadRow("2026-03", None, 0, None, None, None, None, None),
        SpreadRow("2026-04", None, 1, None, None, None, None, None),
    ]


def test_durations(archive: Engine) -> None:
    """Durations are reported like sizes."""
    assert rows(archive, "durations", Scope("year")) == [
        SpreadRow("2026", None, 4, 780, 60, 120, 600, 600),
    ]


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("day", ["2026-01-05", "2026-01-06", "2026-01-20", "2026-01-31"]),
        ("week", ["2026-W02", "2026-W04", "2026-W05"]),
        ("month", ["2026-01"]),
        ("quarter", ["2026-Q1"]),
        ("year", ["2026"]),
    ],
)
def test_periods(archive: Engine, period: str, labels: list[str]) -> None:
    """Each period has its own label, and labels sort in the order of time."""
    found = rows(archive, "success", Scope(period, until="2026-01-31"))
    assert [row[0] for row in found] == labels


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("appliance", [("2026", BERLIN, 4), ("2026", LONDON, 5)]),
        ("type", [("2026", "MANUAL", 1), ("2026", "SCHEDULED", 7), ("2026", None, 1)]),
        (
            "build",
            [
                ("2026", "7.0.3.02100 (21784236)", 3),
                ("2026", "8.0.3.00400 (24322831)", 4),
                ("2026", None, 2),
            ],
        ),
        ("location", [("2026", NAS, 7), ("2026", None, 2)]),
    ],
)
def test_groups(archive: Engine, by: str, expected: list[tuple[Any, ...]]) -> None:
    """Groups are in the order of their text, and NULL comes last."""
    assert [row[:3] for row in rows(archive, "success", Scope("year", by=by))] == expected


def test_groups_have_percentiles_of_their_own(archive: Engine) -> None:
    """Each group of a period is ranked by itself."""
    scope = Scope("quarter", by="appliance", until="2026-03-31")
    assert rows(archive, "trends", scope) == [
        TrendsRow("2026-Q1", BERLIN, 1, 1, 0, 1, 1, 1.0, 200, 200, 600, 600),
        TrendsRow("2026-Q1", LONDON, 4, 2, 2, 1, 0, 0.5, 400, 100, 60, 120),
    ]


def test_passwords_are_removed_from_labels(engine: Engine) -> None:
    """Locations are shown without passwords; two that are then equal are one."""
    for number, word in enumerate(("one", "two")):
        url = f"sftp://me:{word}@nas.example.com/backup"
        import_documents(engine, {f"20260101-000000-{number}": on("2026-01-01", location=url)})
    found = rows(engine, "success", Scope(by="location"))
    assert [row[:3] for row in found] == [("2026-01", "sftp://me:***@nas.example.com/backup", 2)]


@pytest.mark.parametrize(
    ("scope", "jobs"),
    [
        (Scope("year"), 9),
        (Scope("year", since="2026-01-06"), 8),
        (Scope("year", until="2026-01-06"), 2),
        (Scope("year", since="2026-01-06", until="2026-01-06"), 1),
        (Scope("year", types=("MANUAL",)), 1),
        (Scope("year", types=("MANUAL", "SCHEDULED")), 8),
        (Scope("year", appliances=("*.lon.*",)), 5),
        (Scope("year", appliances=("*.lon.*", BERLIN)), 9),
        (Scope("year", appliances=("vc0[12].???.example.com",), types=("MANUAL",)), 1),
    ],
)
def test_filters(archive: Engine, scope: Scope, jobs: int) -> None:
    """A report counts the jobs that match all filters; date ranges include both ends."""
    (row,) = rows(archive, "success", scope)
    assert row[2] == jobs


def test_no_rows_without_jobs(archive: Engine) -> None:
    """A scope without jobs gives no row, and neither does an empty archive."""
    assert rows(archive, "trends", Scope(since="2030-01-01")) == []


def test_sums_do_not_overflow(engine: Engine) -> None:
    """Sums of the largest and smallest 64-bit numbers are exact integers."""
    sizes = {"2026-01-01": [INT64_MAX] * 3, "2026-02-01": [INT64_MIN] * 3, "2026-03-01": [-1, -2]}
    for day, values in sizes.items():
        import_documents(
            engine, {f"{day}-{n}": on(day, size=size) for n, size in enumerate(values)}
        )
    assert rows(engine, "sizes") == [
        SpreadRow("2026-01", None, 3, 3 * INT64_MAX, *[INT64_MAX] * 4),
        SpreadRow("2026-02", None, 3, 3 * INT64_MIN, *[INT64_MIN] * 4),
        SpreadRow("2026-03", None, 2, -3, -2, -2, -1, -1),
    ]
    assert all(type(value) is int for row in rows(engine, "sizes") for value in row[2:])


def test_percentiles_are_nearest_rank(engine: Engine) -> None:
    """A percentile is one of the values: the smallest that so many percent do not exceed."""
    for number in (1, 2, 19, 20, 21, 100):
        day = f"2026-01-{number:02}" if number < 100 else "2026-01-31"
        jobs = {f"{number}-{size}": on(day, size=size) for size in range(1, number + 1)}
        import_documents(engine, jobs)
    found = [(row[2], row[5], row[6]) for row in rows(engine, "sizes", Scope("day"))]
    assert found == [
        (1, 1, 1),
        (2, 1, 2),
        (19, 10, 19),
        (20, 10, 19),
        (21, 11, 20),
        (100, 50, 95),
    ]
