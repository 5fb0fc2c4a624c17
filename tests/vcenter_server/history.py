"""The jobs of an appliance, with each full answer encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.vcenter_server.shapes import Api, encode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class History:
    """Jobs by id, as `/api` has them; immutable, so that encoded answers stay valid.

    Answers have the newest first: an id begins with the moment at which the job was requested.
    """

    def __init__(self, jobs: Mapping[str, Any]) -> None:
        self._jobs = dict(sorted(jobs.items(), reverse=True))
        self._whole: dict[Api, bytes] = {}

    def ids(self, wanted: Collection[str] | None = None) -> list[str]:
        """Return the IDs of the wanted jobs that exist, or of all, newest first."""
        return [key for key in self._jobs if wanted is None or key in wanted]

    def details(self, api: Api, ids: list[str]) -> bytes:
        """Return the answer with these jobs."""
        if len(ids) < len(self._jobs):
            return encode({key: self._jobs[key] for key in ids}, api, is_map=True)
        if api not in self._whole:
            self._whole[api] = encode(self._jobs, api, is_map=True)
        return self._whole[api]
