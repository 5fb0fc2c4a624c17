from __future__ import annotations

import pytest

from archive.monitoring.assessment import Assessment
from archive.monitoring.plugin import Level, worst
from archive.monitoring.thresholds import AGE, CONSECUTIVE_FAILURES, Figure, Judgement
from archive.notify.changes import ARCHIVE, Changes, changes
from archive.notify.notification import notification

HOUR = 3600


def judged(name: str, **levels: Level) -> Judgement:
    """Return an appliance whose figures have these levels."""
    figures = tuple(Figure(figure, 7200, None, None, level) for figure, level in levels.items())
    wrong = tuple(f"{one.name} is wrong" for one in figures if one.level is not Level.OK)
    return Judgement(name, worst(levels.values()), figures, wrong)


def now(*found: Judgement, age: int | None = HOUR) -> Assessment:
    return Assessment(found, age, 50 * HOUR)


def sent(changed: Changes) -> tuple[list[str], list[str]]:
    """Return the names of the appliances with problems to send, and of those that recovered."""
    return [one.appliance for one in changed.worse], [one.appliance for one in changed.recovered]


@pytest.mark.parametrize(
    ("known", "levels", "expected"),
    [
        ("", {AGE: Level.OK}, (0, 0, None)),
        ("", {AGE: Level.WARNING}, (1, 0, "age WARNING")),
        ("age WARNING", {AGE: Level.WARNING}, (0, 0, None)),
        ("age WARNING", {AGE: Level.CRITICAL}, (1, 0, "age CRITICAL")),
        ("age UNKNOWN", {AGE: Level.WARNING}, (1, 0, "age WARNING")),
        ("age CRITICAL", {AGE: Level.WARNING}, (0, 0, "age WARNING")),
        ("age WARNING", {AGE: Level.OK}, (0, 1, "")),
        (
            "age WARNING",
            {AGE: Level.WARNING, CONSECUTIVE_FAILURES: Level.WARNING},
            (1, 0, "age WARNING, failures WARNING"),
        ),
        (
            "age WARNING, failures WARNING",
            {AGE: Level.OK, CONSECUTIVE_FAILURES: Level.WARNING},
            (0, 0, "failures WARNING"),
        ),
    ],
)
def test_only_new_and_worse_problems_and_recoveries_are_notified(
    known: str, levels: dict[str, Level], expected: tuple[int, int, str | None]
) -> None:
    """A problem that lasts is notified once; one that becomes smaller is not sent, but remembered."""
    found = changes({"vc1": known} if known else {}, now(judged("vc1", **levels)), whole=True)
    assert (len(found.worse), len(found.recovered)) == expected[:2]
    assert bool(found) is bool(expected[0] or expected[1])
    assert dict(found.known or {}) == ({} if expected[2] is None else {"vc1": expected[2]})


def test_appliances_out_of_scope_stay_known() -> None:
    """A run over a part of the fleet says nothing of the rest; a run over all forgets what is gone."""
    known = {"vc1": "age WARNING", "gone": "age WARNING"}
    healthy = now(judged("vc1", age=Level.OK))
    assert changes(known, healthy, whole=False).known == {"vc1": ""}
    everything = changes(known, healthy, whole=True)
    assert everything.known == {"vc1": "", "gone": ""}
    assert sent(everything) == ([], ["vc1"])


def test_stale_archive_is_notified_once_and_hides_appliances() -> None:
    """While nothing is imported, all appliances would be without recent data."""
    known = {"vc1": "age WARNING"}
    stale = now(judged("vc1", age=Level.UNKNOWN), judged("vc2", age=Level.UNKNOWN), age=51 * HOUR)
    first = changes(known, stale, whole=True)
    assert (first.archive, sent(first)) == (
        "the archive is stale: last import 2 d 03 h ago",
        ([], []),
    )
    made = notification(first, stale)
    assert made.title == "vCenter backups: the archive is stale: last import 2 d 03 h ago"
    assert made.body.startswith("No check of the backups is possible: the archive is stale")
    assert made.level is Level.UNKNOWN

    known |= first.known or {}
    assert not changes(known, stale, whole=True)
    again = changes(known, now(judged("vc1", age=Level.WARNING)), whole=True)
    assert (sent(again), again.known) == (([], []), {ARCHIVE: ""})
    made = notification(again, now(judged("vc1", age=Level.WARNING)))
    assert made.title == "vCenter backups: imports have resumed"
    assert made.body == "Imports have resumed; the archive is no longer stale.\n\nNow: 1 WARNING."


def test_notification_lists_the_worst_first_and_says_how_many_are_left_out() -> None:
    """Ten thousand appliances at once make a message of a readable length."""
    found = now(
        judged("vc0", age=Level.CRITICAL, failures=Level.WARNING),
        *(judged(f"vc{number}", age=Level.WARNING) for number in range(1, 10_000)),
        judged("well", age=Level.OK),
    )
    made = notification(changes({"well": "age WARNING"}, found, whole=True), found)
    assert made.title == "vCenter backups: 10,000 new problems, 1 recovered"
    lines = made.body.splitlines()
    assert lines[:3] == [
        "New or worse:",
        "CRITICAL vc0: age is wrong, failures is wrong",
        "WARNING vc1: age is wrong",
    ]
    assert lines[21:] == [
        "... and 9,980 more",
        "",
        "Recovered:",
        "well: last success 2 h 00 m ago",
        "",
        "Now: 1 CRITICAL, 9,999 WARNING, 1 OK.",
    ]
    assert made.level is Level.CRITICAL


@pytest.mark.parametrize(
    ("known", "level", "title"),
    [
        ({}, Level.WARNING, "vc\\n1 WARNING"),
        ({"vc\n1": "age WARNING"}, Level.OK, "vc\\n1 recovered"),
    ],
)
def test_title_names_a_single_appliance(known: dict[str, str], level: Level, title: str) -> None:
    """A phone shows the title only. It is one line for any name."""
    found = now(judged("vc\n1", age=level))
    made = notification(changes(known, found, whole=True), found)
    assert made.title == f"vCenter backups: {title}"
    assert "vc\n1" not in made.body
