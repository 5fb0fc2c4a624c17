"""The files in `deploy/nagios/`, run by Nagios and Icinga: the results as they read them."""

from __future__ import annotations

import getpass
import grp
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.reports.nights import CADENCED, NOW, SCHEDULED, UNTOLD, night
from tests.reports.nights import at as instant
from tests.support import monitors
from tests.support.archives import created, import_documents
from tests.support.command import archive
from tests.support.configurations import DEFAULTS, written
from tests.support.monitored import HOSTILE, UNHEARD, load

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOY = Path(__file__).parents[2] / "deploy" / "nagios"
PLACES = Path(__file__).parents[1] / "data" / "monitors"
# Characters that end a line, a text, a word or a macro for one of them.
SPITEFUL = "vc6\\n| 'x'=1 $HOSTNAME$ \"y\" <b>&`id`; \\"
ARGUMENTS = ("--warning-age", "26h", "--critical-age", "50h")


class Seen(NamedTuple):
    """A service in the monitoring system: its state, the first line, further lines, performance data."""

    state: int
    output: str
    more: str
    data: str


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the configuration of a monitored archive, with a hostile name in it."""
    folder = tmp_path_factory.mktemp("archive")
    engine = created(folder / "archive.db")
    load(engine)
    failed = [night(f"2026-03-{day:02}T01:00", "FAILED") for day in (9, 10, 11)]
    import_documents(engine, dict(failed), SPITEFUL, instant("2026-03-11T06:00"))
    tagged = f'[[appliance]]\nname = "{SCHEDULED}"\ntags = {{ site = "a b", tier = "1" }}\n'
    url = engine.url.render_as_string()
    return written(folder, f'database = "{url}"\n{DEFAULTS}{tagged}')


def printed(configuration: Path, *arguments: str) -> Seen:
    """Return the output of the command, parsed as the guidelines say."""
    done = archive("check", f"--config={configuration}", "--now", NOW, *arguments)
    first, _, more = done.out.partition("\n")
    output, _, data = first.partition(" | ")
    return Seen(done.code, output, more.removesuffix("\n"), data)


def command(folder: Path) -> str:
    """Write a command that runs this checkout, on the morning of the fleet, and return its path."""
    path = folder / "archive"
    line = shlex.join([sys.executable, "-m", "archive"])
    path.write_text(f'#!/bin/sh\nexec {line} "$@" --now {NOW}\n')
    path.chmod(0o755)
    return str(path)


def replaced(name: str, places: Mapping[str, str]) -> str:
    """Return a file of `deploy/` with other paths in it, each of which it must contain."""
    text = (DEPLOY / name).read_text()
    for old, new in places.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def blocks(text: str, kind: str) -> list[dict[str, str]]:
    """Return the blocks of a kind in Nagios' status file."""
    found = re.findall(rf"^{kind} \{{\n(.*?)^\t\}}$", text, re.DOTALL | re.MULTILINE)
    return [dict(re.findall(r"^\t(\w+)=(.*)$", each, re.MULTILINE)) for each in found]


def unescaped(text: str) -> str:
    """Return the longer text without Nagios' own escapes."""
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def test_nagios(configuration: Path, tmp_path: Path) -> None:
    """Nagios accepts the files, and has the state, texts and performance data of every service."""
    program = monitors.program("nagios4", "nagios")
    (tmp_path / "results").mkdir()
    main = tmp_path / "nagios.cfg"
    group = grp.getgrgid(os.getgid()).gr_name
    places = {"FOLDER": str(tmp_path), "USER": getpass.getuser(), "GROUP": group}
    named = [SCHEDULED, CADENCED, UNTOLD, UNHEARD]
    # No host name has such characters; arguments of a command have.
    others = {"hostile": "vc4*", "spiteful": "vc6*"}
    for name in ("nagios.cfg", "site.cfg"):
        text = (PLACES / name).read_text()
        (tmp_path / name).write_text(re.sub("FOLDER|USER|GROUP", lambda m: places[m[0]], text))
    with (tmp_path / "site.cfg").open("a") as site:
        for name in ("archive.example.com", *named, *others):
            site.write(f"define host {{\n use generic-host\n host_name {name}\n}}\n")
        for name, glob in others.items():
            site.write(
                f"define service {{\n use generic-service\n host_name {name}\n max_check_attempts 3\n"
                f" service_description vCenter backup\n check_command check_archive!'{glob}'\n}}\n"
            )
    deployed = {
        "/usr/bin/sudo -n -u archive /opt/archive/bin/archive": command(tmp_path),
        "/etc/archive/archive.toml": str(configuration),
        "vc01.example.com": ",".join(named),
    }
    (tmp_path / "archive.cfg").write_text(replaced("archive.cfg", deployed))
    verified = monitors.run([program, "-v", str(main)])
    assert "Total Warnings: 0\nTotal Errors:   0\n" in verified

    expected = {"archive.example.com": printed(configuration)}
    expected |= {name: printed(configuration, name, *ARGUMENTS) for name in named}
    expected |= {name: printed(configuration, glob) for name, glob in others.items()}
    status = tmp_path / "status"

    def checked() -> list[dict[str, str]]:
        text = status.read_text() if status.exists() else ""
        return [one for one in blocks(text, "servicestatus") if one["has_been_checked"] == "1"]

    with monitors.running([program, str(main)], tmp_path / "said") as wait_until:
        wait_until(lambda: len(checked()) == len(expected))
        seen = {
            one["host_name"]: Seen(
                int(one["current_state"]),
                one["plugin_output"],
                unescaped(one["long_plugin_output"]),
                one["performance_data"],
            )
            for one in checked()
        }
    assert seen == expected
    assert {name: seen[name].state for name in named} == {
        SCHEDULED: 0, CADENCED: 3, UNTOLD: 2, UNHEARD: 3,
    }  # fmt: skip
    fleet = seen["archive.example.com"]
    assert fleet.output.startswith("ARCHIVE CRITICAL - 2 CRITICAL, 2 UNKNOWN, 2 OK - ")
    assert fleet.more.count("\n") == 3
    assert SPITEFUL.lower().replace("|", "/").replace(";", ",") in fleet.more


def saved(path: Path) -> dict[str, dict[str, Any]]:
    """Return the services in Icinga's state file by host: JSON, each after its length."""
    data, place, found = path.read_bytes(), 0, {}
    while place < len(data):
        colon = data.index(b":", place)
        end = colon + 1 + int(data[place:colon])
        one = json.loads(data[colon + 1 : end])
        if one["type"] == "Service":
            found[one["name"].partition("!")[0]] = one["update"]["last_check_result"]
        place = end + 1
    return found


def test_icinga(configuration: Path, tmp_path: Path) -> None:
    """Icinga accepts the files, and has the state, texts and performance data of every service."""
    program = monitors.program("icinga2")
    folders = {"ConfigDir", "DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir", "results"}
    for name in folders:
        (tmp_path / name).mkdir()
    # Variables of its configuration, and the user that it runs as, which otherwise would be Debian's.
    defined = [f"-D{name}={tmp_path / name}" for name in sorted(folders)]
    user = {"ICINGA2_USER": getpass.getuser(), "ICINGA2_GROUP": grp.getgrgid(os.getgid()).gr_name}
    # The variables of each host, and the arguments that the command should get from them.
    hosts: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "scheduled": (
            {"vcenter_appliance": SCHEDULED, "archive_tags": ["site=a b", "tier=1"]},
            (SCHEDULED, "--tag", "site=a b", "--tag", "tier=1"),
        ),
        "cadenced": ({"vcenter_appliance": CADENCED}, (CADENCED,)),
        "unheard": ({"vcenter_appliance": UNHEARD}, (UNHEARD,)),
        "ranged": (
            {"vcenter_appliance": UNTOLD, "archive_warning_age": "@7d:8d",
             "archive_critical_age": "9d:", "archive_stale": "1d", "archive_rpo": "2h"},
            (UNTOLD, "-w", "@7d:8d", "-c", "9d:", "--stale", "1d", "--rpo", "2h"),
        ),
        "hostile": ({"vcenter_appliance": HOSTILE}, (HOSTILE,)),
        # A dollar is a macro there unless it is doubled.
        "spiteful": ({"vcenter_appliance": SPITEFUL.replace("$", "$$")}, (SPITEFUL,)),
    }  # fmt: skip
    deployed = {
        '"/usr/bin/sudo", "-n", "-u", "archive", "/opt/archive/bin/archive"': f'"{command(tmp_path)}"',
        "/etc/archive/archive.toml": str(configuration),
        # The first checks are spread over this time.
        "check_interval = 30m": "check_interval = 2s",
    }
    site = (PLACES / "icinga2.conf").read_text() + replaced("icinga2.conf", deployed)
    for name, (variables, _) in hosts.items():
        lines = "".join(
            f"vars.{key} = {json.dumps(value, ensure_ascii=False)}\n"
            for key, value in variables.items()
        )
        site += f'object Host "{name}" {{ check_command = "dummy"\n{lines}}}\n'
    main = tmp_path / "icinga2.conf"
    main.write_text(site)
    asked = [program, "daemon", "-c", str(main), *defined]
    assert "critical/" not in monitors.run([*asked, "-C"], **user)

    expected = {name: printed(configuration, *arguments) for name, (_, arguments) in hosts.items()}
    expected["monitoring"] = printed(configuration)

    def checked() -> set[str]:
        files = (tmp_path / "results").glob("services.*")
        return {line.partition("\t")[0] for path in files for line in path.read_text().splitlines()}

    # Ended regularly, it saves its whole state.
    with monitors.running(asked, tmp_path / "said", **user) as wait_until:
        wait_until(lambda: checked() == expected.keys())
    results = saved(tmp_path / "DataDir" / "icinga2.state")
    seen = {}
    for name, result in results.items():
        output, _, more = result["output"].partition("\n")
        data = " ".join(
            f"'{label}'={value}"
            for label, _, value in (one.partition("=") for one in result["performance_data"])
        )
        seen[name] = Seen(int(result["state"]), output.rstrip(" "), more, data)
        assert result["exit_status"] == result["state"]
    assert seen == expected
    assert {name: one.state for name, one in seen.items()} == {
        "monitoring": 2, "scheduled": 0, "cadenced": 3, "unheard": 3, "ranged": 2,
        "hostile": 2, "spiteful": 2,
    }  # fmt: skip

    # Icinga converts the figures; of ranges it keeps only an end.
    data = json.dumps(results["scheduled"]["performance_data"])
    query = (
        f"{data}.map(function(one) {{ var p = parse_performance_data(one);"
        " return [p.label, p.value, p.unit, p.warn, p.crit, p.min, p.max] })"
    )
    assert json.loads(monitors.run([program, "console", "--eval", query], **user)) == [
        ["archive", 7200, "seconds", 180000, None, 0, None],
        ["appliances", 1, "", None, None, 0, None],
        ["critical", 0, "", None, None, 0, None],
        ["warning", 0, "", None, None, 0, None],
        ["unknown", 0, "", None, None, 0, None],
        ["age", 25170, "seconds", 90000, 180000, 0, None],
        ["failures", 0, "", 2, None, 0, None],
        ["missed", 3, "", None, None, 0, None],
        ["drop", 0, "percent", 50, 90, 0, 100],
        ["duration", 60, "seconds", None, None, 0, None],
        ["import", 7200, "seconds", 180000, None, 0, None],
        ["stuck", 0, "", 0, None, 0, None],
        ["other", 0, "", 0, None, 0, None],
    ]
