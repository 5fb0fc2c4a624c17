"""The stored forecasts follow the jobs, whatever the order in which they come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db
from archive.db import tables
from archive.judgement.forecast import forecast, whole_weeks
from archive.store import size_forecasts, totals
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Engine

MONDAY = date(2026, 3, 2)


def backup(day: int, size: int | None, status: str = "SUCCEEDED") -> dict[str, Any]:
    at = MONDAY + timedelta(days=day)
    times = {"start_time": f"{at}T02:00:00.000Z", "end_time": f"{at}T02:01:00.000Z"}
    return job(status, size=size, duration=60, **times)


def differences(engine: Engine) -> int:
    with db.reading(engine) as connection:
        return len(size_forecasts.differences(connection))


def stored(engine: Engine) -> list[sa.Row[Any]]:
    with db.reading(engine) as connection:
        return list(connection.execute(sa.select(tables.size_forecast)).all())


def test_the_forecast_is_that_of_the_whole_weeks(engine: Engine) -> None:
    """What is stored gives the same forecast as the sizes before the week of the last success."""
    sizes = [(day, 10**9 + 10**7 * day + 10**6 * (day % 3)) for day in range(60)]
    import_documents(engine, {str(day): backup(day, size) for day, size in sizes})
    (row,) = stored(engine)
    known = [((MONDAY + timedelta(days=day)).toordinal(), size) for day, size in sizes]
    assert size_forecasts.found(row) == _single(forecast(whole_weeks(known)))
    assert (row.until_day, row.successes) == ("2026-04-27", 56)


def _single(found: Any) -> Any:
    """Return a forecast with the last of its lines only: the others are not stored."""
    line, curve = (one._replace(centres=[one.centres[-1]]) for one in (found.line, found.curve))
    return found._replace(line=line, curve=curve)


def test_a_success_of_the_same_week_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nightly import computes no forecast, except for the first of a week."""
    computed = []

    def counting(sizes: Any) -> Any:
        computed.append(sizes)
        return forecast(sizes)

    monkeypatch.setattr(size_forecasts, "forecast", counting)
    for day in range(14):
        import_documents(
            engine,
            {str(day): backup(day, 1000 + day)},
            "vc",
            f"2026-04-{day + 1:02}T00:00:00.000000Z",
        )
    assert len(computed) == 2


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 80),
                st.none() | st.integers(-1, 10**12),
                st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING"]),
            ),
            max_size=30,
        ),
        max_size=5,
    )
)
def test_stored_forecasts_are_those_computed_anew(
    engines: list[Engine], imports: list[list[tuple[int, int | None, str]]]
) -> None:
    """After imports in any order, with jobs that change, nothing differs on either database."""
    for engine in each(engines):
        for number, jobs in enumerate(imports):
            documents = {
                f"{day}-{place % 3}": backup(day, size, status)
                for place, (day, size, status) in enumerate(jobs)
            }
            import_documents(engine, documents, "vc", f"2026-07-{number + 1:02}T00:00:00.000000Z")
        assert differences(engine) == 0


def test_rebuild_mends_wrong_forecasts(engine: Engine) -> None:
    import_documents(engine, {str(day): backup(day, 1000 + day) for day in range(60)})
    with db.writing(engine) as connection:
        connection.execute(sa.update(tables.size_forecast).values(line_slope=0.0))
    assert differences(engine) == 1
    with db.writing(engine) as connection:
        assert totals.rebuild(connection) == 1
    assert differences(engine) == 0
