from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.document import canonical
from tests.support.samples import job

if TYPE_CHECKING:
    from archive.document.findings import Finding

CASE = {
    "duration": 60,
    "size": 1024,
    "progress": job()["progress"],
    "start_time": "2026-03-01T02:15:00.000Z",
    "end_time": "2026-03-01T02:16:00.000Z",
    "error": {},
}
# The union as published: which fields each status must, may and must not have.
UNION = {
    "SUCCEEDED": ("MMMMM-", "error"),
    "FAILED": ("MMMMMo", ""),
    "RUNNING": ("MMMM--", "end_time error"),
    "BLOCKED": ("---M--", "duration size progress end_time error"),
    "PENDING": ("------", "duration size progress start_time end_time error"),
    "CANCELED": ("------", "duration size progress start_time end_time error"),
}


def found(info: dict[str, Any]) -> list[Finding]:
    document = canonical.read(info)
    assert not document.irregular
    return document.findings


def bare(status: str, **fields: Any) -> dict[str, Any]:
    """Return a document with only the given fields of those that depend on the status."""
    return {name: value for name, value in job(status).items() if name not in CASE} | fields


@pytest.mark.parametrize("status", UNION)
@pytest.mark.parametrize("field", CASE)
def test_each_field_obeys_its_status(status: str, field: str) -> None:
    """A required field of the union is a finding if missing, a forbidden one if present."""
    rule = UNION[status][0][list(CASE).index(field)]
    alone = [code for code, of, _ in found(bare(status, **{field: CASE[field]})) if of == field]
    without = [code for code, of, _ in found(bare(status)) if of == field]
    assert alone == (["unexpected_field"] if rule == "-" else [])
    assert without == (["missing_field"] if rule == "M" else [])


@pytest.mark.parametrize("status", UNION)
def test_status_with_its_fields_has_no_findings(status: str) -> None:
    """A document with all fields that its status may have, and no others, has no findings."""
    must_not = UNION[status][1].split()
    fields = {name: value for name, value in CASE.items() if name not in must_not}
    assert found(bare(status, **fields)) == []


def test_union_findings_name_their_rule() -> None:
    """A finding of the union has a stable code, the field, and a sentence with the status."""
    assert found(bare("RUNNING", start_time=CASE["start_time"], size=1, progress=CASE["progress"],
                      end_time=CASE["end_time"])) == [
        ("missing_field", "duration", "a RUNNING job must have duration"),
        ("unexpected_field", "end_time", "a RUNNING job must not have end_time"),
    ]  # fmt: skip
    assert found(bare("CANCELED", size=1)) == [
        ("unexpected_field", "size", "a CANCELED job must not have size")
    ]


@pytest.mark.parametrize(
    "field",
    ["location", "location_user", "type", "description", "service", "operation", "cancelable"],
)
def test_missing_required_fields_are_found(field: str) -> None:
    """Each field that the schema requires of every job is a finding if absent."""
    assert found({name: value for name, value in job().items() if name != field}) == [
        ("missing_field", field, f"the schema requires {field}")
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"end_time": "2026-03-01T02:14:59.999Z"},
            (
                "end_before_start",
                "end_time",
                "2026-03-01T02:14:59.999Z is before 2026-03-01T02:15:00.000Z",
            ),
        ),
        (
            {"duration": 62},
            (
                "duration_mismatch",
                "duration",
                "duration is 62 s, but end minus start is 60 s",
            ),
        ),
        (
            {"duration": 58},
            (
                "duration_mismatch",
                "duration",
                "duration is 58 s, but end minus start is 60 s",
            ),
        ),
        ({"size": -1}, ("negative_size", "size", "size is -1")),
        (
            {"duration": -1, "end_time": "2026-03-01T02:15:00.000Z"},
            ("negative_duration", "duration", "duration is -1"),
        ),
    ],
)
def test_arithmetic_is_checked(fields: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """Times in the wrong order, a wrong duration, and negative values are findings."""
    assert found(job(**fields)) == [expected]


@pytest.mark.parametrize("duration", [59, 60, 61])
def test_duration_may_be_a_second_off(duration: int) -> None:
    """A duration may differ by a second, since whole seconds are cut."""
    assert found(job(duration=duration)) == []


def test_extreme_values_are_compared() -> None:
    """The whole range of years and durations is compared without an error."""
    extremes = job(
        start_time="0001-01-01T00:00:00.000Z",
        end_time="9999-12-31T23:59:59.999Z",
        duration=2**63 - 1,
    )
    assert [code for code, *_ in found(extremes)] == ["duration_mismatch"]


def test_unknown_type_is_no_finding() -> None:
    """The schema lists types, but a type of a future version breaks no rule."""
    assert found(job(type="REMOTE_BACKUP")) == []
