"""The published shape of one job: `Details.Info` and what it is made of, strictly typed.

Field for field the schema of `appliance/recovery/backup/job/details` (vSphere Automation API 6.7 to
9.1), with one leniency: where a field may be absent is looser than published, so that what old
builds omit is still a regular document. Fields stand in alphabetical order, which makes the JSON
that pydantic writes canonical: keys sorted, nulls left out, instants in UTC.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from archive import timestamps

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Ours: a status is part of a key, which no database lets grow without bound.
STATUS_LENGTH = 255

Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
# Minus zero is zero by value.
Double = Annotated[float, Field(allow_inf_nan=False), AfterValidator(lambda double: double + 0.0)]
Timestamp = Annotated[str, AfterValidator(timestamps.canonical)]


def entries_to_map(value: object) -> object:
    """Return the map that a `/rest` list of `{"key", "value"}` entries means; else the value itself.

    Keys are sorted, as everywhere in a canonical document. A list with a key twice is no map.
    """
    if isinstance(value, list):
        try:
            entries = {entry["key"]: entry["value"] for entry in value if len(entry) == 2}
        except (KeyError, TypeError):
            return value
        if len(entries) != len(value) or not all(isinstance(key, str) for key in entries):
            return value
        value = entries
    if isinstance(value, dict) and len(value) > 1:
        return dict(sorted(value.items()))
    return value


class _Structure(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Param(_Structure):
    """A `LocalizationParam`: by its documentation one value is set, but no validator says so."""

    d: Double | None = None
    dt: Timestamp | None = None
    format: str | None = None
    i: Int64 | None = None
    nested: Nested | None = Field(default=None, alias="l")
    precision: Int64 | None = None
    s: str | None = None


Params = Annotated[dict[str, Param], BeforeValidator(entries_to_map)]


class Nested(_Structure):
    """A `NestedLocalizableMessage`: an id and params, with no text of its own."""

    id: str
    params: Params | None = None


class Message(_Structure):
    """A `LocalizableMessage`. `default_message` is English with the arguments already in it."""

    args: list[str]
    default_message: str
    id: str
    localized: str | None = None
    params: Params | None = None


class Build(_Structure):
    """The appliance's build when the job ran; absent before 6.7.2."""

    build_number: str
    version: str
    version_name: str


class Progress(_Structure):
    """How far the job is; `completed` may exceed `total`."""

    completed: Int64
    message: Message
    total: Int64


class DynamicID(_Structure):
    """A resource's type and id."""

    id: str
    type: str


def free_json(value: object) -> object:
    """Return any JSON value with its keys sorted; ValueError for numbers that no double holds."""
    if isinstance(value, dict):
        return {key: free_json(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [free_json(item) for item in value]
    if isinstance(value, Decimal):
        raise ValueError(f"{value} is not a double")  # noqa: TRY004 - pydantic collects ValueError
    return value + 0.0 if isinstance(value, float) else value


class Failure(_Structure):
    """The `error` of a job, in any of its forms: `{}`, plain, or wrapped as `{type, value}`."""

    challenge: str | None = None
    data: Annotated[Any, AfterValidator(free_json)] = None
    error_type: str | None = None
    messages: list[Message] | None = None
    type: str | None = None
    value: Failure | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Failure:
        if self.type is None and self.value is None:
            return self
        plain = (self.challenge, self.data, self.error_type, self.messages)
        inner = self.value
        if plain != (None,) * 4 or (inner and (inner.type is not None or inner.value is not None)):
            raise ValueError("an error is either plain or wrapped")
        return self


class Info(_Structure):
    """One job. `duration` is in seconds, `size` in bytes."""

    build: Build | None = None
    cancelable: bool | None = None
    description: Message | None = None
    duration: Int64 | None = None
    end_time: Timestamp | None = None
    error: Failure | None = None
    fast_backup: bool | None = None
    location: str | None = None
    location_user: str | None = None
    messages: list[Message]
    operation: str | None = None
    parent: str | None = None
    progress: Progress | None = None
    service: str | None = None
    size: Int64 | None = None
    start_time: Timestamp | None = None
    status: Annotated[str, Field(max_length=STATUS_LENGTH)]
    target: DynamicID | None = None
    type: str | None = None
    user: str | None = None


class Seen(_Structure):
    """When an exported job was seen: first, last, and first in each status."""

    first: Timestamp
    last: Timestamp
    status: dict[Annotated[str, Field(max_length=STATUS_LENGTH, pattern=r"^[^\x00]*$")], Timestamp]

    @model_validator(mode="after")
    def _in_order(self) -> Seen:
        first, last, *others = map(
            timestamps.fixed_form, (self.first, self.last, *self.status.values())
        )
        if not all(first <= instant <= last for instant in (last, *others)):
            raise ValueError("every status must be seen between first and last")
        return self


class ExportedJob(_Structure):
    """One line of an export; `info` is a job's details as they stand in an answer."""

    appliance: str
    info: Any
    job: str
    seen: Seen | None = None


class Refusal(NamedTuple):
    """One place of a value that the schema refuses; `kind` is pydantic's name for the reason."""

    path: tuple[str | int, ...]
    kind: str
    message: str


class ShapeError(ValueError):
    """A value is not of the schema's shape; `refusals` name the places."""

    def __init__(self, error: ValidationError) -> None:
        self.refusals = [
            Refusal(details["loc"], details["type"], details["msg"])
            for details in error.errors(include_url=False)
        ]
        first = self.refusals[0]
        super().__init__(f"{'.'.join(map(str, first.path))}: {first.message}")


def parse_info(raw: Any) -> Info:
    """Return one job's details, strictly. Raises ShapeError."""
    try:
        return Info.model_validate(raw)
    except ValidationError as error:
        raise ShapeError(error) from None


def parse_exported_job(raw: Any) -> ExportedJob:
    """Return one line of an export; its `info` is not looked at yet. Raises ShapeError."""
    try:
        return ExportedJob.model_validate(raw)
    except ValidationError as error:
        raise ShapeError(error) from None


def to_json(info: Info) -> str:
    """Return the canonical JSON of a job: sorted keys, no white space, nulls left out.

    Raises ValueError where a text has a lone surrogate.
    """
    return info.model_dump_json(exclude_none=True, by_alias=True)
