"""What changed since a recipient was last notified: new problems, worse ones, and recoveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.monitoring.plugin import Level, badness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archive.monitoring.assessment import Assessment
    from archive.monitoring.thresholds import Judgement

# The archive itself, where an appliance would have its name.
ARCHIVE = ""
_STALE = f"archive {Level.UNKNOWN.name}"


@dataclass(frozen=True)
class Changes:
    """What to send to a recipient, worst first, and what it then knows.

    `archive` is why nothing can be said about the appliances, if that is new; `archive_recovered` that
    it is over. `known` has the changed problems by appliance, in the form of `store.notified_problems`;
    it also changes without anything to send, when problems become fewer.
    """

    worse: tuple[Judgement, ...] = ()
    recovered: tuple[Judgement, ...] = ()
    archive: str | None = None
    archive_recovered: bool = False
    known: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.worse or self.recovered or self.archive or self.archive_recovered)


def changes(known: Mapping[str, str], now: Assessment, *, whole: bool) -> Changes:
    """Return what changed for a recipient that was notified of the problems `known`.

    Appliances out of scope stay as they are known, and so do all while the archive is stale. If `now` is
    the `whole` fleet, those that it does not have exist no more and are forgotten.

    Problems of an appliance compare by figure and level: a figure that stays at its level is
    nothing new, however its value changes.
    """
    was_stale = ARCHIVE in known
    if now.problem is not None:
        return Changes() if was_stale else Changes(archive=now.problem, known={ARCHIVE: _STALE})
    problems = {one.appliance: _problems(one) for one in now.appliances}
    changed = {name: text for name, text in problems.items() if text != known.get(name, "")}
    worse, recovered = [], []
    for one in now.appliances:
        if one.appliance not in changed:
            continue
        if one.level is Level.OK:
            recovered.append(one)
        elif _is_worse(_levels(problems[one.appliance]), _levels(known.get(one.appliance, ""))):
            worse.append(one)
    # In the whole fleet, an appliance without a judgement exists no more.
    gone = [name for name in known if name == ARCHIVE or (whole and name not in problems)]
    changed |= dict.fromkeys(gone, "")
    return Changes(tuple(worse), tuple(recovered), None, was_stale, changed)


def _problems(one: Judgement) -> str:
    """Return the figures with problems and their levels, such as `age WARNING, failures CRITICAL`."""
    wrong = {figure.name: figure.level for figure in one.figures if figure.level is not Level.OK}
    return ", ".join(f"{name} {level.name}" for name, level in sorted(wrong.items()))


def _levels(problems: str) -> dict[str, Level]:
    """Return the level of each figure in the form of `_problems`, empty without any."""
    pairs = [text.split(" ") for text in problems.split(", ") if text]
    return {name: Level[level] for name, level in pairs}


def _is_worse(now: Mapping[str, Level], before: Mapping[str, Level]) -> bool:
    """Whether there is a problem that was not there before, or is worse than before."""
    return any(badness(level) > badness(before.get(name, Level.OK)) for name, level in now.items())
