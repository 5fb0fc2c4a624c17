from __future__ import annotations

from datetime import date
from math import exp
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from archive.judgement import weeks
from archive.judgement.forecast import Forecast, NoForecast, forecast

START = date(2026, 1, 1).toordinal()
GIB = 2**30


def daily(*sizes: float) -> list[tuple[int, int]]:
    """Return sizes on days in a row."""
    return [(START + number, int(size)) for number, size in enumerate(sizes)]


def made(sizes: list[tuple[int, int]]) -> Forecast:
    """Return a forecast that there must be."""
    found = forecast(sizes)
    assert isinstance(found, Forecast)
    return found


def ratio(sizes: list[tuple[int, int]], days: int, expected: float) -> float:
    """Return a forecast as a multiple of what it should be."""
    return made(sizes).on(sizes[-1][0] + days).expected / expected


@given(st.integers(40, 365), st.integers(-GIB // 1000, GIB // 100))
def test_growth_in_a_line_goes_on(number: int, growth: int) -> None:
    sizes = daily(*(GIB + growth * day for day in range(number)))
    expected = GIB + growth * (number - 1 + 90)
    # A few weeks can also be those of a curve.
    most = 0.005 if number >= 70 else 0.05
    assert abs(ratio(sizes, 90, expected) - 1) < most


@given(st.integers(70, 365), st.floats(-0.003, 0.003))
def test_exponential_growth_goes_on(number: int, rate: float) -> None:
    sizes = daily(*(GIB * exp(rate * day) for day in range(number)))
    assert abs(ratio(sizes, 90, GIB * exp(rate * (number - 1 + 90))) - 1) < 0.02


def test_forecast_starts_at_the_last_level() -> None:
    """Backups of a rebuilt appliance are another history."""
    before = [GIB * (1 + day / 100) for day in range(200)]
    sizes = daily(*before, *[GIB / 2] * 100)
    found = made(sizes)
    assert abs(found.size / (GIB / 2) - 1) < 1e-6
    assert abs(ratio(sizes, 365, GIB / 2) - 1) < 1e-3


def test_growth_that_has_ended_does_not_go_on() -> None:
    sizes = daily(*(GIB * (1 + min(day, 200) / 100) for day in range(330)))
    assert abs(ratio(sizes, 365, 3 * GIB) - 1) < 1e-3


def test_noise_is_no_growth() -> None:
    chance = Random(1)  # noqa: S311 - a made-up history
    sizes = daily(*(GIB * exp(chance.gauss(0, 0.05)) for _ in range(300)))
    ahead = made(sizes).on(sizes[-1][0] + 90)
    assert abs(ahead.expected / GIB - 1) < 0.02
    assert ahead.low < GIB < ahead.high


def test_weekdays_are_taken_out() -> None:
    """Fuller weekends are not in the usual size, nor in the noise."""
    sizes = [(day, size * (1 + (day % 7 in (0, 6)))) for day, size in daily(*[GIB] * 200)]
    ahead = made(sizes).on(sizes[-1][0] + 90)
    assert max(abs(one / GIB - 1) for one in ahead) < 1e-6


def test_young_level_grows_like_the_one_before() -> None:
    sizes = daily(*((2 if day >= 200 else 1) * GIB * exp(0.002 * day) for day in range(240)))
    assert abs(ratio(sizes, 90, 2 * GIB * exp(0.002 * 329)) - 1) < 0.01


def test_too_few_weeks_or_a_new_level_have_no_forecast() -> None:
    assert forecast([]) == NoForecast("0 weeks with sizes, needs 5")
    assert forecast(daily(*[GIB] * 28)) == NoForecast("4 weeks with sizes, needs 5")
    found = forecast(daily(*[GIB] * 100, *[3 * GIB] * 14))
    assert isinstance(found, NoForecast)
    assert found.reason.startswith("a new level since 2026-04-")


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 9) | st.integers(0, 2**63 - 1)), max_size=200
    )
)
def test_any_sizes_have_a_forecast_in_64_bits_or_a_reason(sizes: list[tuple[int, int]]) -> None:
    found = forecast(sorted((START + day, size) for day, size in sizes))
    if isinstance(found, Forecast):
        for days in (0, 30, 90, 365, 36_500):
            expected, low, high = found.on(found.last + days)
            assert 0 <= low <= expected <= high < 2**63


def test_weeks_are_cut_where_the_level_changes() -> None:
    by_week = weeks.by_week(daily(*[GIB] * 70, *[2 * GIB] * 70))
    assert [len(level) for level in weeks.levels(by_week)] == [10, 10]
    odd = daily(*[GIB] * 70, *[9 * GIB] * 7, *[GIB] * 70)
    assert [len(level) for level in weeks.levels(weeks.by_week(odd))] == [21]
