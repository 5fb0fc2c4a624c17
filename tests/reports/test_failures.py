from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.errors import UsageError
from archive.reports import Scope, failures
from tests.reports import fleet
from tests.reports.fleet import NAS, NEW
from tests.reports.histories import NOW, both, rows
from tests.support.archives import import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW)
FIRST, LAST = "2026-07-10T02:00:00.000000Z", "2026-07-20T02:00:00.000000Z"


def says(message_id: str, text: str = "text", *args: str, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"id": message_id, "default_message": text, "args": list(args), **more}


def failed(day: str, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a job that failed at 02:00 of a day with these messages."""
    return job(
        "FAILED", start_time=f"2026-07-{day}T02:00:00.000Z", messages=list(messages), **fields
    )


HISTORY = {
    "full": failed("10", says("full", "no space on a", "a", localized="kein Platz auf a")),
    # The same id twice in one job counts once; its error comes after its messages.
    "twice": failed(
        "20",
        says("full", "no space on b", "b"),
        says("full", "no space on c", "c"),
        error={"messages": [says("cause", "quota")]},
    ),
    "new": failed(
        "19",
        says("host", params={"host": {"s": "one"}, "port": {"i": 22}}),
        says("host", params={"host": {"s": "two"}, "port": {"i": 22}}),
    ),
    "silent": failed("11"),
    # Messages of other jobs do not matter.
    "good": job(messages=[says("fine")]),
    "open": job("RUNNING", messages=[says("full")]),
}


def test_fleet(engine: Engine) -> None:
    """Failures without messages are a group, of which it is unknown whether it is new."""
    fleet.load(engine)
    assert rows(engine, "failures") == [
        (
            None, None, 2, 2, 1, "2026-01-31T12:00:00.000000Z", "2026-03-01T12:00:00.000000Z",
            None, None, None,
        )
    ]  # fmt: skip


def test_groups_of_messages(engines: list[Engine]) -> None:
    """Jobs count once under each of their ids, and `leading` under the first."""
    later = {"again": failed("15", says("full", "no space on a", "a"))}
    found = both(engines, {"a": HISTORY, "b": later}, "failures", SCOPE)
    assert found == [
        (
            "full", None, 3, 3, 2, FIRST, LAST, False, "#1 (3 values)", "kein Platz auf a"
        ),
        ("cause", None, 1, 0, 1, LAST, LAST, True, None, "quota"),
        (
            "host", None, 1, 1, 1, "2026-07-19T02:00:00.000000Z", "2026-07-19T02:00:00.000000Z",
            True, "host (2 values)", "text",
        ),
        (
            None, None, 1, 1, 1, "2026-07-11T02:00:00.000000Z", "2026-07-11T02:00:00.000000Z",
            None, None, None,
        ),
    ]  # fmt: skip


def test_new_failures(engine: Engine) -> None:
    """Whether a failure is new does not depend on the days of the scope."""
    import_documents(engine, HISTORY)

    def new(**asked: Any) -> dict[str, bool]:
        return {row.message_id: row.new for row in rows(engine, "failures", Scope(**asked))}

    assert new(since="2026-07-18", now=NOW) == {"full": False, "cause": True, "host": True}
    # Up to exactly a week after it was first seen a failure is new.
    assert new(until="2026-07-18", now="2026-07-17T02:00:00.000000Z")["full"]
    assert not new(until="2026-07-18", now="2026-07-17T02:00:01.000000Z")["full"]


def test_nested_params(engines: list[Engine]) -> None:
    """Params of one name at different paths are different, and values of any type count."""

    def nested(one: int, two: float) -> dict[str, Any]:
        return says(
            "id",
            params={
                "a": {"l": {"id": "x", "params": {"n": {"i": one}}}},
                "b": {"l": {"id": "x", "params": {"n": {"d": two}}}},
                "c": {"l": {"id": f"x{one}"}},
                "d": {"dt": f"2026-01-0{one}T00:00:00.000Z"},
            },
        )

    history = {str(n): failed("10", nested(n, 0.5)) for n in (1, 2, 3)}
    (row,) = both(engines, {"vc": history}, "failures", SCOPE)
    assert row.varies == "a.n (3 values), c (3 values), d (3 values)"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("build", [("full", "8.0.3.00400 (24322831)", 1), ("full", None, 1), (None, None, 1)]),
        ("location", [("full", NAS, 1), ("full", "sftp://other", 1), (None, NAS, 1)]),
        ("day", [("full", "2026-07-10", 1), ("full", "2026-07-11", 1), (None, "2026-07-11", 1)]),
    ],
)
def test_groups(engines: list[Engine], by: str, expected: list[Any]) -> None:
    """An id has a row for each build, location or day."""
    history = {
        "1": failed("10", says("full", "t", "x"), build=NEW, location=NAS),
        "2": failed("11", says("full", "t", "y"), location="sftp://other"),
        "3": failed("11", location=NAS),
    }
    found = both(engines, {"vc": history}, "failures", Scope(by=by, now=NOW))
    assert [row[:3] for row in found] == expected
    assert [row.varies for row in found] == [None] * 3  # within a group all are the same


def test_unsupported_options(engine: Engine) -> None:
    """Statuses cannot be selected, and failures cannot be grouped by type."""
    for scope in (Scope(statuses=("FAILED",)), Scope(by="type")):
        with pytest.raises(UsageError):
            rows(engine, "failures", scope)


@pytest.mark.parametrize(
    "history", [{}, {"a": job("RUNNING"), "b": job("PENDING"), "c": job("BLOCKED")}]
)
def test_no_failures(engines: list[Engine], history: dict[str, Any]) -> None:
    """Without failures there are no rows."""
    assert both(engines, {"vc": history}, "failures", SCOPE) == []


def test_jobs_without_a_start(engines: list[Engine]) -> None:
    """They count from when they were first seen; a failure in the future counts, too."""
    history = {
        "a": failed("10", says("id")) | {"start_time": None},
        "b": failed("10", says("id")) | {"start_time": "2027-01-01T00:00:00.000Z"},
    }
    (row,) = both(engines, {"vc": history}, "failures", SCOPE)
    assert row[5:8] == ("2026-07-24T12:00:00.000000Z", "2027-01-01T00:00:00.000000Z", True)


def test_notes_explain_the_counts(engine: Engine) -> None:
    """The notes explain why the counts may exceed the number of jobs."""
    with db.reading(engine) as connection:
        (note,) = reports.find("failures").notes(connection, SCOPE)
    assert "adds up" in note


MESSAGES = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from(["", "1", "2"]), st.sampled_from("pq")),
    max_size=3,
)
JOBS = st.lists(
    st.tuples(
        st.sampled_from(["vc1", "vc2"]),
        st.sampled_from(["FAILED", "FAILED", "SUCCEEDED"]),
        st.integers(10, 23),
        MESSAGES,
    ),
    max_size=12,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JOBS)
def test_failures_follow_their_definitions(
    engines: list[Engine], jobs: list[tuple[str, str, int, list[tuple[str, str, str]]]]
) -> None:
    """The report equals a count in the documents, and `leading` adds up."""
    fleet_of: dict[str, dict[str, Any]] = {}
    expected: dict[str | None, dict[str, Any]] = {}
    number = 0
    for place, (appliance, status, day, messages) in enumerate(jobs):
        said = [
            says(name, f"{name}{arg}", arg, params={"p": {"s": value}})
            for name, arg, value in messages
        ]
        document = failed(str(day), *said) | {"status": status}
        fleet_of.setdefault(appliance, {})[str(place)] = document
        if status != "FAILED":
            continue
        number += 1
        for name in {message["id"] for message in said} or {None}:
            group = expected.setdefault(
                name, {"jobs": 0, "leading": 0, "of": set(), "days": [], "args": set(), "p": set()}
            )
            group["jobs"] += 1
            group["leading"] += name == (said[0]["id"] if said else None)
            group["of"].add(appliance)
            group["days"].append(day)
            group["args"] |= {arg for other, arg, _ in messages if other == name}
            group["p"] |= {value for other, _, value in messages if other == name}
    found = both(engines, fleet_of, "failures", SCOPE)
    assert sum(row.leading for row in found) == number
    for row in found:
        group = expected.pop(row.message_id)
        assert row[2:5] == (group["jobs"], group["leading"], len(group["of"]))
        assert (row.first_time[8:10], row.last_time[8:10]) == (
            str(min(group["days"])),
            str(max(group["days"])),
        )
        if row.message_id is None:
            continue
        assert row.new == (min(group["days"]) >= 18)
        varies = [("#1", len(group["args"])), ("p", len(group["p"]))]
        assert row.varies == (
            ", ".join(f"{name} ({count} values)" for name, count in varies if count > 1) or None
        )
        assert row.example == row.message_id + min(group["args"])
    assert expected == {}


@pytest.mark.parametrize("since", [None, "2026-07-01", "2025-01-01"])
def test_only_failed_jobs_and_their_messages_are_read(
    sqlite_archive: Engine, since: str | None
) -> None:
    """An index has the failed jobs of a period, and each table of messages is searched by its key."""
    scope = Scope(since=since, until="2026-07-31")
    with db.reading(sqlite_archive) as connection:
        query = failures._groups(scope, None).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    tables = ("job", "message", "message_content", "message_template")
    read = [step for step in plan if step.split()[1] in tables]
    assert [step.split()[:2] for step in read] == [["SEARCH", table] for table in tables]
    assert "ix_job_failed" in read[0]
