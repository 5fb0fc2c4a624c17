"""The files in `deploy/` for monitoring work unchanged, except for paths."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer.main

from archive.cli.app import app
from tests.support import monitors

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "archive.rules.yml"
NAGIOS = DEPLOY / "nagios"
METRICS = Path(__file__).parents[1] / "data" / "metrics.prom"
PAGE = DEPLOY.parent / "docs" / "monitoring.md"


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [monitors.program("promtool"), *arguments],
        cwd=RULES.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_promtool_accepts_the_rules() -> None:
    done = _promtool("check", "rules", RULES.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_fire_when_they_should() -> None:
    done = _promtool("test", "rules", "archive.rules.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_use_existing_metrics() -> None:
    """Each metric of a rule is written, and each alert is tested and documented."""
    known = set(re.findall(r"^# TYPE (\S+)", METRICS.read_text(), re.MULTILINE))
    rules = RULES.read_text()
    expressions = re.findall(r"expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*)\n)", rules)
    assert len(expressions) == rules.count("expr:")
    used = {
        name
        for pair in expressions
        for name in re.findall(r"(?<![:\w])archive_\w+(?![:\w])", "".join(pair))
    }
    assert used
    assert used <= known
    tested = RULES.with_suffix("").with_suffix(".rules.test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        assert f"alertname: {alert}\n" in tested
        assert f"`{alert}`" in PAGE.read_text()
    for record in re.findall(r"record: (\S+)", rules):
        assert record in tested or record in rules.replace(f"record: {record}", "")


def test_metrics_are_documented() -> None:
    """Each metric is in the documentation, some by their endings."""
    page = PAGE.read_text()
    for name in re.findall(r"^# TYPE (\S+)", METRICS.read_text(), re.MULTILINE):
        ending = re.search(r"_(?:end_timestamp|duration)_seconds$", name)
        assert f"`{name}`" in page or (ending is not None and f"`...{ending[0]}`" in page)


def _check(line: str) -> None:
    """Parse a command line as the command does; raises for an unknown option."""
    words = shlex.split(line)
    words = words[words.index("/opt/archive/bin/archive") + 1 :]
    assert words[0] == "check"
    commands = typer.main.get_command(app)
    assert hasattr(commands, "commands")
    commands.commands["check"].make_context("check", words[1:])


def test_nagios_commands_parse() -> None:
    text = (NAGIOS / "archive.cfg").read_text()
    line = re.findall(r"command_line\s+(.*)", text)[0]
    called = re.findall(r"check_command\s+check_archive(?:!(.*))?", text)
    assert len(called) == 2
    for arguments in called:
        _check(line.replace("$ARG1$", arguments).replace("$HOSTNAME$", "vc01.example.com"))


@pytest.mark.parametrize("name", ["nrpe.cfg", "mrpe.cfg"])
def test_agent_commands_parse(name: str) -> None:
    lines = [line for line in (NAGIOS / name).read_text().splitlines() if line and line[0] != "#"]
    assert len(lines) == 1
    _check(lines[0])


def test_icinga_knows_every_threshold() -> None:
    """Icinga's command has each threshold option, and no unknown ones."""
    text = (NAGIOS / "icinga2.conf").read_text()
    named = re.findall(r'"(--[a-z-]+)" = ', text)
    thresholds = {
        f"--{level}-{figure}"
        for level in ("warning", "critical")
        for figure in ("age", "failures", "missed", "drop", "duration", "import", "stuck", "other")
    }
    assert set(named) == thresholds | {"--stale", "--timeout", "--rpo", "--tag"}
    words = " ".join(f"{option} 1d" for option in ("--stale", "--rpo"))
    _check(f"/opt/archive/bin/archive check {words} --timeout 90 --tag a=b vc01.example.com")
    assert text.count("{") == text.count("}")
