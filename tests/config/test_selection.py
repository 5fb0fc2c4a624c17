from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.config.selection import select
from archive.config.settings import Entry, Fleet, Secret
from archive.errors import UsageError


def appliance(name: str, *, enabled: bool = True, **tags: str) -> Entry:
    secret = Secret(value="x")
    return Entry(name=name, host="h", user="u", secret=secret, tags=tags, enabled=enabled)


FLEET = Fleet(
    path=Path("/f/archive.toml"),
    entries=(
        appliance("vc02.lon", site="London", owner="ops"),
        appliance("VC01.ber", site="Berlin", owner="ops"),
        appliance("old[1].ber", site="Berlin", enabled=False),
        appliance("vc03.par", site="Paris", owner="lab"),
    ),
)
ALL = ["vc02.lon", "VC01.ber", "old[1].ber", "vc03.par"]


def names(*patterns: str, tags: tuple[str, ...] = (), disabled: bool = False) -> list[str]:
    return [entry.name for entry in select(FLEET, patterns, tags, disabled=disabled)]


def test_no_pattern_selects_every_appliance() -> None:
    """All enabled appliances, in the order of the configuration."""
    assert names() == ["vc02.lon", "VC01.ber", "vc03.par"]
    assert names(disabled=True) == ALL
    assert select(Fleet(path=FLEET.path), []) == []


def test_names_and_globs() -> None:
    """Patterns add up, ignore case, and select each appliance once."""
    assert names("vc01.BER") == ["VC01.ber"]
    assert names("VC0*", "vc02.lon") == ["vc02.lon", "VC01.ber", "vc03.par"]
    assert names("vc0[13].*") == ["VC01.ber", "vc03.par"]
    assert names("vc03.par", "vc02.lon") == ["vc02.lon", "vc03.par"]


def test_globs_that_leave_appliances_out() -> None:
    """They apply to what the others select, or to all; one that matches nothing is an error."""
    assert names("!vc01.BER") == ["vc02.lon", "vc03.par"]
    assert names("vc0*", "!*.lon", "!*.par") == ["VC01.ber"]
    with pytest.raises(UsageError):
        names("!vc9*")


def test_disabled_appliances() -> None:
    """Only its exact name selects a disabled appliance, and brackets may be part of a name."""
    assert names("*.ber") == ["VC01.ber"]
    assert names("*.ber", disabled=True) == ["VC01.ber", "old[1].ber"]
    assert names("OLD[1].ber") == ["old[1].ber"]


def test_tags() -> None:
    """Values of one tag are alternatives; different tags must all match."""
    assert names(tags=("site=Berlin",)) == ["VC01.ber"]
    assert names(tags=("site=Berlin", "site=Paris")) == ["VC01.ber", "vc03.par"]
    assert names(tags=("owner=ops", "site=Berlin", "site=Paris")) == ["VC01.ber"]
    assert names("vc0*", tags=("owner=ops",)) == ["vc02.lon", "VC01.ber"]


@pytest.mark.parametrize(
    ("patterns", "tags", "said"),
    [
        (["vc2.lon"], [], 'no appliance matches "vc2.lon" (did you mean "vc02.lon"?)'),
        (["vc02.lon", "x"], [], 'no appliance matches "x" (known: VC01.ber, old[1].ber, vc02'),
        (
            ["old*"],
            [],
            '"old*" matches only disabled appliances; to select one, give its full name',
        ),
        ([], ["site"], 'invalid tag "site": write NAME=VALUE'),
        (
            [],
            ["site=Rome"],
            "no appliance has the tag site=Rome; its values are: Berlin, London, Paris",
        ),
        ([], ["size=1"], "no appliance has the tag size=1; no appliance has this tag"),
        (
            ["*.lon"],
            ["site=Berlin", "owner=ops"],
            "no enabled appliance matches *.lon and site=Berlin and owner=ops",
        ),
    ],
)
def test_pattern_without_a_match_is_an_error(
    patterns: list[str], tags: list[str], said: str
) -> None:
    """A pattern or a tag without a match is an error, not an empty selection."""
    with pytest.raises(UsageError) as error:
        select(FLEET, patterns, tags)
    assert str(error.value).startswith(said)


def test_empty_fleet() -> None:
    """The error names the configuration that has no appliances."""
    with pytest.raises(UsageError) as error:
        select(Fleet(path=FLEET.path), ["*"])
    assert str(error.value) == 'no appliance matches "*": /f/archive.toml has no appliances yet'


@given(st.lists(st.sampled_from(ALL), min_size=1))
def test_exact_names_select_themselves(chosen: list[str]) -> None:
    """Any names in any order select exactly these appliances, once each."""
    assert names(*chosen) == [name for name in ALL if name in chosen]
