"""The output of `archive metrics` and the rules of `deploy/prometheus/`, in node_exporter and Prometheus."""

from __future__ import annotations

import json
import socket
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.reports.nights import CADENCED, NOW, SCHEDULED, UNTOLD
from tests.support import monitors
from tests.support.archives import created
from tests.support.command import archive, at
from tests.support.monitored import load

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "archive.rules.yml"
# Whatever proxies the environment names: requests to this machine are direct.
_ASKED = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CONFIGURATION = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files:
  - {rules}
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["{target}"]
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of the monitored fleet, alone in its folder."""
    engine = created(tmp_path_factory.mktemp("archive") / "archive.db")
    load(engine)
    path = tmp_path_factory.mktemp("textfile") / "archive.prom"
    assert archive("metrics", at(engine), "--now", NOW, "-o", str(path)).code == 0
    return path


def free() -> str:
    """Return a free address on the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"


def asked(address: str, path: str) -> str | None:
    """Return the answer; None if nobody listens yet, or it is not ready."""
    try:
        with _ASKED.open(f"http://{address}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except URLError:
        return None


@contextmanager
def node_exporter(written: Path, log: Path) -> Iterator[str]:
    """Run a node_exporter with only this file, and give its address."""
    program = monitors.program("prometheus-node-exporter", "node_exporter")
    address = free()
    command = [
        program, "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={written.parent}", f"--web.listen-address={address}",
    ]  # fmt: skip
    with monitors.running(command, log) as wait_until:
        wait_until(lambda: asked(address, "/metrics") is not None)
        yield address


def families(text: str) -> dict[str, tuple[str, str, list[tuple[Any, ...]]]]:
    """Return the archive's metrics: their types, helps and series with values, by name."""
    return {
        family.name: (
            family.type,
            family.documentation,
            sorted((one.name, sorted(one.labels.items()), one.value) for one in family.samples),
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("archive_")
    }


def test_node_exporter_serves_the_file(written: Path, tmp_path: Path) -> None:
    """It has every metric and every series, including hostile names, and no error."""
    with node_exporter(written, tmp_path / "said") as address:
        answer = asked(address, "/metrics") or ""
    assert "\nnode_textfile_scrape_error 0\n" in answer
    expected = families(written.read_text(encoding="utf-8"))
    assert len(expected) > 20
    assert families(answer) == expected


def test_prometheus_evaluates_every_rule(written: Path, tmp_path: Path) -> None:
    """It scrapes the file and evaluates each rule without an error; recorded series exist."""
    program = monitors.program("prometheus")
    address = free()
    configuration = tmp_path / "prometheus.yml"
    command = [
        program, f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'series'}",
        f"--web.listen-address={address}",
    ]  # fmt: skip

    def data(path: str) -> Any:
        text = asked(address, f"/api/v1/{path}")
        return None if text is None else json.loads(text)["data"]

    def rules() -> list[dict[str, Any]]:
        return [rule for group in data("rules")["groups"] for rule in group["rules"]]

    def values(query: str) -> dict[str, float]:
        """Return the values of series by their labels, without those of the scrape."""
        result = data(f"query?query={urllib.parse.quote(query)}")["result"]
        kept = ("appliance", "state")
        return {
            " ".join(one["metric"][label] for label in kept if label in one["metric"]): float(
                one["value"][1]
            )
            for one in result
        }

    with node_exporter(written, tmp_path / "exporter") as target:
        configuration.write_text(CONFIGURATION.format(rules=RULES, target=target))
        with monitors.running(command, tmp_path / "said") as wait_until:
            wait_until(lambda: asked(address, "/-/ready") is not None)
            wait_until(lambda: bool(values("instance:archive_import_age:seconds")))
            wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()))
            evaluated = rules()
            counted = values("state:archive_appliances:count")
            ages = values("appliance:archive_backup_age:seconds")
    text = RULES.read_text()
    assert len(evaluated) == text.count("- alert:") + text.count("- record:")
    assert [rule for rule in evaluated if rule["health"] != "ok" or "lastError" in rule] == []
    assert counted == {"ok": 2, "overdue": 0, "never": 1, "no recent data": 2, "retired": 0}
    assert ages.keys() == {SCHEDULED, CADENCED, UNTOLD}
    assert ages[SCHEDULED] < ages[CADENCED] < ages[UNTOLD]
