"""Appliances held against thresholds: which figures there are, what is alarming, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.outliers import TINY_PERCENT
from archive.judgement.standing import NEVER, NO_RECENT_DATA
from archive.monitoring.plugin import Datum, Level, badness, worst
from archive.monitoring.ranges import PERCENT, PLAIN, SECONDS, Range
from archive.render.units import duration
from archive.reports.collection import LONG_PERCENT
from archive.reports.rpo import DEFAULT_SECONDS
from archive.reports.summary import REPEATED_FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archive.monitoring.states import State

# Two nights without an import of any appliance: the archive does not know how things are.
STALE_SECONDS = 2 * DEFAULT_SECONDS
# A last success is critical that is so many times as old as it may be.
_CRITICAL_AGE = 2
# Half of what is usual is worth a look; a tenth is what `anomalies` calls tiny.
_DROP = (Range(0, 50), Range(0, 100 - TINY_PERCENT))
_CONSECUTIVE_FAILURES = (Range(0, REPEATED_FAILURES - 1), None)
AGE, CONSECUTIVE_FAILURES, MISSED, DROP, DURATION, IMPORT = (
    "age", "failures", "missed", "drop", "duration", "import",
)  # fmt: skip
# The units that thresholds may have.
UNITS: Mapping[str, Mapping[str, int]] = {
    AGE: SECONDS,
    CONSECUTIVE_FAILURES: PLAIN,
    MISSED: PLAIN,
    DROP: PERCENT,
    DURATION: SECONDS,
    IMPORT: SECONDS,
}


@dataclass(frozen=True)
class Thresholds:
    """What was asked for, by figure; what was not is as usual."""

    warning: Mapping[str, Range] = field(default_factory=dict)
    critical: Mapping[str, Range] = field(default_factory=dict)


class Figure(NamedTuple):
    """A figure of an appliance, None if it is not known, the ranges that it should be in, and its level."""

    name: str
    value: int | None
    warning: Range | None
    critical: Range | None
    level: Level


class Judgement(NamedTuple):
    """An appliance, its figures, and what is alarming about it in words, the worst first."""

    appliance: str
    level: Level
    figures: tuple[Figure, ...]
    reasons: tuple[str, ...]


def judge(state: State, asked: Thresholds) -> Judgement:
    """Return what is to be said of an appliance."""
    figures = tuple(_figure(state, name, value, asked) for name, value in _values(state).items())
    wrong = [one for one in figures if one.level is not Level.OK]
    wrong.sort(key=lambda one: -badness(one.level))
    reasons = tuple(dict.fromkeys(_reason(state, one) for one in wrong))
    return Judgement(state.name, worst(one.level for one in figures), figures, reasons)


def _values(state: State) -> dict[str, int | None]:
    recent, success, tally = state.rpo, state.success, state.tally
    return {
        AGE: recent and recent.age_seconds,
        CONSECUTIVE_FAILURES: recent and state.consecutive_failures,
        MISSED: tally and tally.missed,
        DROP: state.drop,
        DURATION: success and success.duration_seconds,
        IMPORT: state.collection.age_seconds,
    }


def _figure(state: State, name: str, value: int | None, asked: Thresholds) -> Figure:
    usual = _usual(state, name)
    warning, critical = asked.warning.get(name, usual[0]), asked.critical.get(name, usual[1])
    level = _level(value, warning, critical)
    if name == AGE:
        if value is None:
            level = Level.CRITICAL if state.state == NEVER else Level.UNKNOWN
        elif level is not Level.OK and state.state == NO_RECENT_DATA:
            level = Level.UNKNOWN  # there may have been one of which nothing was heard
    if name == IMPORT and level is Level.OK and state.not_reporting:
        # One that never answered has no figure that a threshold could be asked of.
        level = Level.WARNING if value is None or name not in asked.warning else Level.OK
    return Figure(name, value, warning, critical, level)


def _usual(state: State, name: str) -> tuple[Range | None, Range | None]:
    """Return the thresholds of a figure where nothing is asked."""
    recent, gap = state.rpo, state.collection.usual_gap_seconds
    if name == AGE and recent is not None:
        objective = recent.objective_seconds
        return Range(0, objective), Range(0, _CRITICAL_AGE * objective)
    if name == IMPORT and gap is not None:
        return Range(0, gap * LONG_PERCENT / 100), None
    return {DROP: _DROP, CONSECUTIVE_FAILURES: _CONSECUTIVE_FAILURES}.get(name, (None, None))


def _level(value: int | None, warning: Range | None, critical: Range | None) -> Level:
    if value is None:
        return Level.OK
    if critical is not None and critical.alarms(value):
        return Level.CRITICAL
    if warning is not None and warning.alarms(value):
        return Level.WARNING
    return Level.OK


def _reason(state: State, figure: Figure) -> str:
    if figure.name == AGE and figure.level is Level.UNKNOWN:
        heard = state.collection.last_seen
        if heard is None:
            return "it has never answered"
        return f"nothing was heard of it since {heard[:10]} {heard[11:19]}Z that would tell"
    if figure.value is None:
        return "no success is known" if figure.name == AGE else "it has never answered"
    value = figure.value
    said = {
        AGE: f"last success {duration(value)} ago",
        CONSECUTIVE_FAILURES: f"{value:,} {'failure' if value == 1 else 'failures'} in a row",
        MISSED: f"{value:,} missed {'day' if value == 1 else 'days'}",
        DROP: f"last success {value} % smaller than usual",
        DURATION: f"last success took {duration(value)}",
        IMPORT: f"last heard of {duration(value)} ago",
    }[figure.name]
    crossed = figure.critical if figure.level is Level.CRITICAL else figure.warning
    return f"{said}{_bound(figure.name, crossed, value)}"


def _bound(name: str, crossed: Range | None, value: int) -> str:
    """Say what a value exceeds; how a range is written, if it is not one from 0 up to that."""
    if crossed is None or not crossed.alarms(value):
        return ""
    if crossed.inside or value <= crossed.end:
        return f" (threshold {crossed})"
    if UNITS[name] is SECONDS:
        return f" (more than {duration(int(crossed.end))})"
    return f" (more than {crossed.upper}{' %' if UNITS[name] is PERCENT else ''})"


def performance(found: Sequence[Judgement]) -> list[Datum]:
    """Return performance data: how many appliances there are by level, and the greatest figures.

    Labels do not depend on how many appliances there are, nor on their names. A figure has the
    thresholds of the appliance whose it is.
    """
    counted = (Level.CRITICAL, Level.WARNING, Level.UNKNOWN)
    data = [Datum("appliances", len(found))]
    data += [Datum(one.name.lower(), sum(of.level is one for of in found)) for one in counted]
    for name, units in UNITS.items():
        figures = [figure for one in found for figure in one.figures if figure.name == name]
        data.append(
            _datum(name, "s" if units is SECONDS else "%" if units is PERCENT else "", figures)
        )
    return data


def _datum(name: str, unit: str, figures: Sequence[Figure]) -> Datum:
    known = [figure for figure in figures if figure.value is not None]
    if not known:
        return Datum(name, None)
    greatest = max(known, key=lambda figure: figure.value or 0)
    most = 100 if unit == "%" else None
    return Datum(name, greatest.value, unit, greatest.warning, greatest.critical, most)
