"""How thoroughly laws are tested: CI draws more examples, and tries more cases, than `make test` does."""

from __future__ import annotations

import os
import random
from datetime import date
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_Case = TypeVar("_Case")

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "3"))
THOROUGH = EXAMPLES > 5


def some(cases: Iterable[_Case], number: int, in_ci: int | None = None) -> list[_Case]:
    """Return a number of cases, others each day; in CI all of them, or another number.

    It is for many cases of one law, of which each takes long, and each would show most faults.
    """
    every = list(cases)
    wanted = in_ci if THOROUGH else number
    if wanted is None or len(every) <= wanted:
        return every
    drawn = random.Random(str(date.today())).sample(range(len(every)), wanted)  # noqa: DTZ011, S311 - every worker draws the same
    return [every[place] for place in sorted(drawn)]
