"""Findings: violations of the published rules, recorded with the job, never fatal.

The rules are those of the vSphere SDK's validator (a union discriminated by `status`), and simple
arithmetic on durations (seconds), sizes (bytes) and instants.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps

if TYPE_CHECKING:
    from archive.document.schema import Info

# Fields of `Details.Info` whose presence depends on the status.
CASE_FIELDS = ("duration", "size", "progress", "start_time", "end_time", "error")
# What a job has from its start on.
_RAN = frozenset({"duration", "size", "progress", "start_time"})
# By status: fields that must be present, and fields that must be absent. Other statuses: all absent.
UNION: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "SUCCEEDED": (_RAN | {"end_time"}, frozenset({"error"})),
    "FAILED": (_RAN | {"end_time"}, frozenset()),
    "RUNNING": (_RAN, frozenset({"end_time", "error"})),
    "BLOCKED": (frozenset({"start_time"}), frozenset(CASE_FIELDS) - {"start_time"}),
    "PENDING": (frozenset(), frozenset(CASE_FIELDS)),
}
# What a status that is in no documentation should have: none of the fields that depend on it.
_UNKNOWN_STATUS = (frozenset[str](), frozenset(CASE_FIELDS))
# Fields that the API documentation has as always present, though old builds omit some.
REQUIRED = (
    "location",
    "location_user",
    "type",
    "description",
    "service",
    "operation",
    "cancelable",
)
# `duration` is in whole seconds, and vCenter truncates: one second is not a mismatch.
DURATION_TOLERANCE_SECONDS = 1
_required, _of_case = attrgetter(*REQUIRED), attrgetter(*CASE_FIELDS)


class Finding(NamedTuple):
    """One violation: a stable code, the field, and a description.

    `field` is the name in the API, dotted for nested ones; `code` is one of `missing_field`,
    `unexpected_field`, `negative_duration`, `negative_size`, `end_before_start`,
    `duration_mismatch`, and of the repair `unknown_field`, `bad_value`, `repeated_member`.
    """

    code: str
    field: str
    detail: str


def examine(info: Info) -> list[Finding]:
    """Return the findings of a job's document, in the order of the rules.

    They follow from the canonical document alone, so equal digests have equal findings.
    """
    found = [
        Finding("missing_field", field, f"the schema requires {field}")
        for field, value in zip(REQUIRED, _required(info), strict=True)
        if value is None
    ]
    must, must_not = UNION.get(info.status, _UNKNOWN_STATUS)
    for field, value in zip(CASE_FIELDS, _of_case(info), strict=True):
        if value is None:
            if field in must:
                found.append(
                    Finding("missing_field", field, f"a {info.status} job must have {field}")
                )
        elif field in must_not:
            found.append(
                Finding("unexpected_field", field, f"a {info.status} job must not have {field}")
            )
    found += _arithmetic(info)
    return found


def _arithmetic(info: Info) -> list[Finding]:
    """Return the findings on figures and instants; none where a value is absent."""
    found = []
    if info.duration is not None and info.duration < 0:
        found.append(Finding("negative_duration", "duration", f"duration is {info.duration}"))
    if info.size is not None and info.size < 0:
        found.append(Finding("negative_size", "size", f"size is {info.size}"))
    if info.start_time is None or info.end_time is None:
        return found
    start, end = timestamps.to_datetime(info.start_time), timestamps.to_datetime(info.end_time)
    # Truncated, as vCenter does.
    elapsed = int((end - start).total_seconds())
    if end < start:
        found.append(
            Finding("end_before_start", "end_time", f"{info.end_time} is before {info.start_time}")
        )
    elif info.duration is not None and abs(info.duration - elapsed) > DURATION_TOLERANCE_SECONDS:
        found.append(
            Finding(
                "duration_mismatch",
                "duration",
                f"duration is {info.duration} s, but end minus start is {elapsed} s",
            )
        )
    return found
