from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.reports import Scope, builds
from archive.reports.builds import BuildRow
from archive.reports.core import from_totals
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON, NEW, OLD, on
from tests.support.archives import each, import_documents
from tests.support.command import archive, at
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SEVEN, EIGHT = "7.0.3.02100 (21784236)", "8.0.3.00400 (24322831)"


def rows(engine: Engine, scope: Scope | None = None) -> list[BuildRow]:
    with db.reading(engine) as connection:
        return [BuildRow(*row) for row in reports.run(connection, "builds", scope or Scope())]


def test_builds(engine: Engine) -> None:
    """Each build has a row, jobs without one the last; without an upgrade there is no comparison."""
    fleet.load(engine)
    assert rows(engine) == [
        BuildRow(
            None, SEVEN, None, 1, "2026-01-05", "2026-01-31", 3, 3, 2, 1, 2 / 3, 100, None, 60, None
        ),
        BuildRow(
            None,
            EIGHT,
            None,
            2,
            "2026-02-10",
            "2026-04-01",
            4,
            2,
            1,
            1,
            0.5,
            None,
            None,
            None,
            None,
        ),
        BuildRow(
            None, None, None, 1, "2026-01-06", "2026-02-14", 2, 1, 1, 0, 1.0, 200, None, 600, None
        ),
    ]
    assert [
        (row.appliance, row.build, row.build_before) for row in rows(engine, Scope(by="appliance"))
    ] == [
        (BERLIN, EIGHT, None),
        (BERLIN, None, None),
        (LONDON, SEVEN, None),
        (LONDON, EIGHT, SEVEN),
    ]


@pytest.mark.parametrize("exact_up_to", [0, 3, 1000])
def test_several_periods_are_each_what_one_is(
    engine: Engine, exact_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page asks for several, whose jobs are read once; medians of few jobs are exact."""
    monkeypatch.setattr(from_totals, "EXACT_UP_TO", exact_up_to)
    fleet.load(engine)
    firsts = ("2025-01-01", "2026-01-06", "2026-02-12", "2026-04-01", "2026-05-01")
    scopes = [Scope(since=first, until="2026-12-31") for first in firsts]
    with db.reading(engine) as connection:
        found = [*builds.periods(connection, scopes)]
    for one, scope in zip(found, scopes, strict=True):
        assert one.of_fleet == rows(engine, scope)
        assert one.of_appliances == rows(engine, replace(scope, by="appliance"))
    assert len(found[0].of_fleet) == 3
    assert found[-1].of_fleet == []


def upgrade(engine: Engine, name: str, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Import a job before an upgrade and one after it, with their sizes and durations."""
    size, duration = before
    documents = {"old": on("2026-01-01", build=OLD, size=size, duration=duration)}
    size, duration = after
    documents["new"] = on("2026-01-02", build=NEW, size=size, duration=duration)
    import_documents(engine, documents, name)


def test_upgrade_is_judged_per_appliance(engine: Engine) -> None:
    """The ratios of the fleet are the medians of its appliances', whatever their sizes."""
    upgrade(engine, "a", (10, 100), (20, 100))
    upgrade(engine, "b", (1000, 7), (3000, 7))
    upgrade(engine, "c", (1000, 0), (1000, 5))  # a duration of 0 has no ratio
    import_documents(engine, {"new": on("2026-01-01", build=NEW, size=9, duration=9)}, "d")
    each_one = rows(engine, Scope(by="appliance"))
    assert [
        (row.appliance, row.build_before, row.size_median_ratio, row.duration_median_ratio)
        for row in each_one
        if row.build == EIGHT
    ] == [
        ("a", SEVEN, 2.0, 1.0),
        ("b", SEVEN, 3.0, 1.0),
        ("c", SEVEN, 1.0, None),
        ("d",) + (None,) * 3,
    ]
    old, new = rows(engine)
    assert (old.size_median_ratio, old.duration_median_ratio) == (None, None)
    assert (new.appliances, new.jobs, new.size_median_bytes) == (4, 4, 20)
    assert (new.size_median_ratio, new.duration_median_ratio) == (2.0, 1.0)


def test_previous_build_is_the_earlier_one(engine: Engine) -> None:
    """Builds are ordered by time, not version: an appliance may have been restored to an older one."""
    import_documents(
        engine,
        {
            "1": on("2026-01-01", build=NEW, size=10),
            "2": on("2026-01-05", build=OLD, size=5),
            "3": on("2026-01-09", build=NEW, size=10),
        },
    )
    first, second = rows(engine, Scope(by="appliance"))
    assert (first.build, first.build_before) == (EIGHT, None)
    assert (second.build, second.build_before, second.size_median_ratio) == (SEVEN, EIGHT, 0.5)


def test_medians_of_many_jobs_are_within_one_percent(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a large fleet medians come from sketches, unless the jobs in scope are fewer or other ones."""
    jobs = {
        str(size): on("2026-01-01", build=NEW, size=size, duration=9) for size in (5, 1000, 3000)
    }
    import_documents(engine, jobs)
    said = "Sizes and durations are medians of the succeeded backups, exact (nearest rank)."
    assert archive("report", "builds", at(engine)).err.startswith(said)
    assert rows(engine)[0].size_median_bytes == 1000
    monkeypatch.setattr(from_totals, "EXACT_UP_TO", 2)
    done = archive("report", "builds", at(engine))
    assert done.err.startswith(said.replace("exact (nearest rank)", "within 1 %"))
    for scope in (
        Scope(),
        Scope(by="appliance"),
        Scope(appliances=("vc*",)),
        Scope(types=("SCHEDULED",)),
    ):
        (row,) = rows(engine, scope)
        assert row.size_median_bytes is not None
        assert abs(row.size_median_bytes - 1000) <= 10
        assert row.duration_median_seconds == 9
    (row,) = rows(engine, Scope(by="appliance", since="2026-01-01"))
    assert row.size_median_bytes == 1000
    options = ("--by", "appliance", "--since", "2026-01-01", at(engine))
    assert archive("report", "builds", *options).err.startswith(said)


def test_equal_builds_are_one(engine: Engine) -> None:
    """A build is its version and number; other fields do not matter."""
    other = NEW | {"version_name": "another name"}
    import_documents(
        engine,
        {"1": on("2026-01-01", build=NEW, size=1), "2": on("2026-01-02", build=other, size=5)},
    )
    for scope in (Scope(), Scope(by="appliance")):
        (row,) = rows(engine, scope)
        assert (row.build, row.jobs, row.first_day, row.last_day) == (
            EIGHT,
            2,
            "2026-01-01",
            "2026-01-02",
        )
        assert (row.size_median_bytes, row.build_before) == (1, None)


def test_table_hides_columns_of_appliances(engine: Engine) -> None:
    """Rows of the fleet have neither an appliance nor a previous build; CSV has all columns."""
    fleet.load(engine)
    header = archive("report", "builds", at(engine)).out.split("─")[0].split()
    assert "appliance" not in header
    assert "before" not in header
    done = archive("report", "builds", "--by", "appliance", "-fcsv", "--sort", "jobs", at(engine))
    assert done.out.startswith("appliance,build,build_before,appliances,first_day,")
    refused = archive("report", "builds", "--by", "type", at(engine))
    assert refused.code == 2
    assert 'report "builds" does not support --by type (supported: appliance)' in refused.err


JOBS = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from([OLD, NEW, None]),
    st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-03"]),
    st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "PENDING"]),
    st.none() | st.integers(-1, 4),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(JOBS, min_size=1, max_size=40))
def test_builds_add_up(
    engines: list[Engine],
    jobs: list[tuple[str, dict[str, str] | None, str, str, int | None]],
) -> None:
    """The builds of all appliances add up to those of the fleet; medians and ratios follow definitions."""
    labels: dict[str | None, str | None] = {
        None: None,
        OLD["version"]: SEVEN,
        NEW["version"]: EIGHT,
    }

    def median(appliance: str | None, build: str | None) -> int | None:
        values = sorted(
            size
            for own, built, _, status, size in jobs
            if appliance in (None, own)
            and labels[built["version"] if built else None] == build
            and status == "SUCCEEDED"
            and size is not None
        )
        return values[(len(values) + 1) // 2 - 1] if values else None

    for engine in each(engines):
        for name in ("a", "b"):
            documents = {
                str(place): on(day, status, build=build, size=size, duration=size)
                for place, (own, build, day, status, size) in enumerate(jobs)
                if own == name
            }
            import_documents(engine, documents, name)
        fleetwide, own = rows(engine), rows(engine, Scope(by="appliance"))
        for row in fleetwide + own:
            assert row.size_median_bytes == median(row.appliance, row.build)
            assert row.duration_median_seconds == row.size_median_bytes
            assert row.finished == row.succeeded + row.failed
            assert row.duration_median_ratio == row.size_median_ratio
        for row in fleetwide:
            parts = [one for one in own if one.build == row.build]
            assert row.jobs == sum(one.jobs for one in parts)
            assert row.appliances == len(parts)
            assert row.first_day == min(one.first_day for one in parts)
            assert row.last_day == max(one.last_day for one in parts)
            ratios = sorted(
                one.size_median_ratio for one in parts if one.size_median_ratio is not None
            )
            assert row.size_median_ratio == (ratios[(len(ratios) - 1) // 2] if ratios else None)
        for row in own:
            if row.build_before is not None:
                then, now = median(row.appliance, row.build_before), row.size_median_bytes
                wanted = now / then if now is not None and then is not None and then > 0 else None
                assert row.size_median_ratio == wanted
