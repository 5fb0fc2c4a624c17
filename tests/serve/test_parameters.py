from __future__ import annotations

from typing import Any

import pytest

from archive.cli.serve import parameters
from archive.errors import UsageError
from archive.reports import REPORTS
from archive.reports.core import scope
from archive.serve.parameters import read


def test_parameters_are_the_options_of_the_command() -> None:
    """Every option that a report supports is a parameter, with its help."""
    known = {one.name: one for one in parameters()}
    assert set(known) == set().union(*(scope.options(one) for one in REPORTS.values()))
    assert known["period"].choices == ("day", "week", "month", "quarter", "year")
    assert known["type"].argument == "job_type"
    assert known["appliance"].repeatable
    assert (known["top"].type, known["top"].least) == (int, 1)
    assert known["compare"].type is bool
    assert known["rpo"].help.startswith("RPO: the maximum age")


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ([], {}),
        ([("appliance", "a"), ("appliance", "b")], {"appliance": ["a", "b"]}),
        ([("top", "5"), ("type", "MANUAL")], {"top": 5, "job_type": ["MANUAL"]}),
        ([("compare", "")], {"compare": True}),
        ([("compare", "False")], {"compare": False}),
        ([("by", "day")], {"by": "day"}),
    ],
)
def test_values(query: list[tuple[str, str]], values: dict[str, Any]) -> None:
    assert read(parameters(), query) == values


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ([("perod", "day")], 'unknown parameter "perod" (did you mean "period"?)'),
        ([("period", "dy")], 'invalid period "dy": write one of day, week'),
        ([("period", "day")] * 2, "parameter period is given 2 times; give it once"),
        ([("compare", "perhaps")], 'invalid compare "perhaps": write true or false'),
        ([("top", "0")], 'invalid top "0": write a whole number from 1 on'),
        ([("top", "-1")], 'invalid top "-1"'),
        ([("top", "9" * 30)], 'invalid top "999'),
        ([("top", "\N{ARABIC-INDIC DIGIT FIVE}")], 'invalid top "'),
    ],
)
def test_invalid_values_are_usage_errors(query: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(UsageError) as error:
        read(parameters(), query)
    assert str(error.value).startswith(said)
