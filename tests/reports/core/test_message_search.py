from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db
from archive.reports import Scope, jobs
from archive.reports.core import message_search
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.strategies import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine


def texts(document: dict[str, Any]) -> Iterator[str]:
    """Return all texts of the messages of a document, collected from the document itself."""
    error = document.get("error", {})
    messages = [*document["messages"], document["description"]]
    messages += error.get("value", error).get("messages", [])
    if "progress" in document:
        messages.append(document["progress"]["message"])
    for message in messages:
        yield from (message["id"], message["default_message"], *message["args"])
        yield message.get("localized", "")
        yield from of_params(message.get("params", {}))


def of_params(params: dict[str, Any]) -> Iterator[str]:
    for param in params.values():
        yield param.get("s", "")
        if "l" in param:
            yield param["l"]["id"]
            yield from of_params(param["l"].get("params", {}))


def small(text: str) -> str:
    """Return a text with ASCII capital letters in lower case, and no others."""
    return "".join(char.lower() if char.isascii() else char for char in text)


@given(st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_texts_are_found_anywhere_in_messages(engines: list[Engine], data: st.DataObject) -> None:
    """Every search strategy on either database finds the jobs with a text in their messages."""
    generated = data.draw(st.lists(documents(), min_size=1, max_size=3))
    documents_by_key = {str(place): document for place, document in enumerate(generated)}
    known = sorted({text for document in generated for text in texts(document) if text})
    whole = data.draw(st.sampled_from(known) | st.text(max_size=2) if known else st.text())
    start = data.draw(st.integers(0, len(whole)))
    part = whole[start : start + data.draw(st.integers(1, 5))].split("\0")[0]
    part = part.replace("\N{REPLACEMENT CHARACTER}", "") or "a"
    expected = {
        key
        for key, document in documents_by_key.items()
        if any(small(part) in small(text) for text in texts(document))
    }
    for engine in each(engines):
        import_documents(engine, documents_by_key)
        for newest in (1, 2, 1000):
            with pytest.MonkeyPatch.context() as patch, db.reading(engine) as connection:
                patch.setattr(message_search, "NEWEST", newest)
                for limit in (None, 1, 5):
                    found = list(jobs.run(connection, Scope(), jobs.JobFilter((), part, limit)))
                    assert len(found) == min(limit or len(expected), len(expected))
                    assert {row.key for row in found} <= expected


@pytest.mark.parametrize("part", ["%", "_", "\\", "/", "a%b", "a_b"])
def test_pattern_characters_match_themselves(engines: list[Engine], part: str) -> None:
    """Both databases treat wildcards in the search text as ordinary characters."""
    literal = {"id": "m", "default_message": "", "args": [f"x{part}y", "aXb"]}
    other = {"id": "m", "default_message": "", "args": ["aXb", "plain"]}
    for engine in each(engines):
        for appliance, message in {"vc01": literal, "vc02": other}.items():
            document = {"status": "PENDING", "messages": [message]}
            import_documents(engine, {"k": document}, appliance)
        for newest in (1, 1000):
            with pytest.MonkeyPatch.context() as patch, db.reading(engine) as connection:
                patch.setattr(message_search, "NEWEST", newest)
                found = jobs.run(connection, Scope(), jobs.JobFilter((), part))
                assert [row.appliance for row in found] == ["vc01"]
