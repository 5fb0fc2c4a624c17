"""The made-up fleet: appliances, their targets and builds, and the events in their history.

Moments are fractions of the history, so a plan of any length has all events. Random numbers come
from generators named after what they are for, so a new appliance changes none of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes, in binary units.
GIGABYTE = 1 << 30
MEGABYTE = 1 << 20
# The time of day at which the made-up collector runs.
COLLECTED_AT = timedelta(hours=2, minutes=20)


class Build(NamedTuple):
    """A version of vCenter."""

    version_name: str
    version: str
    build_number: str


# Oldest first: appliances of the fleet are upgraded from one to another of them.
V67 = Build("6.7 GA", "6.7.0.14000", "14368073")
V70 = Build("7.0 U3", "7.0.3.02100", "21784236")
V801 = Build("8.0 U1", "8.0.1.00100", "21815093")
V802 = Build("8.0 U2", "8.0.2.00100", "22617221")
V803 = Build("8.0 U3", "8.0.3.00400", "24322831")
V900 = Build("9.0 GA", "9.0.0.0", "24755230")
V902 = Build("9.0.2 GA", "9.0.2.0", "25148086")


@dataclass(frozen=True)
class Target:
    """A backup target and its speed."""

    url: str
    user: str
    bytes_per_second: int


class Span(NamedTuple):
    """A part of the history, whose start is 0.0 and end 1.0."""

    start: float
    end: float

    def holds(self, share: float) -> bool:
        """Return whether a moment is in this part."""
        return self.start <= share < self.end


# A little beyond the end, because `holds` excludes it.
WHOLE = Span(0.0, 1.01)
# Beyond the end, and empty.
NEVER = Span(2.0, 2.0)


@dataclass(frozen=True)
class Appliance:
    """One appliance: its daily backup, target and size, and the events in its history.

    `builds` are its builds, each with its start. `slowed` is when backups take twice as long,
    `trouble` when the target fails, `snapshot` when a snapshot of the machine prevents backups.
    `queued` says whether a job is waiting at the end of the history.

    `minute_of_day` is when its backup starts, in UTC; `growth_a_year` is 0.35 for 35 %.
    """

    name: str
    target: Target
    minute_of_day: int
    size_bytes: int
    growth_a_year: float
    builds: tuple[tuple[float, Build], ...]
    life: Span = WHOLE
    slowed: Span = NEVER
    trouble: Span = NEVER
    snapshot: Span = NEVER
    queued: bool = False
    legacy_api: bool = False

    def build(self, share: float) -> Build:
        """Return the build at a moment of the history."""
        return [build for since, build in self.builds if since <= share][-1]


@dataclass(frozen=True)
class Plan:
    """A fleet, the days of its history, and the time of its last collection."""

    appliances: tuple[Appliance, ...]
    until: datetime
    days: int
    seed: int

    @property
    def start(self) -> datetime:
        """The beginning of the history."""
        return self.until - timedelta(days=self.days)

    def share(self, moment: datetime) -> float:
        """Return the fraction of the history before a moment."""
        return (moment - self.start) / timedelta(days=self.days)

    def random(self, *names: str) -> Random:
        """Return a random generator that depends only on the seed and the names."""
        return Random("/".join((str(self.seed), *names)))  # noqa: S311 - made-up data


def plan(now: datetime, *, appliances: int = 8, days: int = 730, seed: int = 2) -> Plan:
    """Return a fleet of any size whose history ends with the last collection before `now`.

    `now` is in UTC. The first appliances are those with a story, the same in every plan.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight + COLLECTED_AT
    if until > now:
        until -= timedelta(days=1)
    empty = Plan((), until, days, seed)
    return replace(empty, appliances=tuple(islice(_fleet(empty), appliances)))


# Targets of several protocols, each with its own speed.
_BERLIN = Target("sftp://backup.ber.example.com/srv/vcenter", "vcbackup", 60 * MEGABYTE)
_LONDON = Target("nfs://nas.lon.example.com/exports/vcenter", "vcbackup", 45 * MEGABYTE)
_LONDON_OLD = Target("scp://nas.lon.example.com:22/exports/legacy", "root", 18 * MEGABYTE)
_SINGAPORE = Target("smb://files.sin.example.com/backup", "EXAMPLE\\vcbackup", 9 * MEGABYTE)
# A bad month: first the target's disk is full, then the target is unreachable.
_BAD_MONTH = Span(0.68, 0.725)


_STORIES = (
    # Somebody has left a snapshot behind, some days ago.
    Appliance(
        "vc01.ber.example.com",
        _BERLIN,
        22 * 60 + 15,
        9 * GIGABYTE,
        0.35,
        ((0.0, V802), (0.3, V803), (0.62, V900), (0.85, V902)),
        snapshot=Span(0.994, 1.01),
    ),
    Appliance(
        "vc01.lon.example.com",
        _LONDON,
        23 * 60,
        6 * GIGABYTE,
        0.5,
        ((0.0, V802), (0.42, V803)),
        trouble=_BAD_MONTH,
    ),
    # The upgrade makes its backups slow.
    Appliance(
        "vc02.ber.example.com",
        _BERLIN,
        2 * 60 + 10,
        14 * GIGABYTE,
        0.2,
        ((0.0, V801), (0.55, V803)),
        slowed=Span(0.55, 1.01),
    ),
    # It stops reporting, and nobody notices.
    Appliance(
        "vc02.sin.example.com",
        _SINGAPORE,
        17 * 60 + 45,
        3 * GIGABYTE,
        0.25,
        ((0.0, V802),),
        life=Span(0.0, 0.83),
    ),
    Appliance(
        "vc03.ber.example.com",
        _BERLIN,
        60,
        4 * GIGABYTE,
        0.9,
        ((0.0, V900), (0.85, V902)),
        life=Span(0.52, 1.01),
    ),
    Appliance(
        "vc02.lon.example.com",
        _LONDON,
        30,
        5 * GIGABYTE,
        0.15,
        ((0.0, V70), (0.35, V803)),
        trouble=_BAD_MONTH,
        legacy_api=True,
    ),
    Appliance(
        "vc01.sin.example.com",
        _SINGAPORE,
        105,
        16 * GIGABYTE,
        0.3,
        ((0.0, V802), (0.5, V803), (0.9, V902)),
        queued=True,
    ),
    Appliance(
        "vc-legacy.lon.example.com",
        _LONDON_OLD,
        10,
        2 * GIGABYTE,
        0.02,
        ((0.0, V67),),
        trouble=_BAD_MONTH,
        legacy_api=True,
    ),
)


def _fleet(empty: Plan) -> Iterator[Appliance]:
    """Yield appliances without end: those with a story, then random ones."""
    yield from _STORIES
    for number in count(len(_STORIES) + 1):
        yield _another(f"vc{number:04}.example.com", empty)


def _another(name: str, empty: Plan) -> Appliance:
    """Return a random appliance; it depends on the seed and its name alone."""
    chance = empty.random(name)
    later = chance.uniform(0.2, 0.8)
    return Appliance(
        name,
        chance.choice((_BERLIN, _LONDON, _SINGAPORE)),
        chance.randrange(24 * 60),
        int(chance.lognormvariate(1.5, 0.7) * GIGABYTE),
        chance.uniform(0.0, 0.6),
        ((0.0, chance.choice((V70, V801, V802))), (later, chance.choice((V803, V900, V902)))),
    )
