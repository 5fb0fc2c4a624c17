from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.document import precedence
from archive.document.precedence import SeenInterval, State

STATUSES = ["PENDING", "BLOCKED", "RUNNING", "CANCELED", "SUCCEEDED", "FAILED"]
INSTANTS = [f"2026-07-24T0{hour}:00:00.000000Z" for hour in range(5)]
NUMBERS = st.none() | st.sampled_from([-(2**63), -1, 0, 50, 2**63 - 1])


@st.composite
def states(draw: st.DrawFn) -> State:
    """Observations as imports create them: the digest identifies the document."""
    status = draw(st.sampled_from(STATUSES))
    content = (draw(NUMBERS), draw(NUMBERS), draw(st.none() | st.sampled_from(INSTANTS)))
    variant = draw(st.binary(max_size=1))
    digest = repr((status, content, variant)).encode()
    times = sorted(draw(st.lists(st.sampled_from(INSTANTS), min_size=2, max_size=2)))
    seen = SeenInterval(times[0], times[1], {status: draw(st.sampled_from(times))})
    return State(precedence.rank(status, *content, digest), seen, digest)


@given(states(), states())
def test_merging_is_commutative(one: State, other: State) -> None:
    """The order of two observations does not matter."""
    assert one.merge(other) == other.merge(one)


@given(states(), states(), states())
def test_merging_is_associative(one: State, two: State, three: State) -> None:
    """The grouping of observations does not matter."""
    assert one.merge(two).merge(three) == one.merge(two.merge(three))


@given(states(), states())
def test_merging_is_idempotent(one: State, other: State) -> None:
    """A repeated observation changes nothing."""
    both = one.merge(other)
    assert both.merge(one) == both.merge(other) == both.merge(both) == both


@given(st.lists(states(), min_size=1, max_size=5))
def test_merged_interval_has_first_and_last_times(observations: list[State]) -> None:
    """It also keeps the first time of each status."""
    whole = observations[0]
    for state in observations[1:]:
        whole = whole.merge(state)
    assert whole.rank == max(state.rank for state in observations)
    assert whole.seen.first_seen == min(state.seen.first_seen for state in observations)
    assert whole.seen.last_seen == max(state.seen.last_seen for state in observations)
    pairs = [pair for state in observations for pair in state.seen.statuses.items()]
    assert whole.seen.statuses == {
        status: min(at for of, at in pairs if of == status) for status, _ in pairs
    }


LOW, HIGH = -(2**63), 2**63 - 1
ORDER = [
    ("PENDING", HIGH, HIGH, INSTANTS[4], b"z"),
    ("BLOCKED", None, None, None, b"a"),
    ("BLOCKED", HIGH, HIGH, INSTANTS[4], b"z"),
    ("RUNNING", None, None, None, b"a"),
    ("RUNNING", LOW, None, None, b"a"),
    ("RUNNING", 20, 9, None, b"a"),
    ("RUNNING", 60, None, None, b"a"),
    ("RUNNING", 60, LOW, None, b"a"),
    ("RUNNING", 60, 90, None, b"a"),
    ("RUNNING", 60, 90, INSTANTS[0], b"a"),
    ("RUNNING", 60, 90, INSTANTS[1], b"a"),
    ("RUNNING", 60, 90, INSTANTS[1], b"b"),
    ("CANCELED", None, None, None, b"a"),
    ("CANCELED", HIGH, HIGH, INSTANTS[4], b"z"),
    ("SUCCEEDED", None, None, None, b"a"),
    ("FAILED", 10, None, None, b"a"),
    ("SUCCEEDED", 100, 60, INSTANTS[1], b"a"),
]


@pytest.mark.parametrize(("less", "more"), list(itertools.pairwise(ORDER)))
def test_states_have_one_order(
    less: tuple[str, int | None, int | None, str | None, bytes],
    more: tuple[str, int | None, int | None, str | None, bytes],
) -> None:
    """Status comes first, with unknown ones before finished ones; then progress, time, end, digest."""
    assert precedence.rank(*less) < precedence.rank(*more)


@pytest.mark.parametrize("finished", ["SUCCEEDED", "FAILED"])
@pytest.mark.parametrize("status", ["PENDING", "BLOCKED", "RUNNING", "CANCELED"])
def test_finished_job_never_goes_back(finished: str, status: str) -> None:
    """A finished job stays finished, whatever is imported later."""
    done = State(
        precedence.rank(finished, None, None, None, b""),
        SeenInterval(INSTANTS[0], INSTANTS[0], {finished: INSTANTS[0]}),
        "done",
    )
    later = State(
        precedence.rank(status, 100, 100, INSTANTS[4], b"z"),
        SeenInterval(INSTANTS[4], INSTANTS[4], {status: INSTANTS[4]}),
        "later",
    )
    assert done.merge(later) == State(
        done.rank,
        SeenInterval(INSTANTS[0], INSTANTS[4], {finished: INSTANTS[0], status: INSTANTS[4]}),
        "done",
    )
