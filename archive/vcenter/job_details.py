"""The details of all jobs of an appliance: in one request or, where that fails, in slices.

The request has limits: with a long history it times out, fails, or returns only some of the jobs
without an error. So the job IDs are requested, too, and missing jobs are then requested by ID.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from archive.errors import ApplianceError
from archive.text import counted
from archive.vcenter.client import LONGEST_ANSWER
from archive.vcenter.errors import DeadlineError, OversizedError, PassingError, RefusedError
from archive.vcenter.session import API, REST
from archive.vcenter.spool import discard, spool, writing

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from archive.vcenter.session import Session

# Paths in the vSphere Automation API, the same below `/api` and `/rest`.
_IDS = "appliance/recovery/backup/job"
_DETAILS = f"{_IDS}/details"
# How many times LONGEST_ANSWER may be read in vain.
_MOST_REFUSED = 4
# Jobs in the first request by ID: the URL then has about 2,000 characters.
_SLICE = 50
# A proxy that removes the query would let each slice bring the whole history.
_IGNORED = ApplianceError(
    "requests for single jobs bring all jobs", "check that no proxy removes the query from a URL"
)
# A job's ID in an answer: a key of the map (`/api`), or the key of an entry (`/rest`).
# Bytes are searched, because decoding a long history as JSON would take many times its size in
# memory. The pattern of `/api` also finds keys of nested objects, which does no harm: what is found
# is only ever compared with IDs.
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
    """An answer with job details, as bytes; `missing` says what it lacks, None if nothing.

    `body` is at its start and must be closed by the caller. It has the wire shape of the API that
    answered, also when it was joined from several answers.
    """

    body: IO[bytes]
    missing: str | None


async def fetch(session: Session) -> Details:
    """Return the details of all jobs. Raises ApplianceError if none could be fetched.

    Usually that takes two requests: the details, and the IDs to compare them with. If the IDs
    cannot be fetched, the answer counts as it is, and `missing` says so. On return `session.api` is
    the API that has the details.
    """
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
    with whole, ExitStack() as on_failure:
        joined = on_failure.enter_context(_Joined(session.api.name))
        joined.add(data)
        del data
        details = await _slices(session, absent, joined, frozenset(ids))
        on_failure.pop_all()
    return details


async def _whole(session: Session) -> IO[bytes]:
    """Return the details of all jobs from one request, on `/rest` if `/api` has none.

    Raises PassingError or OversizedError if smaller requests may help, otherwise as `Session.get`.
    """
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
    """Return the IDs of all jobs, newest first. Raises ApplianceError for any other answer.

    When time runs out, only the oldest jobs are then missing, which the archive usually has
    already.
    """
    answer = await session.get_json(_IDS)
    ids = answer.get("value") if isinstance(answer, dict) else answer
    if not isinstance(ids, list) or not all(isinstance(job, str) for job in ids):
        raise ApplianceError("unexpected answer to the request for job IDs")
    return sorted(ids, reverse=True)  # an ID starts with its time stamp: newest first


async def _in_slices(session: Session, whole: ApplianceError) -> Details:
    """Return the details of all jobs by their IDs, after the request for all failed with `whole`.

    Raises `whole` if there are no IDs to ask for: it says more than an error of the second request.
    """
    try:
        ids = await _ids(session)
    except ApplianceError as error:
        raise whole from error
    if not ids:
        raise whole
    with ExitStack() as on_failure:
        joined = on_failure.enter_context(_Joined(session.api.name))
        details = await _slices(session, ids, joined, frozenset(ids))
        on_failure.pop_all()
    return details


async def _slices(
    session: Session, ids: list[str], joined: _Joined, existing: frozenset[str]
) -> Details:
    """Request jobs by their IDs, fewer at a time where a request fails.

    `existing` are the IDs of all jobs. An answer that has other jobs than those requested ends the
    requests: each further one would bring the whole history again.

    `joined` may have jobs already. Raises the last failure if no request brought anything. The
    number of requests is bounded: a slice that brings nothing is halved, down to single jobs, which
    are then given up.
    """
    wanted, size = ids, _SLICE
    lost: list[str] = []
    spent = 0
    failure = ApplianceError("the appliance lists the job IDs but returns no details")
    while wanted:
        part = wanted[:size]
        found: set[str] = set()
        try:
            answer = (
                await session.get(
                    _DETAILS, _filter(session, part), longest=joined.room(), attempts=2
                )
            ).read()
        except DeadlineError as error:
            failure = error
            lost += wanted
            break
        except PassingError as error:
            failure = error
        except OversizedError as error:
            failure = error
            spent += joined.room()
            if spent > _MOST_REFUSED * LONGEST_ANSWER or joined.room() < LONGEST_ANSWER >> 4:
                lost += wanted
                break
        else:
            found = _found(session, answer)
            if (found & existing).difference(part):
                failure = _IGNORED
                if joined.empty:
                    joined.add(answer)
                    wanted = _without(wanted, found)
                lost += wanted
                break
            joined.add(answer)
        # If some came, that many fit into an answer. If none came, try half as many.
        size = len(found.intersection(part)) or len(part) // 2
        if not size:
            lost += part
            found.update(part)
            size = 1
        wanted = _without(wanted, found)
    if joined.empty:
        raise failure
    missing = f"{counted(len(lost), 'job')} could not be fetched: {failure}" if lost else None
    return Details(joined.whole(), missing)


def _found(session: Session, answer: bytes) -> set[str]:
    """Return what looks like the IDs of jobs in an answer: all of these, and other keys besides."""
    keys = _KEYS[session.api.name].findall(answer)
    return {key.decode("utf-8", "replace") for key in keys}


def _without(ids: Sequence[str], found: Container[str]) -> list[str]:
    """Return the IDs that were not found, in the same order."""
    return [job for job in ids if job not in found]


def _filter(session: Session, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return the query that selects jobs: `jobs=ID` repeated on `/api`, numbered from 1 on `/rest`."""
    if session.api is API:
        return [("jobs", job) for job in ids]
    return [(f"filter.jobs.{number}", job) for number, job in enumerate(ids, 1)]


class _Joined:
    """One answer with the jobs of several, which may have LONGEST_ANSWER bytes together.

    It joins texts, not decoded values, so that each document stays byte for byte as it was sent.
    `empty` is true until an answer has been added, even one without jobs.
    """

    def __init__(self, api: str) -> None:
        self._around, self._form = _AROUND[api]
        self._file = spool()
        self.empty = True
        self._between = self._form.partition(b"%s")[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        discard(self._file)

    def room(self) -> int:
        """Return how many bytes the next answer may have.

        It is never less than 1 MiB, so that a single job can still be asked for.
        """
        return max(LONGEST_ANSWER - self._file.tell(), LONGEST_ANSWER >> 8)

    def add(self, answer: bytes) -> None:
        """Add the jobs of an answer. Raises ApplianceError if it has another form, or no place."""
        found = self._around.fullmatch(answer)
        if found is None:
            raise ApplianceError("unexpected answer to the request for job details")
        inner = found[1].strip()
        self.empty = False
        if inner:
            with writing():
                self._file.write(self._between)
                self._file.write(inner)
            self._between = b","

    def whole(self) -> IO[bytes]:
        """Return the answer, at its start; the caller must close it."""
        before, _, after = self._form.partition(b"%s")
        with writing():
            self._file.write((b"" if self._between == b"," else before) + after)
            self._file.seek(0)
        return self._file
