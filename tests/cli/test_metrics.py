from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import archive as package
from archive.monitoring.exposition import Snapshot, exposition
from archive.monitoring.states import State
from archive.reports.collection import CollectionRow
from tests.reports.nights import CADENCED, NOW, SCHEDULED, UNTOLD, night
from tests.support import monitors
from tests.support.archives import import_documents
from tests.support.command import archive, at
from tests.support.configurations import DEFAULTS, written
from tests.support.monitored import HOSTILE, UNHEARD, load
from tests.support.samples import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

EXPECTED = DATA / "metrics.prom"


@pytest.fixture
def place(engine: Engine) -> str:
    """Give the option that names the archive of the fleet."""
    load(engine)
    return at(engine)


@pytest.fixture
def strict_umask() -> Iterator[None]:
    """Let new files be nobody else's, as the service of systemd does."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_metrics(place: str) -> None:
    """Every metric with its help and type, of every appliance what there is."""
    done = archive("metrics", place, "--now", NOW)
    assert (done.code, done.err) == (0, "")
    version = f'version="{package.__version__}"'
    assert done.out == EXPECTED.read_text(encoding="utf-8").replace('version="VERSION"', version)


def test_series_are_bounded(place: str) -> None:
    """A series is told by an appliance and fixed words; nobody's series comes twice."""
    told = archive("metrics", place, "--now", NOW).out
    series = [
        (sample.name, *sorted(sample.labels.items()))
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    ]
    assert len(set(series)) == len(series)
    labels = {label for _, *pairs in series for label in pairs}
    assert {value for name, value in labels if name == "appliance"} == {
        SCHEDULED, CADENCED, UNTOLD, HOSTILE, UNHEARD,
    }  # fmt: skip
    assert {name for name, _ in labels} == {"appliance", "state", "outcome", "version"}


def test_some_appliances(place: str) -> None:
    """Of appliances that are not meant nothing is told; the archive's own metrics are of all."""
    told = archive("metrics", place, "--now", NOW, "-a", "vc3*", "--rpo", "9d").out
    assert SCHEDULED not in told
    assert f'archive_backup_state{{appliance="{UNTOLD}",state="ok"}} 1.0\n' in told
    assert f'archive_backup_rpo_seconds{{appliance="{UNTOLD}"}} 777600.0\n' in told
    assert "archive_quarantine_documents 1.0\n" in told
    assert "archive_last_import_timestamp_seconds 1.7732088e+09\n" in told
    done = archive("metrics", place, "-a", "nobody")
    assert (done.code, done.out) == (2, "")


def test_cadences_are_heeded(place: str, tmp_path: Path) -> None:
    """How often a backup is expected by the configuration is what the last success is held against."""
    entries = f'[[appliance]]\nname = "{CADENCED}"\ncadence = "7d"\n'
    config = written(tmp_path, f"{DEFAULTS}{entries}")
    told = archive("metrics", place, "--now", NOW, "--config", str(config)).out
    assert f'archive_backup_rpo_seconds{{appliance="{CADENCED}"}} 608400.0\n' in told
    assert f'archive_backup_state{{appliance="{CADENCED}",state="ok"}} 1.0\n' in told


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1))
def test_any_name_is_read_back(name: str) -> None:
    """Whatever a name has in it, it is one label of one line."""
    heard = CollectionRow(name, None, None, None, None, 0, None, 0, None, None, 1, 1, 0, 0)
    state = State(
        heard,
        not_reporting=True,
        rpo=None,
        success=None,
        tally=None,
        consecutive_failures=0,
        drop=None,
    )
    told = exposition(Snapshot("1", NOW, [state], {}, None, None, None, 0))
    assert [
        sample.labels["appliance"]
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if family.name == "archive_appliance_not_reporting"
    ] == [name]


def test_an_empty_archive(engine: Engine) -> None:
    """Of nothing nothing is told, but when that was."""
    lines = archive("metrics", at(engine), "--now", NOW).out.splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f'archive_build_info{{version="{package.__version__}"}} 1.0',
        "archive_metrics_timestamp_seconds 1.773216e+09",
        "archive_quarantine_documents 0.0",
    ]


def test_a_drop(engine: Engine) -> None:
    """A last success of a quarter of what is usual is a drop by three quarters."""
    jobs = [night(f"2026-03-{day:02}T01:00", size=4 * 2**30) for day in range(1, 11)]
    import_documents(engine, dict([*jobs, night("2026-03-11T01:00", size=2**30)]), "vc", NOW)
    told = archive("metrics", at(engine), "--now", NOW).out
    assert 'archive_backup_last_success_size_drop_ratio{appliance="vc"} 0.75\n' in told
    assert 'archive_backup_transferred_bytes_total{appliance="vc"} 4.4023414784e+10\n' in told


@pytest.mark.usefixtures("strict_umask")
def test_everybody_may_read_the_file(place: str, tmp_path: Path) -> None:
    """The collector is another user, so a file has 0644, new or replaced; nothing lies beside it."""
    path = tmp_path / "archive.prom"
    for _ in range(2):
        assert archive("metrics", place, "--now", NOW, "-o", str(path)) == (0, "", "")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        path.chmod(0o600)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == archive("metrics", place, "--now", NOW).out


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """If the archive cannot be read, what was told before stays."""
    path = tmp_path / "archive.prom"
    path.write_text("old")
    done = archive("metrics", "-d", str(tmp_path / "none.db"), "-o", str(path))
    assert (done.code, done.out, path.read_text()) == (1, "", "old")


def test_promtool_finds_nothing_wrong(place: str) -> None:
    """The names keep to Prometheus' conventions."""
    program = monitors.program("promtool")
    told = archive("metrics", place, "--now", NOW).out
    done = subprocess.run(
        [program, "check", "metrics"], input=told, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
