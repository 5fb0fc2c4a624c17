"""After a prune the details are gone, and everything else is as it was."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import Calendar
from archive.db import tables
from archive.errors import UsageError
from archive.maintenance import prune as pruning
from archive.maintenance import verify
from archive.maintenance.change_calendar import change_calendar
from archive.maintenance.forget import forget
from archive.maintenance.hold import hold, release
from archive.maintenance.merge import merge
from archive.maintenance.prunable import Cut
from archive.maintenance.prune import plan, prune
from archive.maintenance.retire import retire
from archive.maintenance.undo_import import undo
from archive.render import delimited
from archive.reports import Scope
from archive.reports.core import from_totals, pruned
from archive.store import judged_backups, totals
from tests.support.archives import count, each, import_documents, rows
from tests.support.laws import EXAMPLES
from tests.support.samples import job
from tests.support.years import FLEET, SEEN, fill

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.store.counts import Counts

NOW = "2026-03-11T12:00:00.000000Z"
CUT = Cut("2026-02-01", "2026-02-01")
MONTHS = ["2025-10-01", "2025-12-01", "2026-01-01", "2026-02-01"]
# Reports that show totals, or what is stored of the judgement.
OF_TOTALS = [
    ("volume", Scope()),
    ("volume", Scope(period="day")),
    ("volume", Scope(by="appliance")),
    ("trends", Scope(by="type")),
    ("sizes", Scope()),
    ("durations", Scope(period="week")),
    ("throughput", Scope()),
    ("success", Scope(by="appliance")),
    ("success", Scope(period="year")),
    ("locations", Scope()),
    ("builds", Scope()),
    ("missed", Scope(by="appliance")),
    ("rpo", Scope()),
    ("streaks", Scope()),
    ("appliances", Scope()),
]
WHAT_IS_LEFT = (
    tables.job,
    tables.message,
    tables.message_content,
    tables.day_total,
    tables.day_sketch,
    tables.appliance_month,
    tables.build_sketch,
    tables.expected_backup,
    tables.appliance_standing,
    tables.anomaly,
    tables.size_forecast,
    tables.pruned_day,
    tables.pruned_month,
    tables.pruned_build,
)
shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=max(EXAMPLES // 2, 3),
    # Shrinking through two databases takes minutes.
    phases=[Phase.explicit, Phase.generate],
)


def csv_before(engine: Engine, name: str, scope: Scope) -> str:
    """Return a report as CSV with percentiles from totals, as all are of pruned jobs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(from_totals, "EXACT_UP_TO", 0)
        return csv(engine, name, scope)


def csv(engine: Engine, name: str, scope: Scope) -> str:
    """Return a report as CSV, as of `NOW`."""
    report, out = reports.find(name), io.StringIO()
    asked = replace(scope, now=NOW)
    with db.reading(engine) as connection:
        cells = report.cells_of(asked, reports.run(connection, name, asked))
        delimited.write(report.columns_of(asked), cells, out)
    return out.getvalue()


def shown(engine: Engine) -> list[str]:
    """Return all reports of totals."""
    return [csv_before(engine, name, scope) for name, scope in OF_TOTALS]


def left(engine: Engine) -> dict[str, list[Any]]:
    """Return what a prune leaves."""
    found = {
        table.name: rows(engine, sa.select(table).order_by(*table.primary_key))
        for table in WHAT_IS_LEFT
    }
    table = tables.pruned_appliance
    columns = [column for column in table.c if column.name not in ("pruned_at", "seal")]
    return found | {table.name: rows(engine, sa.select(*columns).order_by(table.c.appliance_id))}


def assert_whole(engine: Engine) -> None:
    """Check that nothing is found wrong, and that a rebuild changes nothing."""
    assert list(verify.verify(engine)) == []
    with db.writing(engine) as connection:
        assert judged_backups.rebuild(connection) + totals.rebuild(connection) == 0


def jobs_of(engine: Engine, name: str) -> int:
    """Return the number of jobs of an appliance."""
    job, appliance = tables.job, tables.appliance
    query = sa.select(sa.func.count()).select_from(
        job.join(appliance, job.c.appliance_id == appliance.c.id)
    )
    return int(rows(engine, query.where(appliance.c.name == name))[0][0])


@shared
@given(st.sampled_from(MONTHS), st.sampled_from(MONTHS), st.sampled_from([40, 5000]))
def test_reports_of_totals_stay_the_same(
    engines: list[Engine],
    one: str,
    other: str,
    part: int,
) -> None:
    """Wherever it cuts, and in parts of any size, totals and judgement say what they said before."""
    cut = Cut(max(one, other), min(one, other))
    after = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pruning, "JOBS_AT_A_TIME", part)
        for engine in each(engines):
            fill(engine)
            before = shown(engine)
            with db.reading(engine) as connection:
                planned = sum(found.jobs for found in plan(connection, cut))
            assert prune(engine, cut) == planned
            assert [csv(engine, name, scope) for name, scope in OF_TOTALS] == before
            assert_whole(engine)
            once = left(engine)
            assert prune(engine, cut) == 0
            assert left(engine) == once
            after.append(once)
    assert after[0] == after[1]


def test_an_interrupted_prune_is_continued(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part leaves a whole archive, and the next prune does the rest, as if it were one."""
    fill(engine)
    prune(engine, CUT)
    whole = left(engine)
    next(iter(each([engine])))
    fill(engine)
    before = shown(engine)
    monkeypatch.setattr(pruning, "JOBS_AT_A_TIME", 40)

    def kill(_done: int) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            prune(engine, CUT, kill)
        assert_whole(engine)
        assert shown(engine) == before
    prune(engine, CUT)
    assert_whole(engine)
    assert left(engine) == whole


def again(engine: Engine, name: str, seen_at: str) -> Counts:
    """Import a whole history once more, with other bytes."""
    data = {key: {**info, "user": info.get("user", "root")} for key, info in FLEET[name].items()}
    return import_documents(engine, data, name, seen_at).counts


def test_pruned_jobs_do_not_come_back(engine: Engine) -> None:
    """An old answer is counted as pruned, in whatever form, and changes no totals."""
    fill(engine)
    before = shown(engine)
    gone = prune(engine, CUT)
    for name, jobs in FLEET.items():
        counts = import_documents(engine, jobs, name, SEEN).counts
        assert counts.pruned + counts.unchanged == len(jobs)
        gone -= counts.pruned
    assert gone == 0
    assert shown(engine) == before
    exported = (
        '{"appliance":"DAILY.","job":"20250901-021500-25140000","info":{"status":"FAILED"}}\n'
    )
    one = import_documents(engine, exported.encode(), None, SEEN, "old.jsonl")
    assert (one.counts.seen, one.counts.pruned) == (1, 1)
    logged = sa.select(tables.ingest_run.c.pruned).where(tables.ingest_run.c.id == one.run)
    assert rows(engine, logged) == [(1,)]
    assert again(engine, "daily", "2026-03-12T08:00:00.000000Z").pruned == 153
    assert_whole(engine)


def test_new_jobs_after_a_prune_are_archived_and_judged(engine: Engine) -> None:
    """The next night's import finds everything that it needs."""
    fill(engine)
    prune(engine, CUT)
    new = {"20260311-021500-25140001": job(start_time="2026-03-11T02:15:00.000Z")}
    assert import_documents(engine, new, "daily", "2026-03-11T09:00:00.000000Z").counts.new == 1
    assert_whole(engine)


def test_the_last_success_is_kept(engine: Engine) -> None:
    """What an appliance's present state follows from stays, whatever its age."""
    fill(engine)
    before = csv(engine, "appliances", Scope())
    prune(engine, Cut("2026-03-01", "2026-03-01"))
    # From the month before its last success, which shows the habit.
    assert jobs_of(engine, "unused") == 35
    assert jobs_of(engine, "failing") == len(FLEET["failing"])
    assert csv(engine, "appliances", Scope()) == before


def test_failures_are_kept_longer(engine: Engine) -> None:
    """Failed jobs stay with their messages, until they are pruned, too."""
    fill(engine)
    before = shown(engine)
    failures = csv(engine, "failures", Scope())
    prune(engine, Cut("2026-02-01", "2025-09-01"))
    assert csv(engine, "failures", Scope()) == failures
    assert_whole(engine)
    assert prune(engine, CUT) > 0
    assert (
        csv(engine, "failures", Scope(until="2026-01-31", appliances=("daily",))).count("\n") == 1
    )
    assert shown(engine) == before
    assert_whole(engine)


def test_nothing_on_legal_hold_is_pruned(engine: Engine) -> None:
    """A hold is recorded, keeps all jobs of its appliance, and ends."""
    fill(engine)
    assert hold(engine, ["daily", "WEEKLY"]) == ["daily", "weekly"]
    assert hold(engine, ["daily"]) == []
    with db.reading(engine) as connection:
        assert [one.appliance for one in plan(connection, CUT) if one.is_held] == [
            "daily",
            "weekly",
        ]
    prune(engine, CUT)
    assert jobs_of(engine, "daily") == len(FLEET["daily"])
    assert release(engine, ["daily"]) == ["daily"]
    prune(engine, CUT)
    assert jobs_of(engine, "daily") < len(FLEET["daily"])
    table = tables.maintenance
    logged = rows(engine, sa.select(table.c.what, table.c.appliance_name).order_by(table.c.id))
    assert logged == [
        ("hold", "daily"), ("hold", "weekly"), ("prune", "unused"), ("release", "daily"), ("prune", "daily")
    ]  # fmt: skip
    assert_whole(engine)


def test_nothing_on_legal_hold_is_deleted(engine: Engine) -> None:
    """A hold goes before forget and undo, and stays with a merge."""
    fill(engine, "weekly")
    hold(engine, ["weekly"])
    for change in (lambda: forget(engine, "weekly"), lambda: undo(engine, 1)):
        with pytest.raises(UsageError, match="weekly is on legal hold"):
            change()
    import_documents(engine, {"k": job()}, "vc01")
    merge(engine, "weekly", "vc01")
    with pytest.raises(UsageError, match="vc01 is on legal hold"):
        forget(engine, "vc01")


def test_prunes_between_imports_change_nothing(engine: Engine) -> None:
    """Pruned after each import, or once after all, an archive is the same."""
    name = "daily"
    fill(engine, name)
    prune(engine, CUT)
    once, reported = left(engine), shown(engine)
    next(iter(each([engine])))
    jobs = list(FLEET[name].items())
    import_documents(engine, dict(jobs[:150]), name, "2026-01-29T08:00:00.000000Z")
    prune(engine, Cut("2025-11-01", "2025-11-01"))
    import_documents(engine, dict(jobs), name, SEEN)
    prune(engine, CUT)
    found = left(engine)
    for table in ("day_total", "appliance_month", "pruned_day", "pruned_month", "pruned_build"):
        assert found[table] == once[table]
    assert len(found["job"]) == len(once["job"])
    assert shown(engine)[:-3] == reported[:-3]  # those after depend on when imports were
    assert_whole(engine)


def test_contents_and_latest_imports_lose_pruned_jobs(engine: Engine) -> None:
    """Nothing is left that only pruned jobs had."""
    fill(engine)
    contents = count(engine, tables.message_content)
    prune(engine, CUT)
    assert count(engine, tables.message_content) < contents
    unused = sa.select(tables.message_content.c.id).where(
        ~sa.exists().where(
            tables.message.c.appliance_id == tables.message_content.c.appliance_id,
            tables.message.c.content_id == tables.message_content.c.id,
        )
    )
    assert rows(engine, unused) == []
    expected, job = tables.expected_backup, tables.job
    lost = sa.select(expected.c.day).where(
        expected.c.job_id.is_not(None),
        ~sa.exists().where(
            job.c.appliance_id == expected.c.appliance_id, job.c.id == expected.c.job_id
        ),
    )
    assert rows(engine, lost) == []


def test_an_import_with_pruned_jobs_is_not_undone(engine: Engine) -> None:
    """Its totals stay; a later import of the same appliance can be undone."""
    fill(engine)
    prune(engine, CUT)
    with pytest.raises(UsageError, match="jobs of import 1 were pruned"):
        undo(engine, 1)
    new = {"20260311-021500-25140001": job(start_time="2026-03-11T02:15:00.000Z")}
    later = import_documents(engine, new, "daily", "2026-03-11T09:00:00.000000Z")
    undo(engine, later.run)
    assert_whole(engine)


def test_an_import_that_settled_what_is_not_judged_again_is_not_undone(engine: Engine) -> None:
    """The expected backups would keep the numbers of jobs that are gone."""
    every = sorted(FLEET["daily"].items())
    first_day = CUT.jobs.replace("-", "")
    for part in (
        {name: one for name, one in every if name < first_day},
        {name: one for name, one in every if name >= first_day},
    ):
        import_documents(engine, part, "daily", SEEN)
    prune(engine, CUT)
    before = left(engine)
    with pytest.raises(UsageError, match="soon after pruned ones have jobs of import 2"):
        undo(engine, 2)
    assert left(engine) == before


def test_reports_say_that_details_are_gone(engine: Engine) -> None:
    """The note names the first day that is left; a report on later days has none."""
    fill(engine)
    prune(engine, CUT)
    with db.reading(engine) as connection:
        (note,) = pruned.notes(connection, Scope(appliances=("daily",)))
        assert note.startswith("153 jobs of 1 appliance before 2026-02-01 were pruned: ")
        assert list(pruned.notes(connection, Scope(since="2026-02-01"))) == []
        assert list(pruned.notes(connection, Scope(appliances=("failing",)))) == []


def test_days_of_another_calendar_that_begin_before_the_judged_jobs(engine: Engine) -> None:
    """What stays as it was judged and what is judged again can be due on one day."""
    starts = [
        f"2026-{month:02}-{day:02}T{hour:02}:00:00.000Z"
        for month in (1, 2, 3)
        for day in range(1, 29)
        for hour in (2, 20)
    ]
    jobs = {f"{start[:13]}0000-1": job(start_time=start, end_time=start) for start in starts}
    import_documents(engine, jobs, "twice", "2026-03-29T06:00:00.000000Z")
    assert prune(engine, CUT) > 0
    expected = count(engine, tables.expected_backup)
    change_calendar(engine, Calendar("Europe/Berlin", "16:00"))
    assert count(engine, tables.expected_backup) == expected
    retire(engine, "twice", "2027-01-01")  # judges again
    assert count(engine, tables.expected_backup) == expected
    assert_whole(engine)


def test_other_changes_of_pruned_appliances(engine: Engine) -> None:
    """Another calendar, a merge and a forgotten appliance leave a whole archive."""
    fill(engine)
    prune(engine, CUT)
    change_calendar(engine, Calendar("Europe/Berlin", "16:00"))
    assert_whole(engine)
    merge(engine, "unused", "daily")
    assert_whole(engine)
    again = import_documents(engine, FLEET["unused"], "daily", SEEN).counts
    assert again.new == 0
    forget(engine, "weekly")
    assert_whole(engine)
