"""The published schema of one job, `Details.Info` and its parts, strictly typed.

It has the fields of `appliance/recovery/backup/job/details` (vSphere Automation API 6.7 to 9.1), with
one difference: more fields are optional, because old builds omit some. Fields are in alphabetical
order, so that the JSON that pydantic writes is canonical: sorted keys, no nulls, instants in UTC.
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
from archive.text import UNSTORABLE


def exact_double(number: object) -> object:
    """Return a value unchanged. Raises ValueError for a number that pydantic would have to round."""
    if isinstance(number, Decimal) or (type(number) is int and not _is_double(number)):
        raise ValueError("not a double")
    return number


def _is_double(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


# vSphere's `long`, and the range of BIGINT.
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Our limit, not vSphere's: status and type are part of a primary key, which databases limit.
LABEL_LENGTH = 255
# Places of one document. The API's own versions differ in a few; each place costs memory and a finding.
MOST_REFUSALS = 1000

Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
# -0.0 equals 0.0, so it is stored as 0.0.
Double = Annotated[
    float,
    BeforeValidator(exact_double),
    Field(allow_inf_nan=False),
    AfterValidator(lambda double: double + 0.0),
]
Timestamp = Annotated[str, AfterValidator(timestamps.canonical)]
Label = Annotated[str, Field(max_length=LABEL_LENGTH)]


def entries_to_map(value: object) -> object:
    """Return a `/rest` list of `{"key", "value"}` entries as a map; any other value unchanged.

    Keys are sorted, as everywhere in a canonical document. A list with a duplicate key is unchanged.
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


class Structure(BaseModel):
    """What all parts of the schema have in common: strict types, and unknown fields are errors."""

    model_config = ConfigDict(strict=True, extra="forbid")

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no nulls. Raises ValueError for a lone surrogate.

        And for values of other types, which only damaged rows have.
        """
        return self.model_dump_json(exclude_none=True, by_alias=True, warnings="error")


class Param(Structure):
    """A `LocalizationParam`. Its documentation says that one value is set; no validator checks that.

    `i` is a 64-bit integer, `dt` an instant, `format` one of twelve names for it, `precision` the
    number of fractional digits of `d`. `nested` is called `l` in JSON.
    """

    d: Double | None = None
    dt: Timestamp | None = None
    format: str | None = None
    i: Int64 | None = None
    nested: Nested | None = Field(default=None, alias="l")
    precision: Int64 | None = None
    s: str | None = None


def encodable_names(value: dict[str, Any]) -> dict[str, Any]:
    """Return a map unchanged. Raises ValueError for a name with a lone surrogate.

    pydantic refuses to serialise such a text, but in the name of a member it replaces it.
    """
    for name in value:
        if not name.isascii() and UNSTORABLE.search(name):
            raise ValueError("a name has a lone surrogate")
    return value


Params = Annotated[
    dict[str, Param], BeforeValidator(entries_to_map), AfterValidator(encodable_names)
]


class Nested(Structure):
    """A `NestedLocalizableMessage`: a message ID and params, without a text."""

    id: str
    params: Params | None = None


class Message(Structure):
    """A `LocalizableMessage`: a text in English, and perhaps one in the language of the request."""

    args: list[str]
    default_message: str
    id: str
    localized: str | None = None
    params: Params | None = None


class Build(Structure):
    """The appliance's build when the job ran; absent before 6.7.2."""

    build_number: str
    version: str
    version_name: str


class Progress(Structure):
    """A job's progress; `completed` may exceed `total`."""

    completed: Int64
    message: Message
    total: Int64


class DynamicID(Structure):
    """A resource's type and id."""

    id: str
    type: str


def free_json(value: object) -> object:
    """Return a JSON value with sorted keys. Raises ValueError for a number that is not a double."""
    if isinstance(value, dict):
        return {key: free_json(value[key]) for key in sorted(encodable_names(value))}
    if isinstance(value, list):
        return [free_json(item) for item in value]
    if isinstance(value, Decimal):
        raise ValueError(f"{value} is not a double")  # noqa: TRY004 - pydantic collects ValueError
    return value + 0.0 if isinstance(value, float) else value


class Failure(Structure):
    """The `error` of a job: `{}`, plain, or wrapped as `{type, value}`.

    `data` may be any JSON; its numbers must be doubles or integers. Wrapped, `type` is a class name
    and `value` a plain error.
    """

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


class Info(Structure):
    """One job, vSphere's `Details.Info`. `duration` is in seconds, `size` in bytes transferred.

    `location` may contain a password. `parent` is the id of a task, `target` what the operation
    works on; without a `user` the system started it. Only `messages` and `status` are required.
    """

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
    status: Label
    target: DynamicID | None = None
    type: Label | None = None
    user: str | None = None


class Seen(Structure):
    """When an exported job was seen: first, last, and first in each status.

    `status` has the status names as keys. Every instant of it lies between `first` and `last`.
    """

    first: Timestamp
    last: Timestamp
    status: dict[Annotated[str, Field(max_length=LABEL_LENGTH, pattern=r"^[^\x00]*$")], Timestamp]

    @model_validator(mode="after")
    def _in_order(self) -> Seen:
        first, last, statuses = self.instants()
        if not all(first <= instant <= last for instant in (last, *statuses.values())):
            raise ValueError("every status must be seen between first and last")
        return self

    def instants(self) -> tuple[str, str, dict[str, str]]:
        """Return first, last and those of the statuses as fixed-width instants."""
        return (
            timestamps.fixed_form(self.first),
            timestamps.fixed_form(self.last),
            {status: timestamps.fixed_form(at) for status, at in self.status.items()},
        )


class ExportedJob(Structure):
    """One line of an export; `job` is the job key, `info` a job's details as in an answer."""

    appliance: str
    info: Any
    job: str
    seen: Seen | None = None


class Refusal(NamedTuple):
    """One place that the schema refuses; `kind` is pydantic's error type."""

    path: tuple[str | int, ...]
    kind: str
    message: str


class ShapeError(ValueError):
    """A value does not match the schema; `refusals` names up to MOST_REFUSALS places, or none of more."""

    def __init__(self, error: ValidationError) -> None:
        if error.error_count() > MOST_REFUSALS:
            self.refusals: list[Refusal] = []
            super().__init__(f"differs from the schema in more than {MOST_REFUSALS:,} places")
            return
        self.refusals = [
            Refusal(details["loc"], details["type"], details["msg"])
            for details in error.errors(include_url=False)
        ]
        first = self.refusals[0]
        super().__init__(f"{'.'.join(map(str, first.path))}: {first.message}")


def parse_info(raw: Any) -> Info:
    """Return one job's details. Raises ShapeError if they do not match the schema."""
    try:
        return Info.model_validate(raw)
    except ValidationError as error:
        raise ShapeError(error) from None


def parse_exported_job(raw: Any) -> ExportedJob:
    """Return one line of an export, with `info` unchecked. Raises ShapeError."""
    try:
        return ExportedJob.model_validate(raw)
    except ValidationError as error:
        raise ShapeError(error) from None
