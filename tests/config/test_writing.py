from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.appliance_names import NAME_LENGTH, identity
from archive.config.file import read
from archive.config.settings import Entry, Secret, Trust
from archive.config.writing import add
from archive.errors import ConfigurationError, UsageError
from tests.support.configurations import DEFAULTS, PIN, USER, written

BEFORE = f"""\
# The fleet.
concurrency   = 4   # no more

{DEFAULTS}
[[appliance]]   # the first
name = 'vc01'
tags = {{site="Berlin"}}

[calendar]
day_start = "16:00"  # the last line has no end"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rest_of_the_file_is_unchanged(tmp_path: Path) -> None:
    """An appliance is appended, and every other byte stays as it is."""
    path = written(tmp_path, BEFORE, 0o640)
    entry = add(path, {"name": "vc02", "tags": {"a site": "Berlin"}, "enabled": False})
    assert path.read_text() == (
        f'{BEFORE}\n\n[[appliance]]\nname = "vc02"\ntags = {{"a site" = "Berlin"}}\nenabled = false\n'
    )
    fleet = read(path)
    assert [entry.name for entry in fleet.entries] == ["vc01", "vc02"]
    assert fleet.entries[1] == entry
    assert (fleet.concurrency, mode(path)) == (4, 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_new_file(tmp_path: Path) -> None:
    """A missing file is created with its folder, readable by its owner only from the start."""
    path = tmp_path / "config" / "archive" / "archive.toml"
    entry = add(path, {"name": "vc01", "user": USER, "secret": "hunter2"})
    assert path.read_text() == (
        f'[[appliance]]\nname = "vc01"\nuser = "{USER}"\nsecret = "hunter2"\n'
    )
    assert mode(path) == 0o600
    assert read(path).entries == (entry,)


def test_symbolic_link_stays(tmp_path: Path) -> None:
    """The target of a link is replaced, and the link still leads to it."""
    folder = tmp_path / "behind"
    folder.mkdir()
    behind, link = written(folder, DEFAULTS), tmp_path / "archive.toml"
    link.symlink_to(behind)
    entry = add(link, {"name": "vc01", "ca_file": "ca.pem"})
    assert entry.trust == Trust(ca_file=tmp_path / "ca.pem")
    assert link.is_symlink()
    assert [entry.name for entry in read(behind).entries] == ["vc01"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_is_kept(tmp_path: Path) -> None:
    """A file that root adds to still belongs to its owner."""
    path = written(tmp_path, DEFAULTS)
    os.chown(path, 1234, 1234)
    add(path, {"name": "vc01"})
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1234)


@pytest.mark.parametrize("name", ["vc01", "VC01", "vc01.", "Vc01."])
def test_existing_name_is_refused(tmp_path: Path, name: str) -> None:
    """A name is added once, in any case, with or without the dot of a full name."""
    path = written(tmp_path, BEFORE)
    with pytest.raises(UsageError) as error:
        add(path, {"name": name})
    assert str(error.value) == f"{path}: appliance {name} already exists"
    assert path.read_text() == BEFORE


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        (BEFORE, {"name": "vc02", "pin": "x"}, "[[appliance]] vc02: pin: must be sha256: and"),
        (
            BEFORE,
            {"name": "vc02", "address": "vc01"},
            "[[appliance]] vc02: address: same address as",
        ),
        (BEFORE, {}, "[[appliance]] 2: name: missing"),
        (BEFORE, {"name": "vc02", "secret": "x"}, "[[appliance]] vc02: secret: the password is in"),
        ("x = 1", {"name": "vc02"}, 'unknown key "x"'),
        ("x", {"name": "vc02"}, "invalid TOML"),
        ("appliance = []", {"name": "vc02"}, "appliance: cannot add to an array in"),
    ],
)
def test_invalid_entry_is_refused(
    tmp_path: Path, text: str, values: dict[str, Any], said: str
) -> None:
    """An entry that could not be read back is refused, and the file is unchanged."""
    path = written(tmp_path, text, 0o640)
    with pytest.raises(ConfigurationError) as error:
        add(path, values)
    assert str(error.value).startswith(f"{path}: {said}")
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_entries_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """Each reads the file only when the one before it has written."""
    path, names = written(tmp_path, DEFAULTS), [f"vc{number:02}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as threads:
        for entry in threads.map(lambda name: add(path, {"name": name}), names):
            assert entry.name in names
    assert sorted(entry.name for entry in read(path).entries) == names
    assert list(tmp_path.iterdir()) == [path]


def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems refuse to lock a folder; the file is written all the same."""

    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    path = written(tmp_path, DEFAULTS)
    add(path, {"name": "vc01"})
    assert len(read(path).entries) == 1


def test_write_error_leaves_the_file_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a disk error the file is as it was, and no temporary file is left."""

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = written(tmp_path, BEFORE)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ConfigurationError) as error:
        add(path, {"name": "vc02"})
    assert str(error.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_text() == BEFORE
    assert list(tmp_path.iterdir()) == [path]


def test_file_system_without_folder_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems refuse to sync a folder; the file is written all the same."""
    path, synchronise = written(tmp_path, DEFAULTS), os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        synchronise(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    assert read(path).entries == ()
    add(path, {"name": "vc01"})
    assert len(read(path).entries) == 1


PRINTABLE = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=20
).filter(str.strip)
NAMES = PRINTABLE.map(str.strip).filter(lambda name: 1 <= len(identity(name)) <= NAME_LENGTH)
HOSTS = st.from_regex(r"[a-z_][a-zA-Z0-9_-]{0,9}(\.[a-zA-Z0-9_-]{1,5}){0,2}\.?", fullmatch=True)
PORTS = st.integers(1, 65535)
PASSWORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
# How each key is written, and its value when read back.
SECRETS: st.SearchStrategy[tuple[Any, Secret]] = st.one_of(
    PASSWORDS.map(lambda text: (text, Secret(value=text))),
    PRINTABLE.map(lambda text: ({"environment": text}, Secret(environment=text))),
    PRINTABLE.map(lambda text: ({"keyring": text}, Secret(keyring=text))),
    st.lists(WORDS, max_size=3).map(
        lambda words: ({"command": ["pass", *words]}, Secret(command=("pass", *words)))
    ),
    HOSTS.map(lambda name: ({"file": name}, Secret(file=Path(name)))),
)
TRUSTS: st.SearchStrategy[tuple[dict[str, Any], Trust]] = st.one_of(
    st.just(({}, Trust())),
    st.just(({"verify": True}, Trust())),
    st.just(({"verify": False}, Trust(verify=False))),
    st.just(({"ca_file": "/ca.pem"}, Trust(ca_file=Path("/ca.pem")))),
    st.binary(min_size=32, max_size=32).map(
        lambda pin: ({"pin": f"sha256:{pin.hex(':')}"}, Trust(pin=pin))
    ),
    st.just(({"pin": f"sha256:{PIN.hex()}"}, Trust(pin=PIN))),
)
TIMES = st.tuples(st.integers(1, 24), st.sampled_from(["s", "min", "h", "d"]))
TAGS = st.dictionaries(PRINTABLE.filter(lambda tag: "=" not in tag), PRINTABLE, max_size=3)


@given(NAMES, HOSTS, PORTS, PRINTABLE, SECRETS, TRUSTS, TIMES, TAGS, st.booleans())
def test_written_entries_are_read_back(
    name: str,
    host: str,
    port: int,
    user: str,
    secret: tuple[Any, Secret],
    trust: tuple[dict[str, Any], Trust],
    time: tuple[int, str],
    tags: dict[str, str],
    enabled: bool,  # noqa: FBT001 - a value among others
) -> None:
    """Any entry added to a configuration is read back with the same meaning."""
    number, unit = time
    seconds = number * {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    expected = Entry(
        name=identity(name),
        host=host,
        port=port,
        user=user,
        secret=secret[1],
        trust=trust[1],
        read_timeout=seconds,
        cadence_seconds=3600 * number,
        tags=tags,
        enabled=enabled,
    )
    values = {
        "name": name,
        "address": f"{host}:{port}",
        "user": user,
        "secret": secret[0],
        "cadence": f"{number}h",
        "read_timeout": f"{number}{unit}",
        "tags": tags,
        "enabled": enabled,
        **trust[0],
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "archive.toml"
        assert add(path, values) == expected
        assert read(path).entries == (expected,)
