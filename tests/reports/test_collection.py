from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.calendar import Calendar
from archive.errors import InputError, UsageError
from archive.reports import Scope
from archive.store import collection_log, quarantine
from archive.store.collection_log import Attempt
from archive.store.quarantine import QuarantinedDocument
from tests.reports import nights
from tests.reports.nights import ask, at, csv, notes
from tests.support.archives import import_documents
from tests.support.samples import exported, job, stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Engine

NOW = at("2026-03-10T12:00")
SCOPE = Scope(now=NOW)
HOUR, DAY = 3_600, 86_400


def import_answers(engine: Engine, name: str, days: Iterable[int], time: str = "06:00") -> None:
    """Import the answer of an appliance without jobs on some days of March."""
    for day in days:
        import_documents(engine, {}, name, at(f"2026-03-{day:02}T{time}"))


def ask_in_vain(engine: Engine, name: str, asked_at: str, outcome: str = "failed") -> None:
    """Record that an appliance was asked and gave no answer."""
    number = collection_log.begin(engine, 1)
    collection_log.record_failure(
        engine, number, Attempt(name, asked_at, None, outcome, "no route to it", None)
    )
    collection_log.finish(engine, number)


def test_collection(engine: Engine) -> None:
    """Appliances that never answered come first, then those not reporting; gaps compare with the median."""
    import_answers(engine, "gap", [1, 2, 3, 6, 7, 8, 9, 10])
    import_answers(engine, "silent", [1, 2, 3, 4])
    import_answers(engine, "few", [1, 2, 5])  # two gaps are too few for a usual gap
    import_answers(engine, "once", [10])
    for day in (8, 9):
        ask_in_vain(engine, "never", at(f"2026-03-{day:02}T06:00"))
    ask_in_vain(engine, "gap", at("2026-03-05T06:00"), "interrupted")

    def seen(first: int, last: int) -> tuple[str, str, int]:
        days = (at(f"2026-03-{day:02}T06:00") for day in (first, last))
        return (*days, (10 - last) * DAY + 6 * HOUR)  # type: ignore[return-value]  # two days

    assert ask(engine, "collection", SCOPE) == [
        ("never", None, None, None, True, 0, None, 0, None, None, 2, 2, 0, 0),
        # Six days and six hours after gaps of a day each.
        ("silent", *seen(1, 4), True, 4, DAY, 0, DAY, at("2026-03-01T06:00"), 0, 0, 0, 0),
        # Without a usual gap two nights may pass.
        ("few", *seen(1, 5), True, 3, None, 0, 3 * DAY, at("2026-03-02T06:00"), 0, 0, 0, 0),
        # Gaps of a day, and one of three: from the 3rd to the 6th.
        ("gap", *seen(1, 10), False, 8, DAY, 1, 3 * DAY, at("2026-03-03T06:00"), 1, 1, 0, 0),
        ("once", *seen(10, 10), False, 1, None, 0, None, None, 0, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (["01T06:00"], (None, 0, None, None)),
        (["01T06:00", "02T06:00", "03T06:00"], (None, 0, DAY, "01T06:00")),
        (["01T00:00", "02T00:00", "03T00:00", "04T12:00"], (DAY, 0, 36 * HOUR, "03T00:00")),
        (["01T00:00", "02T00:00", "03T00:00", "04T12:01"], (DAY, 1, 36 * HOUR + 60, "03T00:00")),
        # Of two equally long gaps, the first.
        (["01T00:00", "03T00:00", "05T00:00", "06T00:00"], (2 * DAY, 0, 2 * DAY, "01T00:00")),
        # An afternoon of imports by hand shows no usual gap.
        (["01T12:00", "01T12:05", "01T12:10", "01T13:00", "01T14:00"], (None, 0, HOUR, "01T13:00")),
        (
            ["01T12:00", "01T12:05", "02T02:00", "03T02:00", "04T02:00", "05T02:00"],
            (DAY, 0, DAY, "02T02:00"),
        ),
        # The same answer imported again is no gap.
        (["01T00:00", "01T00:00"], (None, 0, None, None)),
        (
            ["01T00:00", "01T00:00", "02T00:00", "02T00:00", "02T00:00", "03T00:00", "03T00:00"],
            (None, 0, DAY, "01T00:00"),
        ),
        (
            ["01T00:00", "01T00:00", "02T00:00", "02T00:00", "03T00:00", "03T00:00", "04T00:00"],
            (DAY, 0, DAY, "01T00:00"),
        ),
    ],
)
def test_gaps(engine: Engine, times: list[str], found: tuple[Any, ...]) -> None:
    """A gap is long if it exceeds one and a half times the usual gap, of at least three."""
    for time in times:
        import_documents(engine, {}, "vc", at(f"2026-03-{time}"))
    usual, number, longest, since = found
    (row,) = ask(engine, "collection", Scope(now=at("2026-03-07T00:00")))
    assert row[5:10] == (len(times), usual, number, longest, since and at(f"2026-03-{since}"))


@pytest.mark.parametrize(
    ("first", "second", "gap"),
    [
        ("01T00:00:10.900", "02T00:00:12.100", DAY + 1),
        ("01T00:00:10.100", "02T00:00:12.900", DAY + 2),
        ("01T00:00:10.500", "02T00:00:12.500", DAY + 2),
    ],
)
def test_gaps_are_whole_seconds(engine: Engine, first: str, second: str, gap: int) -> None:
    """A gap is not rounded up."""
    for time in (first, second):
        import_documents(engine, {}, "vc", f"2026-03-{time}000Z")
    (row,) = ask(engine, "collection", Scope(now=at("2026-03-07T00:00")))
    assert row[8] == gap


def test_not_reporting_after_a_long_gap(engine: Engine) -> None:
    """An appliance is not reporting once the time since its last import would be a long gap."""
    import_answers(engine, "vc", [1, 2, 3, 4], "00:00")
    for now, not_reporting in (("05T12:00", False), ("05T12:01", True)):
        (row,) = ask(engine, "collection", Scope(now=at(f"2026-03-{now}")))
        assert row[4] is not_reporting


def test_future_import_has_age_zero(engine: Engine) -> None:
    """An import that claims a time after now has an age of 0."""
    import_answers(engine, "vc", [11])
    assert ask(engine, "collection", SCOPE)[0][3] == 0


def test_days_limit_imports_and_attempts(engine: Engine) -> None:
    """Counts are of the given days; the last import and the usual gap do not depend on them."""
    nights.use(engine, Calendar("Europe/Berlin", "16:00"))
    import_answers(
        engine, "vc", [1, 2, 3, 4, 5], "15:00"
    )  # 16:00 in Berlin, where the next day starts
    ask_in_vain(engine, "new", at("2026-03-03T14:59"))

    def found(**asked: Any) -> list[tuple[Any, ...]]:
        rows = ask(engine, "collection", Scope(now=NOW, **asked))
        return [(row[0], row[1] and row[1][8:10], *row[5:9], row[10]) for row in rows]

    assert found(since="2026-03-02", until="2026-03-04") == [
        ("new", None, 0, None, 0, None, 1),
        ("vc", "01", 3, DAY, 0, DAY, 0),
    ]
    # Shortly before 16:00 it is still the 2nd.
    assert found(since="2026-03-03") == [("vc", "01", 3, DAY, 0, DAY, 0)]
    assert found(until="2026-02-28") == [("vc", "01", 0, DAY, 0, None, 0)]
    assert [row[:2] for row in found(until="2026-03-02")] == [("new", None), ("vc", "01")]


def test_appliances_can_be_selected(engine: Engine) -> None:
    """Globs and tags also select appliances that never answered."""
    import_answers(engine, "vc1", [1])
    import_answers(engine, "vc2", [1])
    ask_in_vain(engine, "vc3", at("2026-03-02T06:00"))
    ask_in_vain(engine, "old", at("2026-03-02T06:00"))

    def found(**asked: Any) -> list[str]:
        return [row[0] for row in ask(engine, "collection", Scope(now=NOW, **asked))]

    assert found() == ["old", "vc3", "vc1", "vc2"]
    assert found(appliances=("vc*",)) == ["vc3", "vc1", "vc2"]
    assert found(appliances=("vc[12]",)) == ["vc1", "vc2"]
    assert found(named=frozenset({"vc2", "vc3"})) == ["vc3", "vc2"]
    assert found(named=frozenset({"vc2", "vc3"}), appliances=("vc2",)) == ["vc2"]
    assert found(named=frozenset()) == []
    # Known to the archive, though it never answered; other reports have no row for it.
    assert found(appliances=("vc3",)) == ["vc3"]
    (row,) = ask(engine, "rpo", Scope(now=NOW, appliances=("vc3",)))
    assert row[:3] == ("vc3", "no recent data", None)
    with pytest.raises(UsageError, match='no appliance matches "vc4"'):
        found(appliances=("vc4",))


def test_quarantine_and_findings_are_counted(engine: Engine) -> None:
    """Documents in quarantine and findings are counted, whenever they came."""
    documents = {
        "1": job(duration=-60, size=-1),
        "2": job("RUNNING"),
        "bad": {"no": "status"},
        "worse": {},
    }
    import_documents(engine, documents, "vc", at("2026-03-01T06:00"))
    import_answers(engine, "other", [1])
    rows = ask(engine, "collection", Scope(now=NOW, since="2026-03-05"))
    # Size and duration are negative, and the duration does not fit start and end.
    assert [(row[0], *row[-2:]) for row in rows] == [("other", 0, 0), ("vc", 2, 3)]


def test_imports_without_an_appliance_are_noted(engine: Engine) -> None:
    """Imports of several appliances count for none, and neither do failed ones."""
    note = (
        "Ages are as of 2026-03-10 12:00:00Z. A gap is long if it exceeds the usual one by more than"
        " 50 %. The usual gap is a day or more, from 3 gaps on."
    )
    assert notes(engine, "collection", SCOPE) == [note]
    lines = stream(exported("1", appliance="vc1"), exported("1", appliance="vc2"))
    import_documents(engine, lines, None, at("2026-03-02T06:00"))
    import_documents(engine, lines, None, at("2026-03-03T06:00"))
    with pytest.raises(InputError):
        import_documents(engine, b"<html>", "vc1", at("2026-03-04T06:00"))
    nobody = QuarantinedDocument(None, None, "line 1", "it was odd", b"{}", NOW, NOW, 1)
    with db.writing(engine) as connection:
        quarantine.hold(connection, [nobody])
    assert [(row[0], row[2], row[5]) for row in ask(engine, "collection", SCOPE)] == [
        ("vc1", at("2026-03-03T06:00"), 0),
        ("vc2", at("2026-03-03T06:00"), 0),
    ]
    assert notes(engine, "collection", SCOPE) == [
        note,
        "Not counted above: 2 imports of several appliances.",
        "1 import failed: run `archive log imports` for details.",
        "In quarantine: 1 document of unknown appliances.",
    ]
    assert notes(engine, "collection", Scope(now=NOW, since="2026-03-03", until="2026-03-03")) == [
        note,
        "Not counted above: 1 import of several appliances.",
        "In quarantine: 1 document of unknown appliances.",
    ]


def test_both_databases_give_the_same_bytes(engines: list[Engine]) -> None:
    """Flags, NULLs and counts are written alike; the order is total."""
    written = []
    for engine in engines:
        import_answers(engine, "b", [1, 2, 3, 4])
        import_answers(engine, "a", [1, 2, 3, 4])
        import_answers(engine, "c", [10])
        ask_in_vain(engine, "z", NOW)
        ask_in_vain(engine, "y", NOW)
        written.append(csv(engine, "collection", SCOPE))
    assert written[0] == written[1]
    assert [line.split(",")[0] for line in written[0].splitlines()[1:]] == ["y", "z", "a", "b", "c"]
    assert written[0].splitlines()[3] == (
        "a,2026-03-01T06:00:00.000000Z,2026-03-04T06:00:00.000000Z,540000,true,4,86400,0,86400,"
        "2026-03-01T06:00:00.000000Z,0,0,0,0"
    )
