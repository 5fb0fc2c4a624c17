"""The details of all jobs of an appliance: in one request or, where that fails, in slices.

The request has limits: with a long history it times out, fails, or returns only some of the jobs
without an error. So the job IDs are requested, too, and missing jobs are then requested by ID.
"""

from __future__ import annotations

import io
import re
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, NamedTuple

from archive.errors import ApplianceError
from archive.text import counted
from archive.vcenter.client import LONGEST_ANSWER
from archive.vcenter.errors import DeadlineError, OversizedError, PassingError, RefusedError
from archive.vcenter.session import API, REST

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from archive.vcenter.session import Session

_IDS = "appliance/recovery/backup/job"
_DETAILS = f"{_IDS}/details"
# Jobs in the first request by ID: the URL then has about 2,000 characters.
_SLICE = 50
# A job's ID in an answer: a key of the map (`/api`), or the key of an entry (`/rest`).
_KEYS = {
    API.name: re.compile(rb'"([^"\\]+)"\s*:\s*\{'),
    REST.name: re.compile(rb'"key"\s*:\s*"([^"\\]+)"'),
}
# The text around the jobs of an answer, to take off and to put back.
_AROUND = {
    API.name: (re.compile(rb"\s*\{(.*)\}\s*", re.DOTALL), b"{%s}"),
    REST.name: (
        re.compile(rb'\s*\{\s*"value"\s*:\s*\[(.*)\]\s*\}\s*', re.DOTALL),
        b'{"value":[%s]}',
    ),
}


class Details(NamedTuple):
    """An answer with job details, as bytes; `missing` says what it lacks, None if nothing."""

    body: IO[bytes]
    missing: str | None


async def fetch(session: Session) -> Details:
    """Return the details of all jobs. Raises ApplianceError if none could be fetched."""
    try:
        whole = await _whole(session)
    except (PassingError, OversizedError) as error:
        return await _in_slices(session, error)
    try:
        ids = await _ids(session)
    except ApplianceError as error:
        return Details(whole, f"cannot check that the answer has all jobs: {error}")
    data = whole.read()
    whole.seek(0)
    absent = _without(ids, _found(session, data))
    if not absent:
        return Details(whole, None)
    with whole:
        return await _slices(session, absent, [data])


async def _whole(session: Session) -> IO[bytes]:
    # The other half of the time is for slices.
    within = session.connection.remaining() / 2
    try:
        return (await session.get(_DETAILS, longest=LONGEST_ANSWER, within=within)).body
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND or session.api is REST:
            raise
    session.api = REST  # the details came to `/rest` years before they came to `/api`
    return (await session.get(_DETAILS, longest=LONGEST_ANSWER, within=within)).body


async def _ids(session: Session) -> list[str]:
    answer = await session.get_json(_IDS)
    ids = answer.get("value") if isinstance(answer, dict) else answer
    if not isinstance(ids, list) or not all(isinstance(job, str) for job in ids):
        raise ApplianceError("unexpected answer to the request for job IDs")
    return sorted(ids, reverse=True)  # an ID starts with its time stamp: newest first


async def _in_slices(session: Session, whole: ApplianceError) -> Details:
    try:
        ids = await _ids(session)
    except ApplianceError as error:
        raise whole from error
    if not ids:
        raise whole
    return await _slices(session, ids, [])


async def _slices(session: Session, ids: list[str], answers: list[bytes]) -> Details:
    """Request jobs by their IDs, fewer at a time where a request fails."""
    wanted, size = ids, _SLICE
    lost: list[str] = []
    failure = ApplianceError("the appliance lists the job IDs but returns no details")
    while wanted:
        part = wanted[:size]
        found: set[str] = set()
        try:
            answer = (
                await session.get(
                    _DETAILS, _filter(session, part), longest=LONGEST_ANSWER, attempts=2
                )
            ).read()
        except DeadlineError as error:
            failure = error
            lost += wanted
            break
        except (PassingError, OversizedError) as error:
            failure = error
        else:
            answers.append(answer)
            found = _found(session, answer)
        # If some came, that many fit into an answer. If none came, try half as many.
        size = len(found.intersection(part)) or len(part) // 2
        if not size:
            lost += part
            found.update(part)
            size = 1
        wanted = _without(wanted, found)
    if not answers:
        raise failure
    missing = f"{counted(len(lost), 'job')} could not be fetched: {failure}" if lost else None
    return Details(io.BytesIO(_joined(answers, session.api.name)), missing)


def _found(session: Session, answer: bytes) -> set[str]:
    keys = _KEYS[session.api.name].findall(answer)
    return {key.decode("utf-8", "replace") for key in keys}


def _without(ids: Sequence[str], found: Container[str]) -> list[str]:
    return [job for job in ids if job not in found]


def _filter(session: Session, ids: Sequence[str]) -> list[tuple[str, str]]:
    if session.api is API:
        return [("jobs", job) for job in ids]
    return [(f"filter.jobs.{number}", job) for number, job in enumerate(ids, 1)]


def _joined(answers: Sequence[bytes], api: str) -> bytes:
    """Return one answer with the jobs of several. Raises ApplianceError if one has another form."""
    around, form = _AROUND[api]
    inner: list[bytes] = []
    for answer in answers:
        found = around.fullmatch(answer)
        if found is None:
            raise ApplianceError("unexpected answer to the request for job details")
        inner.append(found[1].strip())
    return form % b",".join(filter(None, inner))
