"""The proxy of the environment: every usual way to write it, and no password in an error."""

from __future__ import annotations

import pytest

from archive.errors import ApplianceError
from archive.vcenter.proxy import proxy, read

PASSWORD = "pw/#?@:"  # noqa: S105 - with every reserved character


@pytest.mark.parametrize(
    ("named", "place", "password"),
    [
        ("http://svc:pw@proxy:3128", "proxy:3128", "pw"),
        ("svc:pw@proxy:3128", "proxy:3128", "pw"),
        (f"http://svc:{PASSWORD}@proxy:3128/", "proxy:3128", PASSWORD),
        (f"svc:{PASSWORD}@[::1]:3128", "[::1]:3128", PASSWORD),
        ("https://svc:p%40w@proxy", "proxy:443", "p@w"),
        ("proxy:3128", "proxy:3128", None),
        ("HTTP://proxy", "proxy:80", None),
    ],
)
def test_address_is_read_as_it_is_usually_written(
    named: str, place: str, password: str | None
) -> None:
    found = read(named)
    assert (found.place, found.url.password) == (place, password)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("socks5://svc:hidden@proxy:1080", "a proxy of the kind socks5://"),
        ("SOCKS5H://svc:hidden@proxy", "a proxy of the kind socks5h://"),
        ("socks4a://proxy:1080", "a proxy of the kind socks4a://"),
        ("http://svc:hidden@proxy:", "without a valid address"),
        ("'http://svc:hidden@proxy:3128'", "without a valid address"),
        ("http://svc:hidden@", "without a valid address"),
        ("http://svc:hidden@proxy:99999", "without a valid address"),
        ("svc:hidden@pro xy:3128", "without a valid address"),
        ("http://svc:hidden@[::1:3128", "without a valid address"),
    ],
)
def test_unusable_proxy_is_refused_without_its_password(named: str, said: str) -> None:
    with pytest.raises(ApplianceError, match=said) as refused:
        read(named)
    assert "hidden" not in str(refused.value)
    assert "http://USER:PASSWORD@HOST:PORT" in str(refused.value)


@pytest.mark.parametrize("variable", ["all_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_other_variables_name_a_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "proxy:3128\n")
    assert proxy("vc01.example.com") == read("proxy:3128")


@pytest.mark.parametrize("name", ["*", "vc01.example.com", ".example.com", "a, example.com"])
def test_names_without_a_proxy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("https_proxy", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", name)
    assert proxy("vc01.example.com") is None
    assert (proxy("vc01.example.org") is None) == (name == "*")


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy:3128")
    assert proxy("vc01.example.com") == read("proxy:3128")
    monkeypatch.setenv("no_proxy", "example.com")
    assert proxy("vc01.example.com") is None
