"""Answers that tools have changed: unwrapped, wrapped, with other names or more members."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archive import json_numbers
from archive.ingest import formats
from archive.ingest.raw_document import KnownDocument, fingerprint
from tests.support.readers import keys, read, read_known
from tests.support.samples import job, stream

FIRST, SECOND = "20260722-021500-24322831", "20260723-021500-24322831"
DETAILS = job()
ENTRIES = [{"key": FIRST, "value": DETAILS}, {"key": SECOND, "value": DETAILS}]
MAP = {FIRST: DETAILS, SECOND: DETAILS}
SINGLE = ENTRIES[0]

ONE: dict[str, Any] = {
    "entry": SINGLE,
    "value first": dict(reversed(SINGLE.items())),
    "below value": {"value": SINGLE},
    "below value, with a count": {"Count": 1, "value": SINGLE},
    "in a list": [SINGLE],
    "other case": {"Key": FIRST, "Value": DETAILS},
    "upper case, reversed": {"VALUE": DETAILS, "KEY": FIRST},
    "with a name": {"Name": FIRST, "Key": FIRST, "Value": DETAILS},
    "id and value": [{"id": FIRST, "value": DETAILS}],
    "id inside": [DETAILS | {"id": FIRST}],
    "id inside, alone": {"id": FIRST} | DETAILS,
    "job_id inside": [DETAILS | {"job_id": FIRST}],
    "JobId inside, below value": {"value": [DETAILS | {"JobId": FIRST}]},
    "key inside, alone below value": {"value": DETAILS | {"key": FIRST}},
}
TWO: dict[str, Any] = {
    "count first": {"Count": 2, "value": ENTRIES},
    "count last": {"value": ENTRIES, "Count": 2},
    "more members": {"a": [1], "b": {"c": {}}, "value": ENTRIES, "next": None},
    "Value": {"Count": 2, "Value": ENTRIES},
    "map below value": {"value": MAP},
    "map below value, with a count": {"Count": 2, "value": MAP},
    "map below value, then more": {"Value": MAP, "next": {"page": 2}},
    "a list of other case": [{"Key": entry["key"], "Value": DETAILS} for entry in ENTRIES],
    "a broken entry first": [5, *ENTRIES],
    "another member first": {"Count": 2, **MAP},
}
BROKEN = ("a broken entry first", "another member first")


@pytest.mark.parametrize("answer", ONE.values(), ids=ONE)
@pytest.mark.parametrize("indent", [None, 1])
def test_one_job_is_read(answer: Any, indent: int | None) -> None:
    """A single job is read however a tool has written it, and its details are those it has."""
    (document,) = read(json.dumps(answer, indent=indent).encode())
    assert (document.key, document.problem) == (FIRST, None)
    assert json_numbers.loads(document.details) == DETAILS
    (again,) = formats.read_again(document.raw)
    assert (again.key, json_numbers.loads(again.details)) == (FIRST, DETAILS)


@pytest.mark.parametrize("answer", ONE.values(), ids=ONE)
@pytest.mark.parametrize("name", ["answers.jsonl", "answers.txt"])
def test_one_job_a_line_is_read(answer: Any, name: str) -> None:
    """The same job on each line of an input is read, whatever the name of the file."""
    assert keys(read(stream(answer, answer), name)) == [FIRST, FIRST]


@pytest.mark.parametrize("shape", TWO)
@pytest.mark.parametrize("indent", [None, 1])
def test_two_jobs_are_read(shape: str, indent: int | None) -> None:
    """Members in any order, and more members beside `value`, do not hide the jobs."""
    found = read(json.dumps(TWO[shape], indent=indent).encode())
    good = [document for document in found if document.key in MAP]
    assert keys(good) == [FIRST, SECOND]
    assert [json_numbers.loads(document.details) for document in good] == [DETAILS, DETAILS]
    assert len(found) == len(good) + (shape in BROKEN)


@pytest.mark.parametrize("shape", [shape for shape in TWO if shape not in BROKEN])
def test_known_jobs_in_changed_answers_are_skipped(shape: str) -> None:
    """Known documents are recognised in every shape."""
    data = json.dumps(TWO[shape]).encode()
    marks = [fingerprint(document.raw) for document in read(data)]
    assert read_known(data, marks) == [KnownDocument(mark) for mark in marks]


def test_a_broken_first_entry_is_kept() -> None:
    """What precedes the first job keeps its bytes and its place."""
    broken, first, second = read(json.dumps([{"no": "job"}, *ENTRIES]).encode())
    assert (broken.raw, broken.position) == (b'{"no": "job"}', "document 1")
    assert broken.problem == "not an entry with a job key and job details"
    assert (first.position, second.position) == ("document 2", "document 3")


@pytest.mark.parametrize(
    "entry",
    [
        f'{{"key":"{FIRST}","value":{{"status":"FAILED"}},"value":{{"status":"RUNNING"}}}}',
        f'{{"value":{{"status":"FAILED"}},"key":"{FIRST}","value":{{"status":"RUNNING"}}}}',
        f'{{"Key":"{FIRST}","Value":{{"status":"FAILED"}},"Value":{{"status":"RUNNING"}}}}',
        f'{{"appliance":"vc01","job":"{FIRST}","info":{{"a":1}},"info":{{"status":"RUNNING"}}}}',
    ],
)
def test_an_entry_with_details_twice_is_kept(entry: str) -> None:
    """Which of the two is meant cannot be known, so the entry goes to quarantine with both."""
    for data in (f"[{entry}]", entry):
        (document,) = read(data.encode())
        assert document.problem is not None
        assert document.problem.endswith("occurs more than once")
        assert document.raw.decode() == entry


def test_members_repeated_in_details_are_kept() -> None:
    """A member repeated among the details is still repeated when the key is taken out."""
    text = json.dumps(DETAILS)[:-1] + f',"user":"a","user":"b","id":"{FIRST}"}}'
    (document,) = read(text.encode())
    assert document.key == FIRST
    assert document.details.replace(" ", "").endswith(',"user":"a","user":"b"}')


@pytest.mark.parametrize("other", ["f1a2", "20260723", 5, None])
def test_an_id_that_is_no_job_key_is_a_field(other: Any) -> None:
    """Details whose `id` is no job key stay without a key."""
    (document,) = read(json.dumps({SECOND: DETAILS | {"id": other}}).encode())
    assert json_numbers.loads(document.details) == DETAILS | {"id": other}
