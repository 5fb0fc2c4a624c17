from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive import db, reports
from archive.errors import UsageError
from archive.reports import ImportSpan, Scope
from tests.reports import fleet
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"period": "decade"}, 'invalid period "decade" (valid: day, week, month, quarter, year)'),
        (
            {"by": "colour"},
            'invalid group "colour" (valid: appliance, type, build, location, day)',
        ),
        ({"since": "2026-1-1"}, 'invalid date "2026-1-1": write it as YYYY-MM-DD'),
        ({"until": "20260101"}, 'invalid date "20260101": write it as YYYY-MM-DD'),
        ({"until": "2026-02-30"}, 'invalid date "2026-02-30": write it as YYYY-MM-DD'),
        (
            {"since": "2026-02-01", "until": "2026-01-01"},
            "the first day 2026-02-01 is after the last day 2026-01-01",
        ),
    ],
)
def test_invalid_scope_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The error lists the valid values."""
    with pytest.raises(UsageError) as refused:
        Scope(**arguments)
    assert str(refused.value) == message


def ids(engine: Engine, *globs: str) -> list[int] | None:
    with db.reading(engine) as connection:
        return Scope(appliances=globs).appliance_ids(connection)


def test_name_is_its_own_glob(engine: Engine) -> None:
    """A name that contains brackets can be given unchanged."""
    for name in ("a[1]", "a1", "b"):
        import_documents(engine, {"k": job()}, name)
    assert ids(engine) is None
    assert ids(engine, "a[1]") == [1, 2]
    assert ids(engine, "a?", "b") == [2, 3]
    assert ids(engine, "*") == [1, 2, 3]


def test_globs_that_leave_appliances_out(engine: Engine) -> None:
    """They apply to what the others select, or to all; one that matches nothing is an error."""
    for name in ("a1", "a2", "b"):
        import_documents(engine, {"k": job()}, name)
    assert ids(engine, "!a*") == [3]
    assert ids(engine, "!A1", "!b") == [2]
    assert ids(engine, "a*", "!a2") == [1]
    assert ids(engine, "!*") == []
    with pytest.raises(UsageError):
        ids(engine, "!c")


@pytest.mark.parametrize(
    ("glob", "message"),
    [
        (
            "vc01.lon.example.org*",
            (
                'no appliance matches "vc01.lon.example.org*" (did you mean "vc01.lon.example.com"'
                ' or "vc01.ber.example.com"?)'
            ),
        ),
        (
            "xc*",
            'no appliance matches "xc*" (known: vc01.ber.example.com, vc01.lon.example.com)',
        ),
    ],
)
def test_glob_must_match(engine: Engine, glob: str, message: str) -> None:
    """A glob without a match is an error that suggests similar names."""
    fleet.load(engine)
    with pytest.raises(UsageError) as refused:
        ids(engine, "vc*", glob)
    assert str(refused.value) == message


def test_long_list_of_names_is_cut(engine: Engine) -> None:
    """Only some of many appliances are listed."""
    for number in range(6):
        import_documents(engine, {"k": job()}, f"vc{number}")
    with pytest.raises(UsageError, match=r"known: vc0, vc1, vc2, vc3, vc4, \.\.\.\)$"):
        ids(engine, "zzz")


def test_glob_in_an_empty_archive(engine: Engine) -> None:
    """Before the first import the error says that there is none."""
    with pytest.raises(UsageError, match=r'matches "vc\*": the archive has no appliances yet'):
        ids(engine, "vc*")


@pytest.mark.parametrize(
    ("globs", "covered"),
    [
        ((), ImportSpan("2026-04-02T00:00:00.000000Z", "2026-04-03T00:00:00.000000Z")),
        (("*.ber.*",), ImportSpan("2026-04-03T00:00:00.000000Z", "2026-04-03T00:00:00.000000Z")),
    ],
)
def test_collection_history(engine: Engine, globs: tuple[str, ...], covered: ImportSpan) -> None:
    """It extends from the first import of the scope's appliances to the last."""
    fleet.load(engine)
    with db.reading(engine) as connection:
        assert reports.import_span(connection, Scope(appliances=globs)) == covered


def test_empty_archive_has_no_collection_history(engine: Engine) -> None:
    """Without an import there is none."""
    with db.reading(engine) as connection:
        assert reports.import_span(connection, Scope()) is None


def test_unknown_reports_are_refused() -> None:
    """The error lists the reports."""
    with pytest.raises(UsageError) as refused:
        reports.find("trend")
    assert str(refused.value) == 'unknown report "trend" (did you mean "trends"?)'


@pytest.mark.parametrize(
    ("scope", "option"),
    [
        (Scope(rpo_seconds=1), "--rpo"),
        (Scope(capacity_bytes=1), "--capacity"),
        (Scope(keep=1), "--keep"),
    ],
)
def test_unsupported_options_are_refused(scope: Scope, option: str) -> None:
    """A report refuses options that it would otherwise ignore."""
    with pytest.raises(UsageError) as refused:
        scope.check(reports.find("sizes"))
    assert str(refused.value) == f'report "sizes" does not support {option}'


def test_scope_is_repeated_in_the_output() -> None:
    """The scope can be written with its set options only."""
    trends = reports.find("trends")
    assert Scope().asked(trends) == {"period": "month"}
    asked = Scope(
        "week", since="2026-01-01", types=("MANUAL",), by="build", named=frozenset("a"),
        compare=True, now="2026-01-01T00:00:00.000000Z",
    )  # fmt: skip
    assert asked.asked(trends) == {
        "period": "week",
        "since": "2026-01-01",
        "types": ["MANUAL"],
        "by": "build",
        "compare": True,
    }
