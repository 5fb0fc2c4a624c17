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
def test_a_scope_must_make_sense(arguments: dict[str, Any], message: str) -> None:
    """What cannot be understood is refused with what would be."""
    with pytest.raises(UsageError) as refused:
        Scope(**arguments)
    assert str(refused.value) == message


def ids(engine: Engine, *globs: str) -> list[int] | None:
    with db.reading(engine) as connection:
        return Scope(appliances=globs).appliance_ids(connection)


def test_a_name_is_its_own_glob(engine: Engine) -> None:
    """A name with brackets in it can be given as it is."""
    for name in ("a[1]", "a1", "b"):
        import_documents(engine, {"k": job()}, name)
    assert ids(engine) is None
    assert ids(engine, "a[1]") == [1, 2]
    assert ids(engine, "a?", "b") == [2, 3]
    assert ids(engine, "*") == [1, 2, 3]


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
            "VC*",
            'no appliance matches "VC*" (known: vc01.ber.example.com, vc01.lon.example.com)',
        ),
    ],
)
def test_a_glob_must_match(engine: Engine, glob: str, message: str) -> None:
    """A glob that no appliance matches is a mistake, and the names that are near are told."""
    fleet.load(engine)
    with pytest.raises(UsageError) as refused:
        ids(engine, "vc*", glob)
    assert str(refused.value) == message


def test_a_long_list_of_names_is_cut(engine: Engine) -> None:
    """Of many appliances only some are told."""
    for number in range(6):
        import_documents(engine, {"k": job()}, f"vc{number}")
    with pytest.raises(UsageError, match=r"known: vc0, vc1, vc2, vc3, vc4, \.\.\.\)$"):
        ids(engine, "zzz")


def test_no_glob_matches_in_an_empty_archive(engine: Engine) -> None:
    """Before the first import the message says that."""
    with pytest.raises(UsageError, match=r'matches "vc\*": the archive has no appliances yet'):
        ids(engine, "vc*")


@pytest.mark.parametrize(
    ("globs", "covered"),
    [
        ((), ImportSpan("2026-04-02T00:00:00.000000Z", "2026-04-03T00:00:00.000000Z")),
        (("*.ber.*",), ImportSpan("2026-04-03T00:00:00.000000Z", "2026-04-03T00:00:00.000000Z")),
    ],
)
def test_collection(engine: Engine, globs: tuple[str, ...], covered: ImportSpan) -> None:
    """Coverage is from the first import of the scope's appliances to the last."""
    fleet.load(engine)
    with db.reading(engine) as connection:
        assert reports.import_span(connection, Scope(appliances=globs)) == covered


def test_an_empty_archive_covers_nothing(engine: Engine) -> None:
    """Without an import there is no collection."""
    with db.reading(engine) as connection:
        assert reports.import_span(connection, Scope()) is None


def test_unknown_reports_are_refused() -> None:
    """A wrong name is answered with the right ones."""
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
def test_what_a_report_does_not_heed_is_refused(scope: Scope, option: str) -> None:
    """A report says so rather than to pass over what it was asked."""
    with pytest.raises(UsageError) as refused:
        scope.check(reports.find("sizes"))
    assert str(refused.value) == f'report "sizes" does not support {option}'


def test_what_was_asked() -> None:
    """What a report was asked can be told again, without what nobody said."""
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
