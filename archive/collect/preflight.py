"""Tests of one appliance: one check for each thing that a collection needs."""

from __future__ import annotations

import asyncio
import io
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from archive.document import appliance_facts
from archive.errors import ApplianceError, ConfigurationError, InputError
from archive.ingest import formats
from archive.ingest.raw_document import RawDocument
from archive.text import counted, printable
from archive.vcenter import certificate, errors, job_details
from archive.vcenter.certificate import HiddenError
from archive.vcenter.client import Connection, place
from archive.vcenter.proxy import proxy
from archive.vcenter.query import SCHEDULES, TIME_ZONE, VERSION
from archive.vcenter.session import signed_in

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextlib import AbstractAsyncContextManager

    from archive.config.settings import Entry
    from archive.vcenter.certificate import Certificate
    from archive.vcenter.session import Session

# A warning does not prevent a collection; a skipped check depends on one that failed, or on a
# proxy.
OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"
# In the order in which they run.
CHECKS = (
    "secret", "resolve", "connect", "certificate", "login",
    "details", "version", "schedules", "time zone", "clock",
)  # fmt: skip
# A certificate that expires sooner is a warning: time enough to renew it.
_RENEW = timedelta(days=30)
# Seconds that the clocks may differ before there is a warning, and before the check fails.
_CLOCK_WARNING, _CLOCK_FAILED = 60, 300
# Seconds until the next address of a host is tried in parallel, as aiohttp does (RFC 8305): a dead
# IPv6 address must not fail the check.
_NEXT_ADDRESS = 0.25
# Bytes: enough to recognise the format of an answer.
_BUFFER = 1 << 16


class Found(NamedTuple):
    """The result of one check. A failed one makes a collection incomplete or wrong.

    `detail` is for people and may quote the appliance, without secrets.
    """

    result: str
    detail: str
    advice: str | None = None


class Examination:
    """The checks of one appliance that are done so far, in the order of `CHECKS`."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self.found: dict[str, Found] = {}

    @property
    def result(self) -> str:
        """The worst result so far."""
        results = {found.result for found in self.found.values()}
        return next((result for result in (FAILED, WARNING) if result in results), OK)

    async def run(
        self,
        password: Awaitable[str],
        admitted: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        """Run every check that is possible, log in within `admitted`, and sign out at the end.

        A cancellation leaves `found` incomplete; `end` completes it.
        """
        entry, revealed = self._entry, ""
        try:
            revealed = await password
            self.found["secret"] = Found(OK, entry.secret.origin)
        except ConfigurationError as error:
            advice = "check `secret` and what it refers to"
            self.found["secret"] = Found(FAILED, str(error), advice)
        for name, check in (
            ("resolve", self._resolve),
            ("connect", self._connect),
            ("certificate", self._certificate),
        ):
            if not await self._check(name, check()):
                self._skip(f"`{name}` failed")
                return
        if not revealed:
            self._skip("`secret` failed")
            return
        try:
            async with (
                Connection.open(entry) as connection,
                signed_in(connection, entry.user, revealed, admitted) as session,
            ):
                on = f"as {entry.user}, on /{session.api.prefix}"
                self.found["login"] = Found(OK, on)
                await self._ask(session)
        except ApplianceError as error:
            self.found["login"] = Found(FAILED, error.reason, error.advice)
            self._skip("`login` failed")

    def end(self, reason: str) -> None:
        """Mark the check that is not done as failed for this reason, and skip those after it."""
        name = next((name for name in CHECKS if name not in self.found), None)
        if name is not None:
            self.found[name] = Found(FAILED, reason)
            self._skip(reason)

    def _skip(self, reason: str) -> None:
        """Mark every check that is not done as skipped for this reason."""
        for name in CHECKS:
            self.found.setdefault(name, Found(SKIPPED, reason))

    async def _check(self, name: str, check: Awaitable[Found]) -> bool:
        """Run a check, turn a foreseen error into its result, and return whether it did not fail."""
        try:
            self.found[name] = await check
        except ApplianceError as error:
            self.found[name] = Found(FAILED, error.reason, error.advice)
        except InputError as error:
            self.found[name] = Found(FAILED, str(error))
        return self.found[name].result != FAILED

    async def _resolve(self) -> Found:
        """Resolve the host as the collection will, IPv4 and IPv6; behind a proxy the proxy does that."""
        if (through := proxy(self._entry.host)) is not None:
            return Found(SKIPPED, f"left to the proxy {through.place}")
        entry, loop = self._entry, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(entry.connect_timeout):
                addresses = await loop.getaddrinfo(entry.host, entry.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise errors.unresolved(place(entry)) from error
        return Found(OK, ", ".join(dict.fromkeys(str(address[4][0]) for address in addresses)))

    async def _connect(self) -> Found:
        """Open a TCP connection and close it, without TLS; show the time until it was accepted."""
        if (through := proxy(self._entry.host)) is not None:
            return Found(SKIPPED, f"left to the proxy {through.place}")
        entry, began = self._entry, time.monotonic()
        try:
            async with asyncio.timeout(entry.connect_timeout):
                _, writer = await asyncio.open_connection(
                    entry.host, entry.port, happy_eyeballs_delay=_NEXT_ADDRESS
                )
        except TimeoutError as error:
            raise errors.unconnected(place(entry)) from error
        except OSError as error:
            raise ApplianceError(
                f"cannot connect to {place(entry)}: {errors.cause(error)}",
                "check `address`, and that the appliance is up and its port is open",
            ) from error
        took = time.monotonic() - began
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return Found(OK, f"port {entry.port} in {took * 1000:.1f} ms")

    async def _certificate(self) -> Found:
        try:
            shown = await certificate.look(self._entry)
        except HiddenError as error:
            return Found(SKIPPED, error.reason)
        described = describe(shown)
        if not self._entry.trust.verify:
            return Found(
                WARNING,
                f"not verified: {described}",
                f"compare the fingerprint on the appliance, then replace verify = false with"
                f' pin = "{shown.fingerprint}"',
            )
        if (distrust := await certificate.distrust(self._entry, shown)) is not None:
            return Found(FAILED, f"{distrust.reason}: {described}", distrust.advice)
        return _expiring(shown, described, pinned=self._entry.trust.pin is not None)

    async def _ask(self, session: Session) -> None:
        """Request everything that a collection does, on the open session, and compare the clocks."""
        for name, check in (
            ("details", _details),
            ("version", _version),
            ("schedules", _schedules),
            ("time zone", _time_zone),
        ):
            await self._check(name, check(session))
            found = self.found[name]
            self.found[name] = found._replace(detail=session.without_secrets(found.detail))
        self.found["clock"] = _clock(session.ahead)


def describe(shown: Certificate) -> str:
    """Return a certificate's main fields in one line.

    The validity ends on a day in UTC.
    """
    names = f" for {shown.for_names()}" if shown.names else ""
    until = f"valid until {shown.valid_until:%Y-%m-%d}"
    return f"{shown.subject}{names}, issued by {shown.issuer}, {until}, {shown.fingerprint}"


def _expiring(shown: Certificate, described: str, *, pinned: bool) -> Found:
    left = shown.valid_until - datetime.now(UTC)
    if left > _RENEW:
        return Found(OK, described)
    ends = "expired" if left < timedelta(0) else f"expires within {counted(left.days + 1, 'day')}"
    also = ", then change `pin`" if pinned else ""
    return Found(WARNING, f"{ends}: {described}", f"{errors.RENEW}{also}")


async def _details(session: Session) -> Found:
    """Fetch the whole history, as a collection does, and count its jobs; unreadable ones are a failure."""
    details = await job_details.fetch(session)
    jobs, unreadable = await asyncio.to_thread(_count, details.body)
    what = f"{counted(jobs, 'job')}, on /{session.api.prefix}"
    if unreadable:
        return Found(FAILED, f"{what}; {unreadable:,} of them unreadable")
    if details.missing is not None:
        return Found(FAILED, f"{what}; {details.missing}")
    return Found(OK, f"{what}; none missing")


def _count(body: IO[bytes]) -> tuple[int, int]:
    """Return how many documents an answer has, and how many are unreadable; close it."""
    stream: io.BufferedReader[Any] = io.BufferedReader(body, _BUFFER)
    with stream:
        encoding = formats.form(stream, "").encoding
        readable = [
            document.problem is None
            for document in formats.documents(stream, encoding)
            if isinstance(document, RawDocument)
        ]
    return len(readable), readable.count(False)


async def _version(session: Session) -> Found:
    version = appliance_facts.read_version(await session.get_json(VERSION))
    build = f"build {version.build_number}" if version.build_number else ""
    return Found(OK, _joined(" ", version.product, version.version, build))


async def _schedules(session: Session) -> Found:
    schedules = appliance_facts.read_schedules(await session.get_json(SCHEDULES))
    enabled = [schedule for schedule in schedules if schedule.enabled]
    what = f"{len(enabled):,} of {len(schedules):,} enabled"
    if not enabled:
        return Found(WARNING, what, "no backup starts by itself: enable a schedule")
    return Found(OK, what)


async def _time_zone(session: Session) -> Found:
    return Found(
        OK, _joined(" ", appliance_facts.read_time_zone(await session.get_json(TIME_ZONE)))
    )


def _clock(ahead: float | None) -> Found:
    """Return how the clocks compare; `ahead` is in seconds, positive if the appliance's is ahead.

    Job times come from the appliance and due times are judged by them, so a wrong clock makes
    backups look late.
    """
    if ahead is None:
        return Found(SKIPPED, "the answers have no date")
    seconds = round(abs(ahead))
    if seconds <= 1:
        return Found(OK, "same as this machine")
    what = f"{seconds:,} s {'ahead of' if ahead > 0 else 'behind'} this machine"
    advice = "synchronise both by NTP: job times come from the appliance's clock"
    if seconds > _CLOCK_FAILED:
        return Found(FAILED, what, advice)
    return Found(WARNING, what, advice) if seconds > _CLOCK_WARNING else Found(OK, what)


def _joined(between: str, *texts: str | None) -> str:
    return printable(between.join(filter(None, texts)))
