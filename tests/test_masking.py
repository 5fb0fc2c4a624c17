"""No password stays in a URL or a text, in whatever way it is written."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.masking import mask_json, mask_text, mask_url, names_secret, suspect

PASSWORD = "S3cr\u00e9t"  # noqa: S105 - to look for it

URLS = [
    f"sftp://svc:{PASSWORD}@nas/backup",
    f"ftps://svc@corp.example:{PASSWORD}@nas/backup",
    f"ftp://svc:a/{PASSWORD}@nas/backup",
    f"ftp://svc:/{PASSWORD}@nas",
    f"ftp://svc://{PASSWORD}@nas",
    f"ftp://svc:{PASSWORD}/@nas",
    f"ftp://svc:@{PASSWORD}@nas",
    f"ftp://svc:a?b={PASSWORD}@nas",
    f"ftp://svc:a#{PASSWORD}@nas",
    f"//svc:{PASSWORD}@nas/share",
    rf"\\svc:{PASSWORD}@nas\share",
    rf"\\nas\share;CORP\svc:{PASSWORD}@x",
    f"svc:{PASSWORD}@nas:/backup",
    f"svc%3A{PASSWORD}@nas",
    f"ftp:svc:{PASSWORD}@nas",
    f"jdbc:sftp://svc:{PASSWORD}@nas",
    f"https://nas/x?password={PASSWORD}",
    f"https://nas/x?a=1&password={PASSWORD}&b=2",
    f"https://nas:443/x?password=a@{PASSWORD}&b=2",
    f"https://nas/x?Pass%77ord={PASSWORD}",
    f"https://nas/x?X-Amz-Signature={PASSWORD}",
    f"https://account.blob.example/c?sv=1&sig={PASSWORD}",
    f"https://nas/x?api_key={PASSWORD}#y",
    f"smb://nas/x;password={PASSWORD}",
    f"//nas/share,username=svc,password={PASSWORD},vers=3",
    f"https://nas/?url=ftp%3A%2F%2Fsvc%3A{PASSWORD}%40other",
]
TEXTS = [
    f"Cannot reach ftps://svc@corp:{PASSWORD}@nas/b. Ask admin@corp.example",
    f"Cannot reach ftp://svc:my {PASSWORD}@nas/b",
    f"first\nftp://svc:{PASSWORD}@nas\nlast",
    f"proxy svc:{PASSWORD}@proxy:3128 refused",
    f"host=db password='my {PASSWORD}' user=svc",
    f'host=db password="my {PASSWORD}',
    f"Authorization: Basic {PASSWORD.encode().hex()}".replace(
        PASSWORD.encode().hex(), PASSWORD * 2
    ),
    f'sent {{"user": "svc", "password": "{PASSWORD}"}}',
    f"https_proxy=svc:{PASSWORD}@proxy",
    f'DETAIL: Key (url)=("ftp://svc:{PASSWORD}@nas") exists',
    f"ftp://svc:{PASSWORD}%40nas/backup",
    f"pwd: {PASSWORD}",
    f"location_password: {PASSWORD}",
    f"X-API-Key: {PASSWORD}",
    f"Cookie: vmware-api-session-id={PASSWORD}",
    f"vmware-api-session-id: {PASSWORD}",
    f'PASSWORD = "{PASSWORD}"',
    f"the password '{PASSWORD}' was rejected",
    f"<password>{PASSWORD}</password>",
    f"<vim:password>my {PASSWORD}</vim:password>",
    rf"sent {{\"user\": \"svc\", \"password\": \"{PASSWORD}\"}}",
    f"backup --password {PASSWORD} --to nas",
    f"--api-key {PASSWORD}",
    f"openssl -passin pass:{PASSWORD}",
    f"curl -u svc:{PASSWORD} https://nas/",
    f"curl --user 'svc:{PASSWORD}' https://nas/",
    f"curl --proxy-user svc:{PASSWORD} https://nas/",
    f"smbclient //nas/share -U svc%{PASSWORD}",
    f"mount -o user=svc%{PASSWORD} //nas/share",
    f"sshpass -p {PASSWORD} ssh nas",
    f"failed: ['sshpass', '-p', '{PASSWORD}', 'ssh', 'nas']",
]


@pytest.mark.parametrize("url", URLS)
def test_url_is_shown_without_its_password(url: str) -> None:
    assert PASSWORD not in mask_url(url)
    assert PASSWORD not in mask_text(f"Cannot write to {url} now")
    assert "***" in mask_url(url)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_shown_without_the_passwords_in_it(text: str) -> None:
    assert PASSWORD not in mask_text(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sftp://svc:pw@nas/b", "sftp://svc:***@nas/b"),
        ("ftps://svc@corp.example:pw@nas/b", "ftps://svc@corp.example:***@nas/b"),
        ("https://nas/x?a=1&password=pw&b=2", "https://nas/x?a=1&password=***&b=2"),
        ("sftp://nas:22/b", "sftp://nas:22/b"),
        ("nfs://nas/export", "nfs://nas/export"),
        ("https://[fe80::1]:443/b", "https://[fe80::1]:443/b"),
        ("ftp://svc@nas/b", "ftp://svc@nas/b"),
        ("https://nas/x?keytab=1", "https://nas/x?keytab=1"),
        ("", ""),
    ],
)
def test_rest_of_a_url_stays(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "login at 10:30 by administrator@vsphere.local",
        "ftp://nas:21 refused; ask admin@corp.example",
        "ftp://nas: not found, ask admin@corp.example",
        "mailto:admin@corp.example",
        "Incorrect password: check the credentials of the user",
        "at 2026-07-24T02:20:00Z by administrator@vsphere.local",
        "Token: expired 5 minutes ago",
        "Password policy: at least 8 characters",
        "authorization: 401 Unauthorized",
        "session-id: unknown",
        "chown -u root: permission denied",
        "sshpass is not installed",
        "--secret-environment and --secret-file exclude each other",
        "--password and --user exclude each other",
        "1 + 1 = 2",
        r"C:\backup",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert mask_text(text) == text


def test_json_is_masked_at_every_depth() -> None:
    value = {"a": [{"password": "pw", "to": "ftp://a:pw@h"}, 1, None], "ftp://a:pw@h": True}
    masked = {"a": [{"password": "***", "to": "ftp://a:***@h"}, 1, None], "ftp://a:***@h": True}
    assert mask_json(value) == masked


def test_params_and_entries_of_a_map_that_name_a_secret_are_masked() -> None:
    value = [{"password": {"s": "pw", "i": 1}}, {"key": "token", "value": {"s": "pw"}}]
    assert mask_json(value) == [
        {"password": {"s": "***", "i": 1}},
        {"key": "token", "value": {"s": "***"}},
    ]


@given(st.text(), st.text(st.characters(exclude_characters="@")))
def test_no_character_of_a_password_changes_what_is_hidden(password: str, rest: str) -> None:
    """In a URL as a whole, all between the user and the last @ is hidden."""
    url = f"ftp://svc:{password}@nas/{rest}"
    assert mask_url(url).startswith(f"ftp://svc:{'***@' if password else '@'}nas/")


@given(st.one_of(st.text(), st.sampled_from(URLS + TEXTS)), st.text(), st.text())
def test_document_in_which_something_is_hidden_is_suspect(
    text: str, before: str, after: str
) -> None:
    """The quick test of a document's JSON is never wrongly False."""
    whole = before + text + after
    if mask_text(whole) != whole:
        assert suspect(json.dumps({"a": "b", "c": [whole]}, ensure_ascii=False))
        assert suspect(json.dumps({"a": "b", "c": [whole]}))


@pytest.mark.parametrize("piece", ["user=", "a=", "a:", "\\", '"a": ', "<a>", "-u a "])
def test_no_text_is_read_again_and_again(piece: str) -> None:
    """Else each of these would take minutes."""
    text = "token: " + piece * 50_000
    assert mask_text(text).startswith("token: ")


@pytest.mark.parametrize("name", ["vc-us01", "auto-update", "nas-u"])
def test_ordinary_names_are_not_suspect(name: str) -> None:
    """Reading a document that is suspect takes ten times as long."""
    assert not suspect(
        json.dumps(
            {"location": f"sftp://{name}:22/a", "user": "bob", "location_user": "x"},
            separators=(",", ":"),
        )
    )


def test_quick_test_is_never_wrongly_false_however_a_text_is_written() -> None:
    random = Random(1)  # noqa: S311 - no secret
    signs = [*"\"'\\ \n\t:=%<>-&;@é", "--", "//", '"a":']
    for _ in range(5000):
        text = random.choice(URLS + TEXTS)
        for _ in range(random.randrange(4)):
            place, length = random.randrange(len(text)), random.randrange(3)
            text = text[:place] + random.choice(signs) + text[place + length :]
        if mask_text(text) != text:
            assert suspect(json.dumps({"a": [text]}, separators=(",", ":"))), text


@given(st.text(), st.sampled_from(URLS))
def test_every_url_in_any_text_is_masked(before: str, url: str) -> None:
    assert PASSWORD not in mask_text(f"{before} {url}")


@pytest.mark.parametrize("name", ["password", "db_passwd", "PWD", "user_pass", "sig", "api-key"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert names_secret(name)
    assert suspect(json.dumps({"params": {name: {"s": "x"}}}))


@pytest.mark.parametrize("name", ["key", "author", "compass", "design", "passed"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert not names_secret(name)
