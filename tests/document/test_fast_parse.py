from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import timestamps
from archive.document import canonical, fast_parse, precedence, schema
from archive.document.flatten import normalise
from archive.statuses import FINISHED
from tests.support.samples import SAMPLES, job
from tests.support.strategies import TEXT, documents, messages
from tests.vcenter_server.shapes import to_rest

if TYPE_CHECKING:
    from collections.abc import Mapping


def the_long_way(raw: Any) -> fast_parse.Read | None:
    """Return the result of the full parser; None unless the document has the common form."""
    document = canonical.read(raw)
    info = document.info
    if document.findings or document.irregular or info.status not in FINISHED:
        return None
    assert info.end_time
    assert info.progress
    end = timestamps.fixed_form(info.end_time)
    rank = precedence.rank(
        info.status, info.progress.completed, info.duration, end, document.digest
    )
    return info.status, rank, document.digest, normalise(info)


def finished() -> st.SearchStrategy[dict[str, Any]]:
    """Documents without findings, but with any texts and messages."""
    return st.builds(
        job,
        st.sampled_from(["SUCCEEDED", "FAILED"]),
        messages=st.lists(messages(2), max_size=3),
        location=TEXT,
        user=TEXT,
        build=st.fixed_dictionaries({"version_name": TEXT, "version": TEXT, "build_number": TEXT}),
    )


@given(documents() | finished())
def test_both_parsers_agree(raw: dict[str, Any]) -> None:
    """The fast parser gives the digest, the rank and the rows of the full parser."""
    read = fast_parse.read_info(raw)
    if read is not None:
        assert read == the_long_way(raw)
    line = json.dumps({"appliance": "a", "job": "k", "info": raw}).encode()
    read_line = fast_parse.read_line(line)
    assert (read_line and read_line[3]) == read


@given(documents() | finished())
def test_rest_documents_agree_or_use_the_full_parser(raw: dict[str, Any]) -> None:
    """Lists of entries are left to the full parser, unless they are empty."""
    read = fast_parse.read_info(to_rest(raw))
    assert read in (None, fast_parse.read_info(raw))


def test_common_form_is_parsed_fast() -> None:
    """Finished jobs as appliances usually send them use the fast parser."""
    results = {key: fast_parse.read_info(info) for key, info in SAMPLES.items()}
    assert sum(read is not None for read in results.values()) >= len(SAMPLES) // 3
    read = fast_parse.read_info(job())
    assert read is not None
    assert read == the_long_way(job())


def test_nested_params_are_parsed() -> None:
    """Nested params become rows below their parent, in the order of their names at each depth."""
    inner = {"z": {"i": 1, "precision": 2}, "a": {"dt": "2026-03-01T02:15:30.000Z"}}
    params = {"y": {"l": {"id": "n", "params": inner}}, "b": {"l": {"id": "m"}}, "c": {"s": "x"}}
    text = {"id": "m", "default_message": "m", "args": [], "params": params}
    raw = job(messages=[text])
    read = fast_parse.read_info(raw)
    assert read is not None
    assert read == the_long_way(raw)
    assert [row[:3] for row in read[3][4][2][1][5]] == [
        (0, None, "b"), (1, None, "c"), (2, None, "y"), (3, 2, "a"), (4, 2, "z")
    ]  # fmt: skip


def test_cached_texts_are_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated texts share one object while they recur, and are not kept forever."""
    first, again = fast_parse.read_info(job()), fast_parse.read_info(job())
    assert first is not None
    assert again is not None
    assert first[3][4][0][1][1] is again[3][4][0][1][1]
    monkeypatch.setattr(fast_parse, "_REMEMBERED", 0)
    later = fast_parse.read_info(job())
    assert later == again
    assert later is not None
    assert later[3][4][0][1][1] is not again[3][4][0][1][1]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "RUNNING"},
        {"error": {}},
        {"new": 1},
        {"size": -1},
        {"size": 1.0},
        {"size": True},
        {"duration": 10**6},
        {"user": "\0"},
        {"user": None},
        {"end_time": "2026-03-01T02:00:00.000Z"},
        {"end_time": "2026-03-01T02:16:00Z"},
        {"start_time": "2026-02-30T02:15:00.000Z"},
        {"start_time": "2026-03-01T24:15:00.000Z"},
        {"start_time": "2026-03-01T02:15:00.000+00:00"},
        {"start_time": "٢٠٢٦-03-01T02:15:00.000Z"},
        {"messages": [{"id": "m", "default_message": "m"}]},
        {
            "messages": [
                {"id": "m", "default_message": "m", "args": [], "params": {"d": {"d": 0.1}}}
            ]
        },
        {
            "messages": [
                {
                    "id": "m",
                    "default_message": "m",
                    "args": [],
                    "params": {"d": {"dt": "2026-02-30T02:15:00.000Z"}},
                }
            ]
        },
    ],
)
def test_other_forms_use_the_full_parser(fields: dict[str, Any]) -> None:
    """The fast parser rejects anything but the common form."""
    raw = job() | fields
    assert fast_parse.read_info(raw) is None
    line = {"appliance": "a", "job": "k", "info": raw}
    assert fast_parse.read_line(json.dumps(line).encode()) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"job": ""},
        {"job": "k" * 256},
        {"job": "a\0"},
        {"new": 1},
        {"seen": {"first": "2026-03-02T00:00:00.000Z", "last": "2026-03-01T00:00:00.000Z", "status": {}}},
        {"seen": {"first": "2026-02-30T00:00:00.000Z", "last": "2026-03-01T00:00:00.000Z", "status": {}}},
    ],
)  # fmt: skip
def test_unusual_line_uses_the_full_parser(fields: dict[str, Any]) -> None:
    """The fast parser rejects a line that breaks a rule of exports."""
    line = {"appliance": "a", "job": "k", "info": job()}
    assert fast_parse.read_line(json.dumps(line).encode()) is not None
    assert fast_parse.read_line(json.dumps(line | fields).encode()) is None
    for broken in (b"", b"{", b"[]", json.dumps(line).encode() + b"x", b"\xff"):
        assert fast_parse.read_line(broken) is None


def test_observation_times_are_parsed() -> None:
    """The times of an exported job are parsed; instants get their fixed width."""
    first, last = "2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"
    seen = {"first": first, "last": last, "status": {"SUCCEEDED": last}}
    line = {"appliance": "a", "job": "k", "info": job(), "seen": seen}
    read = fast_parse.read_line(json.dumps(line).encode())
    assert read is not None
    assert read[:3] == (
        "a",
        "k",
        (
            "2026-03-01T00:00:00.000000Z",
            "2026-03-02T00:00:00.000000Z",
            {"SUCCEEDED": "2026-03-02T00:00:00.000000Z"},
        ),
    )


@pytest.mark.parametrize(
    ("common", "whole"),
    [
        (fast_parse._Info, schema.Info),
        (fast_parse._Message, schema.Message),
        (fast_parse._Param, schema.Param),
        (fast_parse._Nested, schema.Nested),
        (fast_parse._Build, schema.Build),
        (fast_parse._Progress, schema.Progress),
        (fast_parse._Target, schema.DynamicID),
        (fast_parse._Failure, schema.Failure),
        (fast_parse._Seen, schema.Seen),
        (fast_parse._Line, schema.ExportedJob),
    ],
)
def test_fields_match_the_published_schema(common: Any, whole: Any) -> None:
    """The common form has only fields of the published schema, in the same order."""
    fields: Mapping[str, Any] = whole.model_fields
    names = [field.alias or name for name, field in fields.items()]
    found = list(get_type_hints(common))
    assert found == [name for name in sorted(names) if name in found]
    required = {name for name, field in fields.items() if field.is_required()}
    assert required <= common.__required_keys__
