"""How thoroughly laws are tested: CI draws more examples, and tries more cases, than `make test` does."""

from __future__ import annotations

import os
import random
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

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


# Folders of tests of what is made of an archive's rows. What the databases do differently is tested elsewhere.
_ON_ONE_DATABASE = {
    "cli", "collect", "dashboard", "export", "ingest", "laws", "mail", "maintenance", "monitoring", "notify",
    "reports", "serve",
}  # fmt: skip
_DATABASES = ("sqlite", "postgresql")


def is_of_another_day(item: pytest.Item) -> bool:
    """Return whether a test of one of those folders leaves out its database today; in CI none does.

    It runs on the other one today, and on this one on another day. Tests of a module that share a filled archive
    run on the same one.
    """
    callspec: Any = getattr(item, "callspec", None)
    folders = item.nodeid.partition("::")[0].split("/")
    if THOROUGH or callspec is None or _ON_ONE_DATABASE.isdisjoint(folders):
        return False
    database: str | None = callspec.params.get("shared_engine")
    case = str(folders)
    if database is None:
        database = callspec.params.get("engine")
        others = sorted(each for each in callspec.indices.items() if each[0] != "engine")
        case = f"{folders} {getattr(item, 'originalname', '')} {others}"
    if database not in _DATABASES:
        return False
    days = date.today().toordinal()  # noqa: DTZ011 - as above
    return _DATABASES[(crc32(case.encode()) + days) % 2] != database
