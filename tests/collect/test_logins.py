"""A stale password is not tried at every appliance."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from archive.collect import logins as tested
from archive.collect.logins import Logins
from archive.config.settings import Entry, Secret
from archive.errors import ApplianceError
from archive.vcenter.errors import PassingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = Secret(environment="PASSWORD")
REFUSED = RefusedError("user name or password refused", status=401)


def entries(number: int, **values: Any) -> list[Entry]:
    given: dict[str, Any] = {"user": "svc", "secret": PASSWORD} | values
    return [Entry(name=f"vc{place:02}", host="h", **given) for place in range(number)]


def tried(
    fleet: list[Entry], answer: Callable[[Entry], Exception | None]
) -> tuple[list[str], list[str]]:
    """Log in everywhere at once; return where it was tried, and the errors of the others."""
    names: list[str] = []
    held: list[str] = []

    async def one(logins: Logins, entry: Entry) -> None:
        try:
            async with logins.admit(entry):
                names.append(entry.name)
                await asyncio.sleep(0.001)
                if error := answer(entry):
                    raise error
        except (PassingError, RefusedError):
            pass
        except ApplianceError as error:
            held.append(str(error))

    async def run() -> None:
        logins = Logins()
        await asyncio.gather(*(one(logins, entry) for entry in fleet))

    asyncio.run(run())
    return names, held


def test_refused_password_is_not_tried_thirty_times() -> None:
    names, held = tried(entries(30), lambda _: REFUSED)
    assert len(names) == 2
    assert len(held) == 28
    assert "not tried, since vc00, vc01 refused the same user and password" in held[0]


def test_linked_appliances_are_held_after_one_refusal() -> None:
    names, held = tried(entries(30, sso="vsphere.local"), lambda _: REFUSED)
    assert (len(names), len(held)) == (1, 29)


@pytest.mark.parametrize(
    "other", [{"user": "other"}, {"secret": Secret(environment="OTHER")}, {"sso": "other"}]
)
def test_other_accounts_are_not_held(other: dict[str, Any]) -> None:
    names, _ = tried([*entries(5), *entries(1, **other)], lambda _: REFUSED)
    assert len(names) == 3


def test_one_wrong_appliance_does_not_hold_the_others() -> None:
    names, held = tried(entries(30), lambda entry: REFUSED if entry.name == "vc00" else None)
    assert (len(names), held) == (30, [])


def test_appliance_that_is_down_holds_nobody() -> None:
    down = PassingError("cannot connect")
    names, held = tried(entries(10), lambda entry: down if entry.name < "vc05" else None)
    assert (len(names), held) == (10, [])


def test_slow_appliance_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "_PATIENCE", 0.01)

    async def run() -> None:
        logins = Logins()
        slow, quick = entries(2)

        async def hang() -> None:
            async with logins.admit(slow):
                await asyncio.sleep(60)

        hanging = asyncio.create_task(hang())
        await asyncio.sleep(0)
        async with asyncio.timeout(5), logins.admit(quick):
            pass
        hanging.cancel()

    asyncio.run(run())


@pytest.mark.parametrize(("values", "refusals"), [({}, 2), ({"sso": "vsphere.local"}, 1)])
def test_slow_appliance_does_not_let_all_others_try_at_once(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], refusals: int
) -> None:
    """After the wait only the next in line logs in: a stale password still locks no account."""
    monkeypatch.setattr(tested, "_PATIENCE", 0.05)
    refused: list[str] = []

    async def one(logins: Logins, entry: Entry) -> None:
        with suppress(ApplianceError):
            async with logins.admit(entry):
                await asyncio.sleep(0.3 if entry.name == "vc00" else 0.01)
                if entry.name != "vc00":
                    refused.append(entry.name)
                    raise REFUSED

    async def run() -> None:
        logins = Logins()
        async with asyncio.timeout(5):
            await asyncio.gather(*(one(logins, entry) for entry in entries(30, **values)))

    asyncio.run(run())
    assert len(refused) == refusals
