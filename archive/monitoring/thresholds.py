"""Check the figures of appliances against thresholds, and give the reasons in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.outliers import TINY_PERCENT
from archive.judgement.reporting import DEFAULT_LIMIT
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OVERDUE, RETIRED
from archive.monitoring.plugin import Datum, Level, badness, worst
from archive.monitoring.ranges import PERCENT, PLAIN, SECONDS, Range
from archive.render.units import duration, moment
from archive.reports.appliances import REPEATED_FAILURES
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archive.monitoring.states import State

# Without any import for two nights the archive is stale.
STALE_SECONDS = DEFAULT_LIMIT
# A last success is critical if it is older than this many times the RPO.
_CRITICAL_AGE = 2
# Warn below half of the expected size; `anomalies` calls less than a tenth tiny.
_DROP = (Range(0, 50), Range(0, 100 - TINY_PERCENT))
# A warning alone: how many are critical, users say.
_CONSECUTIVE_FAILURES = (Range(0, REPEATED_FAILURES - 1), None)
# Warn of any: nobody can say whether there is a backup.
_NONE = (Range(0, 0), None)
# The figures, by the names that they have in the performance data.
AGE, CONSECUTIVE_FAILURES, MISSED, DROP, DURATION, IMPORT, STUCK, OTHER = (
    "age", "failures", "missed", "drop", "duration", "import", "stuck", "other",
)  # fmt: skip
# The units of the thresholds of each figure, in the order of the performance data.
UNITS: Mapping[str, Mapping[str, int]] = {
    AGE: SECONDS,
    CONSECUTIVE_FAILURES: PLAIN,
    MISSED: PLAIN,
    DROP: PERCENT,
    DURATION: SECONDS,
    IMPORT: SECONDS,
    STUCK: PLAIN,
    OTHER: PLAIN,
}
# The default thresholds that are the same for all appliances.
_FIXED = {DROP: _DROP, CONSECUTIVE_FAILURES: _CONSECUTIVE_FAILURES, STUCK: _NONE, OTHER: _NONE}


@dataclass(frozen=True)
class Thresholds:
    """The given thresholds by figure; other figures have their defaults."""

    warning: Mapping[str, Range] = field(default_factory=dict)
    critical: Mapping[str, Range] = field(default_factory=dict)


class Figure(NamedTuple):
    """A figure of an appliance (None if unknown), the ranges it should be in, and its level.

    Values are in base units: seconds, percent or numbers.
    """

    name: str
    value: int | None
    warning: Range | None
    critical: Range | None
    level: Level


class Judgement(NamedTuple):
    """An appliance, its level and figures, and the reasons for its level in words, worst first."""

    appliance: str
    level: Level
    figures: tuple[Figure, ...]
    reasons: tuple[str, ...]

    @property
    def is_retired(self) -> bool:
        """Whether nothing is expected of the appliance."""
        return self.reasons == (RETIRED,)


def judge(state: State, thresholds: Thresholds, zone: str) -> Judgement:
    """Return the judgement of an appliance; a retired one raises no alarm.

    Reasons show times on the clocks of an IANA zone. It needs no database: `state` has all figures.
    """
    # Nothing is expected of it, but its figures are still shown.
    if state.state == RETIRED:
        quiet = tuple(
            Figure(name, value, None, None, Level.OK) for name, value in _values(state).items()
        )
        return Judgement(state.name, Level.OK, quiet, (RETIRED,))
    figures = tuple(
        _figure(state, name, value, thresholds) for name, value in _values(state).items()
    )
    wrong = [one for one in figures if one.level is not Level.OK]
    wrong.sort(key=lambda one: -badness(one.level))
    # Two figures can have the same reason, such as that nothing was ever imported.
    reasons = tuple(dict.fromkeys(_reason(state, one, zone) for one in wrong))
    level = worst(one.level for one in figures)
    if state.wrong_clock is not None:  # then the other figures may be wrong, too
        level, reasons = (
            worst((level, Level.WARNING)),
            (*reasons, f"wrong clock: {state.wrong_clock}"),
        )
    return Judgement(state.name, level, figures, reasons)


def _values(state: State) -> dict[str, int | None]:
    success, tally = state.success, state.tally
    return {
        AGE: state.current.age_seconds,
        CONSECUTIVE_FAILURES: state.consecutive_failures if state.is_imported else None,
        MISSED: tally and tally.missed,
        DROP: state.drop,
        DURATION: success and success.duration_seconds,
        IMPORT: state.collection.age_seconds,
        STUCK: state.stuck,
        OTHER: state.unknown_status,
    }


def _figure(state: State, name: str, value: int | None, thresholds: Thresholds) -> Figure:
    """Return a figure with its ranges, given or by default, and its level."""
    usual = _usual(state, name)
    warning, critical = (
        thresholds.warning.get(name, usual[0]),
        thresholds.critical.get(name, usual[1]),
    )
    level = _level(value, warning, critical)
    if name == AGE:
        level = _level_of_age(state, value, thresholds)
    if name == IMPORT:
        level = _level_of_import(state, value, thresholds)
    return Figure(name, value, warning, critical, level)


def _usual(state: State, name: str) -> tuple[Range | None, Range | None]:
    """Return the default thresholds of a figure."""
    rpo, limit = state.current.rpo.seconds, state.collection.limit_seconds
    if name == AGE and rpo is not None:
        return Range(0, rpo), Range(0, _CRITICAL_AGE * rpo)
    if name == IMPORT and limit is not None:
        return Range(0, limit), None
    return _FIXED.get(name, (None, None))


def _level_of_age(state: State, age: int | None, thresholds: Thresholds) -> Level:
    """Return the level of the age of the last success (seconds).

    By default an overdue backup is a warning. Default thresholds are for the age at the last import:
    later there may be a success that was not imported yet.
    """
    if age is None:
        return Level.CRITICAL if state.state == NEVER else Level.UNKNOWN
    imported = age - (state.collection.age_seconds or 0)
    _, critical = _usual(state, AGE)
    by_default = Level.WARNING if state.state == OVERDUE else Level.OK
    level = worst(
        (
            by_default
            if AGE not in thresholds.warning
            else _level(age, thresholds.warning[AGE], None),
            _level(imported, None, critical)
            if AGE not in thresholds.critical
            else _level(age, None, thresholds.critical[AGE]),
        )
    )
    is_missing = state.state == NO_RECENT_DATA
    if is_missing and (level is not Level.OK or AGE not in thresholds.warning):
        return Level.UNKNOWN
    return level


def _level_of_import(state: State, age: int | None, thresholds: Thresholds) -> Level:
    """Return the level of the age of the last import (seconds).

    By default a missing import is UNKNOWN: nobody can know how the backups are. An appliance that was
    never imported has no age to compare with a threshold.
    """
    if age is None:
        return Level.UNKNOWN
    given = _level(age, thresholds.warning.get(IMPORT), thresholds.critical.get(IMPORT))
    if given is Level.OK and IMPORT not in thresholds.warning and state.not_reporting:
        return Level.UNKNOWN
    return given


def _level(value: int | None, warning: Range | None, critical: Range | None) -> Level:
    """Return the level of a value; OK if it is unknown or has no ranges."""
    if value is None:
        return Level.OK
    if critical is not None and critical.alarms(value):
        return Level.CRITICAL
    if warning is not None and warning.alarms(value):
        return Level.WARNING
    return Level.OK


def _reason(state: State, figure: Figure, zone: str) -> str:
    """Return why a figure is not OK, in words and with the bound that it crosses."""
    if figure.name == AGE and figure.level is Level.UNKNOWN:
        last_import = state.collection.last_seen
        if last_import is None:
            return "never imported"
        return f"no recent data since {moment(last_import, zone)}"
    if figure.value is None:
        return "no success yet" if figure.name == AGE else "never imported"
    value = figure.value
    overdue = state.current.overdue_since_time
    if figure.name == AGE and overdue and not _crossed(figure):
        return f"overdue since {moment(overdue, zone)}, last success {duration(value)} ago"
    text = {
        AGE: f"last success {duration(value)} ago",
        CONSECUTIVE_FAILURES: counted(value, "consecutive failure"),
        MISSED: counted(value, "missed backup"),
        DROP: f"last success {value} % smaller than expected",
        DURATION: f"last success took {duration(value)}",
        IMPORT: f"last import {duration(value)} ago",
        STUCK: counted(value, "stuck job"),
        OTHER: f"{counted(value, 'job')} in an unknown status",
    }[figure.name]
    crossed = figure.critical if figure.level is Level.CRITICAL else figure.warning
    return f"{text}{_bound(figure.name, crossed, value)}"


def _crossed(figure: Figure) -> bool:
    """Return whether the value of a figure crosses one of its thresholds."""
    value = figure.value
    return value is not None and any(
        bound is not None and bound.alarms(value) for bound in (figure.warning, figure.critical)
    )


def _bound(name: str, crossed: Range | None, value: int) -> str:
    """Return the bound that a value exceeds, or the whole range if there is more to it."""
    # That by default none is allowed goes without saying.
    if crossed is None or not crossed.alarms(value) or crossed is _NONE[0]:
        return ""
    if crossed.inside or value <= crossed.end:
        return f" (threshold {crossed})"
    if UNITS[name] is SECONDS:
        return f" (limit {duration(int(crossed.end))})"
    return f" (limit {crossed.upper}{' %' if UNITS[name] is PERCENT else ''})"


def performance(found: Sequence[Judgement]) -> list[Datum]:
    """Return the performance data: numbers of appliances by level, and the greatest figures.

    Labels do not depend on the number or names of appliances. Each figure has the thresholds of the
    appliance it comes from.
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
    """Return the greatest value of a figure among the appliances, as performance data."""
    known = [figure for figure in figures if figure.value is not None]
    if not known:
        return Datum(name, None)
    greatest = max(known, key=lambda figure: figure.value or 0)
    most = 100 if unit == "%" else None
    return Datum(name, greatest.value, unit, greatest.warning, greatest.critical, most)
