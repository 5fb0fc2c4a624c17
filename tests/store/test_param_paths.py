"""Paths of params: made by imports, checked by `archive db verify` and repaired by `archive db rebuild`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given

from archive import db
from archive.db import tables
from archive.document import canonical
from archive.document.params import LONGEST_PATH, param_path, param_rows
from archive.maintenance import verify
from archive.maintenance.verify_sample import Sample
from archive.reports import sql_files
from archive.store import param_paths
from tests.support import strategies
from tests.support.archives import import_documents, rows
from tests.support.command import archive, at
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

KEY = "20260301-021500-1"
LONG = "n" * 400
# A key of sql/message_params.sql, in a period that has the job.
PERIOD = {"today": "2026-03-01"}


def within(**params: Any) -> dict[str, Any]:
    """Return a param with a nested message that has params."""
    return {"l": {"id": "nested", "params": params}}


DEEP = {
    "a": {"s": "beside"},
    "a.b": within(c=within(**{"d.e": {"s": "inmost"}, "f": {"i": 1}}), g={"d": 0.5}),
    "b": within(**{"b.c": {"s": "dots"}}),
}
PATHS = ["a", "a.b", "a.b.c", "a.b.c.d.e", "a.b.c.f", "a.b.g", "b", "b.b.c"]


def said(params: dict[str, Any]) -> dict[str, Any]:
    return job(messages=[{"id": "m", "default_message": "m", "args": [], "params": params}])


def nested(names: list[str]) -> dict[str, Any]:
    """Return params each of which contains the next."""
    params: dict[str, Any] = {}
    for name in reversed(names):
        params = {name: within(**params)}
    return params


def walked(params: dict[str, Any], *above: str) -> Iterator[str]:
    """Yield the paths of a document's params, in order and uncut."""
    for name, param in params.items():
        yield ".".join((*above, name))
        yield from walked((param.get("l") or {}).get("params") or {}, *above, name)


def cut(path: str) -> str:
    return path if len(path) <= 1000 else f"…{path[-1000:]}"


def stored(engine: Engine) -> list[str]:
    param = tables.message_param
    query = sa.select(param.c.path).order_by(*param.primary_key)
    return [path for (path,) in rows(engine, query)]


def set_path(engine: Engine, path: str, value: str) -> None:
    param = tables.message_param
    with db.writing(engine) as connection:
        connection.execute(sa.update(param).where(param.c.path == path).values(path=value))


def test_paths_join_the_names(engine: Engine) -> None:
    """At any depth, also of names that have dots themselves."""
    import_documents(engine, {KEY: said(DEEP)})
    assert stored(engine) == PATHS == [*walked(DEEP)]
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize(
    "names",
    [
        ["a\0b", "c\0"],
        ["\0" * 600, "\0" * 600],
        ["\ud800" * 600, "x\udfff" * 300],
        ["\U0001f600" * 600] * 2,
        ["\\" * 700, "\\u0000" * 200],
        ["e\u0301" * 600, "b"],
        ["", ""],
        ["." * 1001],
    ],
)
def test_paths_of_odd_names_are_right(engine: Engine, names: list[str]) -> None:
    """Databases count the characters of a path that is cut as Python does."""
    import_documents(engine, {KEY: said(nested(names))})
    assert len(stored(engine)) == len(names)
    assert list(verify.verify(engine)) == []


def test_query_shows_all_levels(engine: Engine) -> None:
    """In the order of the document, and as many as are wanted."""
    import_documents(engine, {KEY: said(DEEP)})
    with db.reading(engine) as connection:
        query = sql_files.find("message_params", engine.dialect.name)
        found = {
            name: [row[4:8] for row in sql_files.run(connection, query, PERIOD | values).rows]
            for name, values in {
                "all": {},
                "below": {"path": "A.B.C.%"},
                "first": {"params": "3"},
            }.items()
        }
    assert [row[0] for row in found["all"]] == PATHS
    assert found["below"] == [("a.b.c.d.e", "inmost", None, None), ("a.b.c.f", None, 1, None)]
    assert found["first"] == found["all"][:3]


@given(strategies.params(3))
def test_paths_follow_from_any_document(params: dict[str, Any]) -> None:
    """They are those that a walk through the document gives."""
    info = canonical.read(said(params)).info
    (message,) = json.loads(info.to_json())["messages"]
    found = [row.path for row in param_rows(info.messages[0].params or {})]
    assert found == [cut(path) for path in walked(message["params"])]


def test_long_paths_are_cut(engine: Engine) -> None:
    """To their last characters, and alike by imports and by the verification."""
    names = [LONG, LONG, "m" * (LONGEST_PATH - 802), "x", "ä" * 1500, "…"]
    import_documents(engine, {KEY: said(nested(names))})
    found = stored(engine)
    assert found == [cut(path) for path in walked(nested(names))]
    assert [len(path) for path in found] == [400, 801, 1000, 1001, 1001, 1001]
    assert list(verify.verify(engine)) == []


def test_deep_nesting_of_long_names_takes_little() -> None:
    """The paths of 200 levels with names of 1 MB have no more characters than any others."""
    path, total = None, 0
    for _ in range(200):
        path = param_path(path, "n" * 1_000_000)
        total += len(path)
    assert total <= 200 * (LONGEST_PATH + 1)


def test_secrets_in_names_are_in_no_path(engine: Engine) -> None:
    """Of a name with a password both show that it is hidden."""
    params = {"sftp://u:hunter2@nas": within(**{"sftp://u:hunter2@nas": {"i": 1}})}
    import_documents(engine, {KEY: said(params)})
    assert stored(engine) == ["sftp://u:***@nas", "sftp://u:***@nas.sftp://u:***@nas"]
    assert list(verify.verify(engine)) == []


def test_wrong_path_is_found_and_made_anew(engine: Engine) -> None:
    """The line names the column, and the command that it names repairs it, with the paths below."""
    import_documents(engine, {KEY: said(DEEP)})
    param = tables.message_param
    (key,) = rows(engine, sa.select(*param.primary_key).where(param.c.path == "a.b.g"))
    set_path(engine, "a.b.g", "a.b.h")
    assert list(verify.verify(engine)) == [
        "message_param (appliance_id {}, content_id {}, seq {}): wrong path: run"
        " `archive db rebuild`".format(*key)
    ]
    set_path(engine, "a.b", "A")
    set_path(engine, "a.b.c", "other")
    assert archive("db", "rebuild", at(engine)).err == (
        "Totals and judgement recalculated; 5 rows corrected.\n"
    )
    assert stored(engine) == PATHS
    assert list(verify.verify(engine)) == []


def test_sample_checks_paths_of_its_contents(engine: Engine) -> None:
    """Two samples that together are the whole find each wrong path once."""
    import_documents(engine, {f"job-{n}": said({"a": {"i": n}}) for n in range(4)})
    set_path(engine, "a", "b")
    with db.reading(engine) as connection:
        found = [
            param_paths.wrong(connection, *Sample(2, rest).of(tables.message_param))
            for rest in (0, 1)
        ]
    assert [len(each) for each in found] == [2, 2]
