from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.calendar import Calendar
from archive.config import file, sections
from archive.config.settings import Entry, Fleet, Secret, Trust
from archive.errors import ConfigurationError
from tests.support.configurations import DEFAULTS, PIN, USER, written

FILE = Secret(file=Path("vcenter-password"))
WHOLE = """\
database = "archive.db"
concurrency = 4
[calendar]
time_zone = "Europe/Berlin"
day_start = "16:00"
[defaults]
user = "archive@vsphere.local"
secret = { file = "vcenter-password" }
ca_file = "vcenter-ca.pem"
cadence = "1d"
tags = { site = "Berlin", owner = "ops" }
deadline = "5min"
[[appliance]]
name = "vc01.example.com"
[[appliance]]
name = "London"
address = "VC02.example.com:5480"
user = "other@vsphere.local"
secret = { command = ["pass", "show", "vc02"] }
pin = "SHA256:%s"
cadence = "12h"
tags = { site = "London" }
enabled = false
connect_timeout = "0.5s"
read_timeout = "2min"
[[appliance]]
name = "vc03"
address = "[2001:DB8:0::1]"
verify = false
secret = "hunter2"
""" % PIN.hex(":").upper()  # noqa: UP031 - braces are TOML's here


def refused(path: Path) -> list[str]:
    """Read an invalid configuration, and return its problems without the path."""
    with pytest.raises(ConfigurationError) as error:
        file.read(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Give the paths of the user's and the system's configuration; neither exists yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setattr(file, "SYSTEM", tmp_path / "system" / "archive.toml")
    monkeypatch.delenv(file.VARIABLE, raising=False)
    return file.users_own(), file.SYSTEM


def test_precedence_of_configuration_files(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The named file, then the environment's, then the user's, then the system's."""
    assert places[0].is_relative_to(tmp_path / "user")
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "")  # in the current folder, which anyone may have filled
    assert file.find(None) is None
    for place in reversed(places):
        place.parent.mkdir(parents=True)
        place.touch()
        assert file.find(None) == place
    for name in ("environment.toml", "named.toml"):
        (tmp_path / name).touch()
    monkeypatch.setenv(file.VARIABLE, str(tmp_path / "environment.toml"))
    assert file.find(None) == tmp_path / "environment.toml"
    assert file.find(str(tmp_path / "named.toml")) == tmp_path / "named.toml"
    monkeypatch.setenv(file.VARIABLE, "")
    assert file.find(None) == places[0]


@pytest.mark.usefixtures("places")
def test_named_configuration_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which option or variable names the missing file."""
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigurationError) as error:
        file.find(str(missing))
    assert str(error.value) == f"{missing}: no such file; check --config"
    monkeypatch.setenv(file.VARIABLE, str(missing))
    with pytest.raises(ConfigurationError, match=r"; check \$ARCHIVE_CONFIG"):
        file.find(None)


def test_inaccessible_configuration_is_an_error(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inaccessible configuration is not skipped: it may name the archive."""

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(ConfigurationError) as error:
        file.find(None)
    said = f"{places[0]}: cannot be read: Permission denied; use --config to name another file"
    assert str(error.value) == said


def test_complete_configuration(tmp_path: Path) -> None:
    """Keys missing from an appliance come from the defaults; paths are relative to the file."""
    path = written(tmp_path, WHOLE)
    assert file.read(path) == Fleet(
        path=path,
        database=str(tmp_path / "archive.db"),
        calendar=Calendar("Europe/Berlin", "16:00"),
        concurrency=4,
        entries=(
            Entry(
                name="vc01.example.com",
                host="vc01.example.com",
                user=USER,
                secret=FILE,
                trust=Trust(ca_file=tmp_path / "vcenter-ca.pem"),
                cadence_seconds=86400,
                tags={"site": "Berlin", "owner": "ops"},
            ),
            Entry(
                name="london",
                host="VC02.example.com",
                port=5480,
                user="other@vsphere.local",
                secret=Secret(command=("pass", "show", "vc02")),
                trust=Trust(pin=PIN),
                connect_timeout=0.5,
                read_timeout=120,
                cadence_seconds=43200,
                tags={"site": "London", "owner": "ops"},
                enabled=False,
            ),
            Entry(
                name="vc03",
                host="2001:db8::1",
                user=USER,
                secret=Secret(value="hunter2"),
                trust=Trust(verify=False),
                cadence_seconds=86400,
                tags={"site": "Berlin", "owner": "ops"},
            ),
        ),
    )


def test_empty_configuration(tmp_path: Path) -> None:
    """All keys are optional; a missing half of the calendar is its default."""
    path = written(tmp_path, "", 0o644)
    assert file.read(path) == Fleet(path=path)
    assert file.database(path) is None
    path = written(tmp_path, '[calendar]\nday_start = "16:00"\n')
    assert file.read(path).calendar == Calendar("UTC", "16:00")


def test_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths in the file are found from any current folder."""
    written(tmp_path, 'database = "a.db"')
    monkeypatch.chdir(tmp_path)
    fleet = file.read(Path("archive.toml"))
    assert (fleet.path, fleet.database) == (tmp_path / "archive.toml", str(tmp_path / "a.db"))
    assert file.database(Path("archive.toml")) == fleet.database


def test_home_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` stands for the user's home directory in every path."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = written(
        tmp_path,
        'database = "~/a.db"\n[defaults]\nuser = "u"\nca_file = "~/ca"\n'
        '[[appliance]]\nname = "a"\nsecret = { file = "~/s" }\n'
        '[[appliance]]\nname = "b"\nsecret = { command = ["~/c", "~/d"] }\n',
    )
    fleet, home = file.read(path), tmp_path / "home"
    assert fleet.database == str(home / "a.db")
    assert [entry.trust.ca_file for entry in fleet.entries] == [home / "ca"] * 2
    assert fleet.entries[0].secret.file == home / "s"
    assert fleet.entries[1].secret.command == (str(home / "c"), "~/d")


@pytest.mark.parametrize(
    ("address", "host", "port", "shown"),
    [
        ("vc01", "vc01", 443, "vc01"),
        ("vc01:443", "vc01", 443, "vc01"),
        ("192.0.2.1:5480", "192.0.2.1", 5480, "192.0.2.1:5480"),
        ("[::1]", "::1", 443, "[::1]"),
        ("[0:0::1]:65535", "::1", 65535, "[::1]:65535"),
    ],
)
def test_addresses(tmp_path: Path, address: str, host: str, port: int, shown: str) -> None:
    """An address is a host with an optional port; IPv6 is in brackets."""
    text = f'{DEFAULTS}[[appliance]]\nname = "a"\naddress = "{address}"\n'
    (entry,) = file.read(written(tmp_path, text)).entries
    assert (entry.host, entry.port, entry.address) == (host, port, shown)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('address = "https://vc01/"', "address: write only host and port, such as vc01.example"),
        ('address = "root@vc01"', "address: write only host and port, such as vc01.example"),
        ('address = "2001:db8::1"', "address: write an IPv6 address in brackets, such as ["),
        ('address = "[vc01]"', 'address: invalid IPv6 address "vc01"'),
        ('address = "[::1"', "address: write an IPv6 address in brackets"),
        ('address = "-a"', 'address: invalid host "-a"'),
        ('address = "a b"', 'address: invalid host "a b"'),
        ('address = ":443"', 'address: invalid host ""'),
        ('address = "vc01..example.com"', 'address: invalid host "vc01..example.com"; set address'),
        (f'address = "{"a" * 64}.example.com"', 'address: invalid host "aaaa'),
        ('address = "10.0.0:5480"', 'address: invalid host "10.0.0"; set address'),
        ('address = "10.0.0.256"', 'address: invalid host "10.0.0.256"; set address'),
        ('address = "a:"', 'address: invalid port "": must be a number from 1 to 65535'),
        ('address = "a:0"', 'address: invalid port "0"'),
        ('address = "a:65536"', 'address: invalid port "65536"'),
        ('address = "a:+80"', 'address: invalid port "+80"'),
        ('address = ""', "address: must have at least one character, all of them printable"),
        ("address = 1", "address: must be a string in quotes"),
        ('user = " "', "user: must have at least one character, all of them printable"),
        ("enabled = 1", "enabled: must be true or false"),
        ('verify = "no"', "verify: must be true or false"),
        ("cadence = 1", "cadence: write a number and its unit, such as 10s, 5min, 12h or 1d"),
        ('cadence = "59min"', "cadence: must be at least 1h"),
        ('cadence = "1w"', "cadence: write a number and its unit, such as 10s, 5min, 12h or 1d"),
        ('cadence = "-1d"', "cadence: write a number and its unit, such as 10s, 5min, 12h or 1d"),
        ('cadence = "0d"', "cadence: must be longer than 0s and at most 366d"),
        ('cadence = "367d"', "cadence: must be longer than 0s and at most 366d"),
        ('cadence = "0.5s"', "cadence: must be a whole number of seconds"),
        ('deadline = "5 m"', "deadline: write a number and its unit, such as 10s, 5min, 12h or 1d"),
        ('pin = "sha256:00"', "pin: must be sha256: and 64 hexadecimal digits, with or without"),
        (f'pin = "{PIN.hex()}"', "pin: must be sha256: and 64 hexadecimal digits, with or"),
        ("tags = 1", 'tags: write it as { site = "Berlin", owner = "ops" }'),
        ("tags = { a = 1 }", "tags: a: must be a string in quotes"),
        ('tags = { "a=b" = "" }', "tags: invalid tag name 'a=b'; use printable"),
        ('secret = ""', "secret: empty; write it as { file = "),
        ("secret = 1", "secret: write it as { file = "),
        ('secret = { file = "a", keyring = "b" }', "secret: write it as { file = "),
        (
            'secret = { fiel = "a" }',
            'secret: unknown source "fiel"; write it as { file =',
        ),
        ('secret = { file = "" }', "secret: file: must have at least one character"),
        (
            'secret = { file = "~nobody-here/a" }',
            "secret: file: cannot find the home directory for ~",
        ),
        ("secret = { environment = 1 }", "secret: environment: must be a string in quotes"),
        ('secret = { command = "pass show" }', "secret: command: write program and arguments as"),
        ("secret = { command = [] }", "secret: command: write program and arguments as an array"),
        ('pasword = "x"', 'unknown key "pasword" (known: connect_timeout, '),
        ('adress = "x"', 'unknown key "adress" (did you mean "address"?)'),
        (
            f'pin = "sha256:{PIN.hex()}"\nca_file = "a"',
            "pin: cannot be combined with ca_file; remove",
        ),
        (f'pin = "sha256:{PIN.hex()}"\nverify = false', "pin: contradicts verify = false"),
    ],
)
def test_invalid_keys_of_appliances(tmp_path: Path, line: str, said: str) -> None:
    """Each problem is reported once, with the appliance, the key and what would be valid."""
    found = refused(written(tmp_path, f'{DEFAULTS}[[appliance]]\nname = "vc01"\n{line}\n'))
    assert len(found) == 1
    assert found[0].startswith(f"[[appliance]] vc01: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("concurrency = 0", "concurrency: must be a number from 1 to 1,000"),
        ("concurrency = true", "concurrency: must be a number from 1 to 1,000"),
        ("calendar = 1", "calendar: must be a table"),
        ("calendar.time_zone = 1", "[calendar]: time_zone: must be a string in quotes"),
        ('calendar.time_zone = "Mars"', '[calendar]: unknown time zone "Mars": use an IANA'),
        ('calendar.day_start = "4pm"', '[calendar]: invalid time of day "4pm": write HH:MM'),
        ('calendar.zone = "UTC"', '[calendar]: unknown key "zone" (did you mean "time_zone"?)'),
        ('database = "mysql://h/x"', "database: invalid database: use postgresql://"),
        ("database = 1", "database: must be a string in quotes"),
        ('[appliance]\nname = "a"', "appliance: write each as a table under its own"),
        (
            "defaults.verify = false",
            "[defaults]: verify: verification can only be switched off for",
        ),
        ("defaults.verify = true", "[defaults]: verify: verification can only be switched off for"),
        ('defaults.name = "a"', "[defaults]: name: set it for each appliance"),
        ('defaults.user = ""', "[defaults]: user: must have at least one character"),
        ('fleet = "a"', 'unknown key "fleet" (known: database, concurrency, calendar'),
        ('"a\\nb" = 1', 'unknown key "a b"'),
        ('[notify]\nname = "a"', "notify: write each as a table under its own"),
        ('[[notify]]\nname = "a"', "[[notify]] a: url: missing"),
        ('[[notify]]\nurl = "json://h"', "[[notify]] 1: name: missing"),
        ('[[notify]]\nname = "a"\nurl = ""', "[[notify]] a: url: empty; write it as { file ="),
        ('[[notify]]\nname = "a"\nurl = 1\n', "[[notify]] a: url: write it as { file ="),
        (
            '[[notify]]\nname = "a"\nurl = "x"\n' * 2,
            "[[notify]] a: name: another [[notify]] already has this name",
        ),
        (f"{DEFAULTS}[[appliance]]", "[[appliance]] 1: name: missing"),
        (f"{DEFAULTS}[[appliance]]\nname = 1", "[[appliance]] 1: name: must be a string in"),
        (f'{DEFAULTS}[[appliance]]\nname = ""', "[[appliance]] 1: name: invalid appliance name ''"),
        (
            f'{DEFAULTS}[[appliance]]\nname = "a b"',
            '[[appliance]] a b: address: invalid host "a b"; set',
        ),
    ],
)
def test_invalid_keys_elsewhere(tmp_path: Path, text: str, said: str) -> None:
    """Each problem is reported once, with its key and what would be valid."""
    found = refused(written(tmp_path, text))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_recipients_of_notifications(tmp_path: Path) -> None:
    """The source of a URL is that of a secret; relative paths start at the configuration."""
    text = """\
[[notify]]
name = "a"
url = { command = ["pass", "show", "a"] }
ca_file = "ca.pem"
[[notify]]
name = "b"
url = "json://host/token"
"""
    first, second = file.read(written(tmp_path, text)).notified
    assert first.url.origin == "command pass"
    assert (first.ca_file, second.ca_file) == (tmp_path / "ca.pem", None)
    assert second.url.value == "json://host/token"
    assert "token" not in repr(second)
    (problem,) = refused(written(tmp_path, text, 0o644))
    assert problem.startswith("[[notify]] b: url: the URL is in this file, but other users can")


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """No problem hides another; a problem in the defaults is reported only there."""
    path = written(
        tmp_path,
        'databse = "a.db"\n[defaults]\nuser = 1\n'
        '[[appliance]]\nname = "a"\nenabled = 1\n'
        '[[appliance]]\nname = "A"\nsecret = "x"\n'
        '[[appliance]]\nname = "b"\naddress = "a:443"\nsecret = "x"\n',
    )
    assert refused(path) == [
        'unknown key "databse" (did you mean "database"?)',
        "[defaults]: user: must be a string in quotes",
        "[[appliance]] a: enabled: must be true or false",
        "[[appliance]] a: secret: missing; set it here or in [defaults]",
        "[[appliance]] A: name: another appliance already has this name",
        "[[appliance]] b: address: same address as [[appliance]] a",
    ]


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("name = 'vc.example.com'", "name = 'VC.example.com.'", "name: another appliance already"),
        (
            "name = 'a'\naddress = 'vc.example.com'",
            "name = 'b'\naddress = 'vc.example.com.:443'",
            "address: same address as [[appliance]] a",
        ),
    ],
)
def test_full_names_of_hosts_are_compared_without_their_dot(
    tmp_path: Path, first: str, second: str, problem: str
) -> None:
    defaults = "[defaults]\nuser = 'u'\nsecret.command = ['pass']\n"
    (found,) = refused(
        written(tmp_path, f"{defaults}[[appliance]]\n{first}\n[[appliance]]\n{second}\n")
    )
    assert problem in found


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_password_in_a_readable_file_is_refused(tmp_path: Path, mode: int) -> None:
    """A file with a password must not be accessible to others; the error does not repeat it."""
    text = (
        'database = "postgresql://u:hunter2@h/n"\ndefaults.user = "u"\n'
        'defaults.secret = "hunter2"\n[[appliance]]\nname = "a"\nsecret = "hunter2"\n'
    )
    path = written(tmp_path, text, mode)
    mend = f"other users can read or write {path}; run `chmod 600 {path}`"
    assert refused(path) == [
        f"[defaults]: secret: the password is in this file, but {mend}",
        f"[[appliance]] a: secret: the password is in this file, but {mend}",
        f"database: contains a password, but {mend}",
    ]
    with pytest.raises(ConfigurationError) as error:
        file.database(path)
    assert str(error.value) == f"{path}: database: contains a password, but {mend}"
    for private in (0o600, 0o400):
        path.chmod(private)
        assert file.read(path).database == file.database(path) == "postgresql://u:hunter2@h/n"


def test_password_in_a_file_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in a file that belongs to another user is refused."""
    user = os.geteuid()
    path = written(tmp_path, 'database = "postgresql://h/n?password=hunter2"')
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    mend = f"run `chown {user + 1} {path}`"
    said = f"database: contains a password, but {path} belongs to another user; {mend}"
    assert refused(path) == [said]


def test_world_writable_file_with_commands_is_refused(tmp_path: Path) -> None:
    """A file that names commands must not be writable by everyone."""
    assert refused(written(tmp_path, "", 0o602)) == [
        f"every user can write to this file; run `chmod o-w {tmp_path}/archive.toml`"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = ", "invalid TOML: Invalid value"),
        (
            b"a = 1\nb\n",
            "invalid TOML: Expected '=' after a key in a key/value pair (at line 2, column 2)",
        ),
        (
            b"[calendar]\n[calendar]\n",
            "invalid TOML: Cannot declare ('calendar',) twice (at line 2, column 10)",
        ),
        (b"# one\n# \xff\n", "not valid UTF-8 (line 2)"),
        (
            b"\xef\xbb\xbfconcurrency = 3\n",
            "invalid TOML: it starts with a byte-order mark; save it",
        ),
        (b"concurrency = " + b"9" * 5000, "invalid TOML: a number has too many digits"),
        (
            b"a = " + b"[" * 3000 + b"]" * 3000,
            "invalid TOML: tables or arrays are nested too deeply",
        ),
        (b"a" + b".a" * 3000 + b" = 1", "invalid TOML: tables or arrays are nested too deeply"),
    ],
)
def test_invalid_toml(tmp_path: Path, content: bytes, said: str) -> None:
    """Invalid TOML is refused with its line, by every reader."""
    path = written(tmp_path, "")
    path.write_bytes(content)
    assert refused(path)[0].startswith(said)
    with pytest.raises(ConfigurationError, match=r"invalid TOML|not valid UTF-8"):
        file.database(path)


def test_unreadable_file(tmp_path: Path) -> None:
    """An unreadable file is refused with advice."""
    assert refused(tmp_path) == [
        "cannot be read: Is a directory; use --config to name another file"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.db", "{folder}/a.db"),
        ("../a.db", "{folder}/../a.db"),
        ("/x/a.db", "/x/a.db"),
        ("sqlite:///a.db", "{folder}/a.db"),
        ("sqlite:////x/a.db", "/x/a.db"),
        ("postgresql://u@h/n", "postgresql://u@h/n"),
    ],
)
def test_database(tmp_path: Path, text: str, found: str) -> None:
    """The path of a SQLite file is relative to the configuration; a server's URL stays unchanged."""
    path = written(tmp_path, f'database = "{text}"\n[[appliance]]\nwrong = 1\n', 0o644)
    assert file.database(path) == found.format(folder=tmp_path)


KEYS = st.sampled_from(sorted({*sections._TOP, *sections._APPLIANCE, *sections._CALENDAR, "file"}))
SCALARS = (
    st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=9)
    | st.sampled_from(["UTC", "1d", "~", "sqlite://", "postgresql://u:p@h", "[::1]:1", "a:1"])
)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2)
TABLES = st.dictionaries(KEYS | st.text(max_size=3), VALUES, max_size=4)


@given(TABLES, TABLES, st.lists(TABLES, max_size=2), st.none() | st.just("it is not private"))
def test_any_toml_is_read_or_refused(
    top: dict[str, Any], defaults: dict[str, Any], tables: list[dict[str, Any]], unsafe: str | None
) -> None:
    """No TOML file causes an internal error."""
    document = top | {"defaults": defaults, "appliance": tables}
    path = Path("/f/archive.toml")
    said = ""
    try:
        read = len(sections.fleet(document, path, unsafe).entries)
    except ConfigurationError as error:
        said = str(error)
    else:
        assert read == len(tables)
    assert all(line.startswith(f"{path}: ") for line in said.splitlines())


@pytest.mark.parametrize(
    "secrets", [{}, {"value": "a", "keyring": "b"}, {"environment": "a", "file": Path("b")}]
)
def test_secret_has_exactly_one_source(secrets: dict[str, Any]) -> None:
    """A secret comes from exactly one source."""
    with pytest.raises(ValueError, match="exactly one source"):
        Secret(**secrets)


def test_repr_hides_passwords(tmp_path: Path) -> None:
    """No representation of a fleet contains a password."""
    fleet = file.read(written(tmp_path, WHOLE))
    assert fleet.entries[2].secret.value == "hunter2"
    assert "hunter2" not in f"{fleet!r}{fleet}{fleet.entries[2].secret.origin}"


COMMAND = '[defaults]\nsecret = { command = ["pass", "vc"] }\n'


def test_file_of_another_user_with_a_command_is_refused(tmp_path: Path) -> None:
    """Its author would act as the user who reads it."""
    path = written(tmp_path, COMMAND, 0o644)
    file.read(path)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234)
        said = f"the file names a command, but belongs to another user; run `chown 0 {path}`"
        assert refused(path) == [said]
        path.write_text("")
        file.read(path)


@pytest.mark.parametrize("mode", [0o620, 0o660, 0o664])
def test_file_that_a_group_may_change_with_a_command_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, COMMAND, mode)
    if os.geteuid() == 0:
        os.chown(path, 0, 12345)
        said = f"the file names a command, but a group can write to it; run `chmod g-w {path}`"
        assert refused(path) == [said]
