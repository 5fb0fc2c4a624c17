"""Fleets whose truth is known: daily successes of appliances, and what is unlike the others in them.

A fleet has an appliance of each regime: a season, a growth, and a noise of sizes and durations. All
is drawn from the fleet's seed. Noise is lognormal, by its standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from math import exp
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLEETS = 20
DAYS = 730
# Within so many days each day of the month has come three times.
LEARNING = 100
# One in so many successes is made unlike the others, in one of these ways.
PLANTED_ONE_IN = 150
PLANTED = {"-50 %": 0.5, "-90 %": 0.1, "x3": 3.0, "empty": 0.0}
# A new level is a multiple of the last one; it has this long to become the usual one.
LEVELS = (0.4, 0.5, 2.0, 2.5)
SETTLING = 21
FIRST = date(2024, 1, 1).toordinal()
# The standard deviations of sizes and of durations.
NOISES = {"2/8 %": (0.02, 0.08), "5/15 %": (0.05, 0.15), "10/25 %": (0.10, 0.25)}
GROWTHS = ("plateau", "linear", "exponential", "step", "ending")
_PREPARATION_SECONDS = 120


class Regime(NamedTuple):
    """How an appliance's backups vary; `noise`, `season` and `growth` name one each."""

    noise: str
    season: str
    growth: str


class Success(NamedTuple):
    """A success: its day, size in bytes and duration in seconds, and what is known of it.

    `planted` says how it was made unlike the others. `begins_level`: a new level begins
    on its day; `settles`: one began less than `SETTLING` days before.
    """

    day: int
    size: int
    duration: int
    planted: str | None = None
    begins_level: bool = False
    settles: bool = False


@dataclass
class Appliance:
    """An appliance: its regime and its successes.

    `ahead` and `truth` are its sizes on the days after, without a season, with and without noise.
    """

    regime: Regime
    successes: list[Success] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)


def _of_weekday(factor: float, *weekdays: int) -> Callable[[date], float]:
    return lambda day: factor if day.isoweekday() in weekdays else 1.0


def _of_month(factor: float, number: int) -> Callable[[date], float]:
    return lambda day: factor if day.day == number else 1.0


def _of_first_sunday(factor: float) -> Callable[[date], float]:
    return lambda day: factor if day.isoweekday() == 7 and day.day <= 7 else 1.0


SEASONS = {
    "none": _of_weekday(1),
    "Sunday +30 %": _of_weekday(1.3, 7),
    "Sunday x4": _of_weekday(4, 7),
    "weekend +50 %": _of_weekday(1.5, 6, 7),
    "first of the month +30 %": _of_month(1.3, 1),
    "15th of the month x3": _of_month(3, 15),
    "first Sunday of the month x3": _of_first_sunday(3),
}
# A full backup beside that of every night: its size, as a multiple, on the days of a season.
BESIDE = {
    "full on the first, beside": _of_month(8, 1),
    "full on Sundays, beside": _of_weekday(8, 7),
}
SEASONS |= dict.fromkeys(BESIDE, SEASONS["none"])
REGIMES = tuple(
    Regime(noise, season, growth)
    for noise in NOISES
    for season, growth in (
        *((season, "linear") for season in SEASONS),
        *(("none", growth) for growth in GROWTHS if growth != "linear"),
        ("Sunday +30 %", "step"),
    )
)


def fleet(seed: int, days: int = DAYS, ahead: int = 0) -> Iterator[Appliance]:
    """Yield an appliance of each regime, with the sizes of some days `ahead` of the successes."""
    for number, regime in enumerate(REGIMES):
        yield _appliance(Random(1000 * seed + number), regime, days, ahead)


def _appliance(random: Random, regime: Regime, days: int, ahead: int) -> Appliance:
    found = Appliance(regime)
    size_noise, duration_noise = NOISES[regime.noise]
    season = SEASONS[regime.season]
    speed = 2 ** random.uniform(23, 27)
    level = _level(random, regime.growth, days)
    begun = _beginnings(random, regime.growth, days)
    for number in range(days + ahead):
        day = FIRST + number
        factor = begun.get(number, 1.0)
        if number in begun:
            level = _times(level, factor)
        smooth = level(number) * season(date.fromordinal(day))
        if number >= days:
            found.truth.append(level(number))
            found.ahead.append(int(level(number) * exp(random.gauss(0, size_noise))))
            continue
        settles = any(at <= number < at + SETTLING for at in begun)
        planted = None
        if number >= LEARNING and not settles and random.random() * PLANTED_ONE_IN < 1:
            planted = random.choice(tuple(PLANTED))
            smooth *= PLANTED[planted]
        size = int(smooth * exp(random.gauss(0, size_noise)))
        seconds = _PREPARATION_SECONDS + smooth / speed
        duration = int(seconds * exp(random.gauss(0, duration_noise)))
        found.successes.append(Success(day, size, duration, planted, number in begun, settles))
        full = BESIDE[regime.season](date.fromordinal(day)) if regime.season in BESIDE else 1
        if full > 1:
            size = int(full * level(number) * exp(random.gauss(0, size_noise)))
            seconds = _PREPARATION_SECONDS + size / speed
            duration = int(seconds * exp(random.gauss(0, duration_noise)))
            found.successes.append(Success(day, size, duration))
    return found


def _level(random: Random, growth: str, days: int) -> Callable[[int], float]:
    """Return the size on a day, without noise and season: it grows by 15 to 100 % in a year."""
    first = exp(random.gauss(23, 1))
    rate = random.uniform(0.15, 1) / 365
    if growth == "linear":
        return lambda number: first * (1 + rate * number)
    if growth == "exponential":
        return lambda number: first * exp(rate * number)
    if growth == "ending":
        end = days - random.randrange(LEARNING, 2 * LEARNING)
        return lambda number: first * (1 + rate * min(number, end))
    return lambda _: first


def _beginnings(random: Random, growth: str, days: int) -> dict[int, float]:
    """Return the days on which a new level begins, and by what factor it differs."""
    if growth != "step":
        return {}
    middle = days // 2
    early = random.randrange(LEARNING, middle - LEARNING)
    late = random.randrange(days - 2 * LEARNING, days - SETTLING)
    return {early: random.choice(LEVELS), late: random.choice(LEVELS)}


def _times(level: Callable[[int], float], factor: float) -> Callable[[int], float]:
    return lambda number: factor * level(number)
