"""`fleet test` against appliances, well-behaved and not; no session stays open."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from cryptography import x509

from archive.collect.preflight import CHECKS, FAILED, OK, SKIPPED, WARNING, Examination, Found
from archive.collect.preflight_run import check
from archive.config.settings import Fleet, Secret, Trust
from archive.errors import ConfigurationError
from archive.vcenter import certificate
from tests.support.proxies import proxy
from tests.support.samples import job
from tests.vcenter_server import faults
from tests.vcenter_server.appliance import PASSWORD, Appliance
from tests.vcenter_server.certificates import self_signed
from tests.vcenter_server.entries import entry
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.vcenter_server.faults import Fault

HISTORY = {f"2026030{day}-021500-24322831": job() for day in range(1, 10)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        for variable in (name, name.upper()):
            monkeypatch.delenv(variable, raising=False)


def found(server: Server, appliance: Appliance, **values: Any) -> dict[str, Found]:
    """Return the results for an appliance, after checking that no session is open."""

    async def password() -> str:
        return PASSWORD

    examination = Examination(entry(server, appliance, **values))
    asyncio.run(examination.run(password()))
    assert not appliance.sessions
    assert tuple(sorted(examination.found, key=CHECKS.index)) == CHECKS
    assert PASSWORD not in repr(examination.found)
    return examination.found


def results(checks: dict[str, Found]) -> list[str]:
    return [checks[name].result for name in CHECKS]


def suffering(server: Server, fault: Fault, *of: Any) -> Appliance:
    appliance = server.add(Appliance(HISTORY))
    appliance.suffer(fault, *of)
    return appliance


def test_good_appliance_passes_every_check(server: Server) -> None:
    """Every check has a detail, and none has advice."""
    appliance = server.add(Appliance(HISTORY))
    checks = found(server, appliance)
    assert results(checks) == [OK] * len(CHECKS)
    assert all(one.advice is None for one in checks.values())
    details = {name: one.detail for name, one in checks.items()}
    port = appliance.address.partition(":")[2]
    assert details["secret"] == "configuration"  # noqa: S105 - where it is
    assert details["resolve"] == "127.0.0.1"
    assert details["connect"].startswith(f"port {port} in ")
    assert "for localhost, 127.0.0.1, issued by " in details["certificate"]
    assert details["login"] == f"as {appliance.user}, on /api"
    assert details["details"] == "9 jobs, on /api; none missing"
    assert details["version"] == "VMware vCenter Server 8.0.3.00400 build 24322831"
    assert details["schedules"] == "1 of 1 enabled"
    assert details["time zone"] == "Etc/UTC"
    assert details["clock"] == "same as this machine"


def test_old_appliance_is_asked_through_rest(server: Server) -> None:
    """An appliance that has only `/rest` is asked there."""
    checks = found(server, server.add(Appliance(HISTORY, rest_only=True)))
    assert results(checks) == [OK] * len(CHECKS)
    assert checks["details"].detail == "9 jobs, on /rest; none missing"


def test_appliance_without_jobs_passes(server: Server) -> None:
    """A new appliance is no problem."""
    checks = found(server, server.add(Appliance({})))
    assert checks["details"] == (OK, "0 jobs, on /api; none missing", None)


def test_missing_password_skips_only_the_login(server: Server) -> None:
    """Checks that need no login still run."""
    appliance = server.add(Appliance(HISTORY))

    async def none() -> str:
        raise ConfigurationError("/f/archive.toml: no password from environment VC: empty")

    examination = Examination(entry(server, appliance))
    asyncio.run(examination.run(none()))
    checks = examination.found
    assert results(checks) == [FAILED, OK, OK, OK] + [SKIPPED] * 6
    assert checks["secret"].detail.endswith("no password from environment VC: empty")
    assert checks["login"].detail == "`secret` failed"
    assert not appliance.requests


def test_name_that_does_not_resolve(server: Server) -> None:
    """An unresolvable name cannot be reached, and no other check runs."""
    checks = found(server, server.add(Appliance(HISTORY)), host="vc01.invalid")
    assert results(checks) == [OK, FAILED] + [SKIPPED] * 8
    assert "cannot resolve" in checks["resolve"].detail
    assert checks["resolve"].advice == "check `address` and DNS"
    checks = found(
        server, server.add(Appliance(HISTORY)), host="x" * 70
    )  # longer than any name in DNS
    assert "cannot resolve" in checks["resolve"].detail


def test_closed_port(server: Server) -> None:
    """A closed port is reported in the words of the system."""
    appliance = server.add(Appliance(HISTORY))
    server.remove(appliance)
    checks = found(server, appliance)
    assert results(checks) == [OK, OK, FAILED] + [SKIPPED] * 7
    assert checks["connect"].detail.startswith(f"cannot connect to {appliance.address}: ")


def test_unanswered_connection_times_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops all packets costs the connect timeout."""

    async def dropped(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", dropped)
    checks = found(server, server.add(Appliance(HISTORY)), connect_timeout=0.2)
    assert results(checks) == [OK, OK, FAILED] + [SKIPPED] * 7
    assert checks["connect"].detail.endswith(" timed out")


def test_tls_handshake_never_completes(server: Server) -> None:
    """The port is open, but nothing answers."""
    appliance = server.add(Appliance(HISTORY))
    appliance.handshakes = False
    checks = found(server, appliance, connect_timeout=0.2)
    assert results(checks) == [OK, OK, OK, FAILED] + [SKIPPED] * 6


@pytest.mark.parametrize(
    ("kind", "why", "advice"),
    [
        ("self_signed", "certificate is not trusted (self-signed certificate)", "`ca_file`"),
        ("expired", "certificate has expired", "renew it"),
        ("misnamed", "certificate is for another name: ", "set `address` to a name in it"),
    ],
)
def test_untrusted_certificate(server: Server, kind: str, why: str, advice: str) -> None:
    """The reason, the certificate and the advice are shown; no password is sent."""
    appliance = server.add(Appliance(HISTORY))
    issue = self_signed if kind == "self_signed" else getattr(server.authority, kind)
    appliance.certificate = issue()
    checks = found(server, appliance)
    assert results(checks) == [OK, OK, OK, FAILED] + [SKIPPED] * 6
    assert checks["certificate"].detail.startswith(why)
    assert advice in str(checks["certificate"].advice)
    assert f"sha256:{appliance.certificate.pin.hex(':').upper()}" in checks["certificate"].detail
    assert not appliance.requests


def test_misnamed_certificate_shows_its_names(server: Server) -> None:
    """The name to use instead is shown."""
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = server.authority.misnamed()
    assert " for other.example.com, issued by " in found(server, appliance)["certificate"].detail


def test_pinned_certificate(server: Server) -> None:
    """It may be from any issuer, but must not be expired."""
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = self_signed()
    checks = found(server, appliance, trust=Trust(pin=appliance.certificate.pin))
    assert results(checks) == [OK, OK, OK, WARNING] + [OK] * 6
    assert checks["certificate"].detail.startswith("expires within 1 day: CN=localhost")
    assert checks["certificate"].advice == "renew it on the appliance, then change `pin`"
    appliance.certificate = server.authority.expired()
    checks = found(server, appliance, trust=Trust(pin=appliance.certificate.pin))
    assert checks["certificate"].detail.startswith("expired: ")


def test_certificate_that_does_not_match_the_pin(server: Server) -> None:
    """It is reported, and no password is sent."""
    appliance = server.add(Appliance(HISTORY))
    checks = found(server, appliance, trust=Trust(pin=bytes(32)))
    assert results(checks) == [OK, OK, OK, FAILED] + [SKIPPED] * 6
    assert checks["certificate"].detail.startswith("certificate does not match the pin")
    assert not appliance.requests


def test_verification_is_off(server: Server) -> None:
    """Every check runs, with a warning; the pin to use instead is shown."""
    appliance = server.add(Appliance(HISTORY))
    appliance.certificate = self_signed()
    checks = found(server, appliance, trust=Trust(verify=False))
    assert results(checks) == [OK, OK, OK, WARNING] + [OK] * 6
    fingerprint = f'pin = "sha256:{appliance.certificate.pin.hex(":").upper()}"'
    assert fingerprint in str(checks["certificate"].advice)


def test_missing_ca_file(server: Server, tmp_path: Path) -> None:
    """A missing CA file cannot be trusted."""
    trust = Trust(ca_file=tmp_path / "none.pem")
    checks = found(server, server.add(Appliance(HISTORY)), trust=trust)
    assert results(checks) == [OK, OK, OK, FAILED] + [SKIPPED] * 6
    assert "none.pem: cannot be read" in checks["certificate"].detail


def test_unreadable_certificate(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable certificate is no internal error."""

    def refuse(_: bytes) -> Any:
        raise ValueError("odd")

    monkeypatch.setattr(x509, "load_der_x509_certificate", refuse)
    checks = found(server, server.add(Appliance(HISTORY)))
    assert checks["certificate"] == (FAILED, "certificate cannot be read: odd", None)


def test_wrong_password_is_sent_once(server: Server) -> None:
    """More attempts would lock the account, and the certificate check sends none."""
    appliance = server.add(Appliance(HISTORY, password=PASSWORD[1:]))
    checks = found(server, appliance)
    assert results(checks) == [OK] * 4 + [FAILED] + [SKIPPED] * 5
    assert checks["login"].advice == "check both, and whether the account is locked"
    assert len(appliance.requests) == 1


def test_redirect_gets_no_password(server: Server) -> None:
    """A redirect to another address is not followed with a password."""
    other = server.add(Appliance(HISTORY))
    checks = found(server, suffering(server, faults.redirect(other.address)))
    assert results(checks) == [OK] * 4 + [FAILED] + [SKIPPED] * 5
    assert other.connections == 0


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (Resource.DETAILS, "details"),
        (Resource.VERSION, "version"),
        (Resource.SCHEDULES, "schedules"),
        (Resource.TIME_ZONE, "time zone"),
    ],
)
@pytest.mark.parametrize(
    "fault", [faults.unauthorized, faults.error, faults.not_json, faults.login_page, faults.cut]
)
def test_one_refusal_does_not_stop_other_checks(
    server: Server, resource: Resource, name: str, fault: Fault
) -> None:
    """Independent checks run, whichever of them fails."""
    checks = found(server, suffering(server, fault, resource))
    assert [other for other in CHECKS if checks[other].result != OK] == [name]
    assert checks[name].result == FAILED
    if fault is faults.unauthorized:
        assert "SystemConfiguration.Administrators" in str(checks[name].advice)


def test_refused_job_ids(server: Server) -> None:
    """It is then unknown whether there are more jobs, so a collection would not be complete."""
    checks = found(server, suffering(server, faults.unauthorized, Resource.JOBS))
    assert checks["details"].result == FAILED
    assert checks["details"].detail.startswith(
        "9 jobs, on /api; cannot check that the answer has all jobs"
    )


def test_invalid_jobs_are_counted(server: Server) -> None:
    """Jobs that would go to quarantine are counted."""
    checks = found(server, server.add(Appliance(HISTORY | {"k" * 300: job()})))
    assert checks["details"].result == FAILED
    assert checks["details"].detail == "10 jobs, on /api; 1 of them unreadable"


def test_capped_answer_passes(server: Server) -> None:
    """An answer that needs several requests is complete."""
    checks = found(server, suffering(server, faults.silent_beyond(2)))
    assert checks["details"] == (OK, "9 jobs, on /api; none missing", None)


def test_missing_schedule_warns(server: Server) -> None:
    """An appliance without scheduled backups gets a warning."""
    appliance = server.add(Appliance(HISTORY))
    appliance.schedules = {"default": appliance.schedules["default"] | {"enable": False}}
    checks = found(server, appliance)
    assert checks["schedules"].result == WARNING
    assert checks["schedules"].detail == "0 of 1 enabled"


@pytest.mark.parametrize(
    ("off", "result", "detail"),
    [
        (timedelta(seconds=30), OK, " ahead of "),
        (timedelta(seconds=-30), OK, " behind "),
        (timedelta(seconds=120), WARNING, " ahead of "),
        (timedelta(seconds=-120), WARNING, " behind "),
        (timedelta(hours=1), FAILED, " ahead of "),
        (timedelta(hours=-1), FAILED, " behind "),
    ],
)
def test_clock_offset(server: Server, off: timedelta, result: str, detail: str) -> None:
    """The result says which clock is ahead."""
    checks = found(server, suffering(server, faults.clock_off(off)))
    assert checks["clock"].result == result
    assert detail in checks["clock"].detail
    assert (checks["clock"].advice is None) is (result == OK)


def test_deadline_of_the_configuration(server: Server) -> None:
    """An appliance gets no more time than its configuration says."""
    checks = found(server, suffering(server, faults.hang, Resource.VERSION), deadline=1.0)
    assert [checks[name].result for name in ("login", "details", "version")] == [OK, OK, FAILED]
    assert "not done within `deadline`" in checks["version"].detail


def test_password_in_an_answer_is_not_shown(server: Server) -> None:
    """A password echoed by an appliance is hidden, and so is a token in a time zone."""

    def echo(appliance: Appliance, _asked: Any, proper: Any) -> Any:
        (token,) = appliance.sessions
        return replace(proper(), body=json.dumps(f"{PASSWORD} {token}").encode())

    checks = found(server, suffering(server, echo, Resource.TIME_ZONE))
    assert checks["time zone"].detail == "*** ***"


def test_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy resolves the name and connects; the certificate is checked all the same."""
    appliance = server.add(Appliance(HISTORY))
    with proxy() as through:
        monkeypatch.setenv("https_proxy", f"http://user:hidden@{through.address}")
        checks = found(server, appliance)
        assert results(checks) == [OK, SKIPPED, SKIPPED] + [OK] * 7
        assert checks["connect"].detail == f"left to the proxy {through.address}"
        assert "hidden" not in repr(checks)
        assert {asked.split()[1] for asked in through.asked} == {appliance.address}
        appliance.certificate = self_signed()
        checks = found(server, appliance)
        assert results(checks)[3] == FAILED
        assert appliance.certificate.pin.hex(":").upper() in checks["certificate"].detail


def test_through_a_proxy_with_its_own_certificate(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy's certificate is not mistaken for the appliance's."""
    appliance = server.add(Appliance(HISTORY))
    monkeypatch.setenv("https_proxy", f"https://{appliance.address}")
    examination = Examination(entry(server, appliance))
    assert asyncio.run(examination._certificate()).result == SKIPPED
    assert appliance.connections == 0


def test_several_appliances(server: Server, tmp_path: Path) -> None:
    """One appliance that fails does not affect the others; a secret is read once."""
    good, bad = server.add(Appliance(HISTORY)), server.add(Appliance(HISTORY))
    bad.suffer(faults.error, Resource.LOGIN)
    calls = tmp_path / "calls"
    script = tmp_path / "secret.sh"
    script.write_text(f"#!/bin/sh\necho once >> {calls}\necho '{PASSWORD}'\n")
    script.chmod(0o700)
    secret = Secret(command=(str(script),))
    entries = [
        entry(server, appliance, name, secret=secret)
        for name, appliance in (("vc01", good), ("vc02", bad))
    ]
    checks: dict[str, str] = {}
    fleet = Fleet(path=tmp_path / "archive.toml", entries=tuple(entries))
    check(fleet, entries, lambda one, ended: checks.update({one.name: ended.result}))
    assert checks == {"vc01": OK, "vc02": FAILED}
    assert calls.read_text() == "once\n"
    assert not good.sessions


def test_internal_error_affects_one_appliance(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception is reported for the appliance and check where it happened."""

    async def fail(_: Any) -> Any:
        raise RuntimeError("odd")

    monkeypatch.setattr(certificate, "look", fail)
    one = entry(server, server.add(Appliance(HISTORY)))
    ended: list[Examination] = []
    fleet = Fleet(path=Path("/f/archive.toml"), entries=(one,))
    check(fleet, [one], lambda _, examination: ended.append(examination))
    assert results(ended[0].found) == [OK] * 3 + [FAILED] + [SKIPPED] * 6
    assert "internal error in archive: RuntimeError" in ended[0].found["certificate"].detail
