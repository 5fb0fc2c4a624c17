from __future__ import annotations

import os
import re
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import archive as package
from archive.db import migrate
from archive.judgement.rpo import NOTHING, Rpo
from archive.judgement.standing import NO_RECENT_DATA
from archive.monitoring.exposition import Snapshot, exposition
from archive.monitoring.states import State
from archive.reports.collection import Reporting
from archive.reports.core.current import Current
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
    """Let new files be readable by their owner only, as the systemd service does."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def plain(printed: str) -> str:
    """Return metrics without the place of the archive."""
    return re.sub(r'archive="[^"]*"', 'archive="ARCHIVE"', printed)


def test_two_archives_on_one_host_have_no_series_in_common(tmp_path: Path) -> None:
    """Each without appliances, or with others: their files lie in one folder of node_exporter."""
    found = []
    for name in ("one.db", "two.db"):
        engine = migrate.connect(str(tmp_path / name))
        migrate.upgrade(engine)
        import_documents(engine, {}, f"vc-{name}")
        printed = archive("metrics", at(engine), "--now", NOW).out
        found.append({line.rpartition(" ")[0] for line in printed.splitlines() if line[0] != "#"})
    assert not found[0] & found[1]


def test_all_metrics_are_written(place: str) -> None:
    """Every metric has its help and type, and every appliance its known values."""
    done = archive("metrics", place, "--now", NOW)
    assert (done.code, done.err) == (0, "")
    version = f'version="{package.__version__}"'
    expected = EXPECTED.read_text(encoding="utf-8").replace('version="VERSION"', version)
    assert plain(done.out) == expected


def test_labels_are_bounded(place: str) -> None:
    """Labels are the appliance and fixed words; no series comes twice."""
    printed = archive("metrics", place, "--now", NOW).out
    series = [
        (sample.name, *sorted(sample.labels.items()))
        for family in text_string_to_metric_families(printed)
        for sample in family.samples
    ]
    assert len(set(series)) == len(series)
    labels = {label for _, *pairs in series for label in pairs}
    assert {value for name, value in labels if name == "appliance"} == {
        SCHEDULED, CADENCED, UNTOLD, HOSTILE, UNHEARD,
    }  # fmt: skip
    assert {name for name, _ in labels} == {
        "appliance", "archive", "state", "outcome", "version",
    }  # fmt: skip


def test_selected_appliances(place: str) -> None:
    """Other appliances have no series; the metrics of the archive itself cover all."""
    printed = archive("metrics", place, "--now", NOW, "-a", "vc3*", "--rpo", "9d").out
    assert SCHEDULED not in printed
    assert f'archive_backup_state{{appliance="{UNTOLD}",state="ok"}} 1.0\n' in printed
    assert f'archive_backup_rpo_seconds{{appliance="{UNTOLD}"}} 777600.0\n' in printed
    printed = plain(printed)
    assert 'archive_quarantine_documents{archive="ARCHIVE"} 1.0\n' in printed
    assert 'archive_last_import_timestamp_seconds{archive="ARCHIVE"} 1.7732088e+09\n' in printed
    done = archive("metrics", place, "-a", "nobody")
    assert (done.code, done.out) == (2, "")


def test_cadences_of_the_configuration_apply(place: str, tmp_path: Path) -> None:
    """The last success is compared with the cadence of the configuration."""
    entries = f'[[appliance]]\nname = "{CADENCED}"\ncadence = "7d"\n'
    config = written(tmp_path, f"{DEFAULTS}{entries}")
    printed = archive("metrics", place, "--now", NOW, "--config", str(config)).out
    assert f'archive_backup_rpo_seconds{{appliance="{CADENCED}"}} 655200.0\n' in printed
    assert f'archive_backup_state{{appliance="{CADENCED}",state="ok"}} 1.0\n' in printed


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1))
def test_any_name_is_escaped_in_labels(name: str) -> None:
    """Any name of an appliance is one label on one line."""
    state = State(
        Reporting(name, None, None, None, None, not_reporting=True, quarantined=0),
        Current(None, name, NO_RECENT_DATA, Rpo(None, NOTHING), *[None] * 9),
        tally=None,
        consecutive_failures=0,
        drop=None,
    )
    printed = exposition(Snapshot("/a.db", "1", NOW, [state], {}, None, None, None, 0))
    assert [
        sample.labels["appliance"]
        for family in text_string_to_metric_families(printed)
        for sample in family.samples
        if family.name == "archive_appliance_not_reporting"
    ] == [name]


def test_empty_archive(engine: Engine) -> None:
    """An empty archive has only the time of evaluation."""
    lines = plain(archive("metrics", at(engine), "--now", NOW).out).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f'archive_build_info{{archive="ARCHIVE",version="{package.__version__}"}} 1.0',
        'archive_metrics_timestamp_seconds{archive="ARCHIVE"} 1.773216e+09',
        'archive_quarantine_documents{archive="ARCHIVE"} 0.0',
    ]


def test_size_drop(engine: Engine) -> None:
    """A last success of a quarter of the usual size is a drop by three quarters."""
    jobs = [night(f"2026-03-{day:02}T01:00", size=4 * 2**30) for day in range(1, 11)]
    import_documents(engine, dict([*jobs, night("2026-03-11T01:00", size=2**30)]), "vc", NOW)
    printed = archive("metrics", at(engine), "--now", NOW).out
    assert 'archive_backup_last_success_size_drop_ratio{appliance="vc"} 0.75\n' in printed
    assert 'archive_backup_transferred_bytes_total{appliance="vc"} 4.4023414784e+10\n' in printed


@pytest.mark.usefixtures("strict_umask")
def test_file_is_readable_by_everyone(place: str, tmp_path: Path) -> None:
    """The collector is another user, so a file has mode 0644, new or replaced; no temporary file stays."""
    path = tmp_path / "archive.prom"
    for _ in range(2):
        assert archive("metrics", place, "--now", NOW, "-o", str(path)) == (0, "", "")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        path.chmod(0o600)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == archive("metrics", place, "--now", NOW).out


def test_failure_keeps_the_old_file(tmp_path: Path) -> None:
    """If the archive cannot be read, the old file stays."""
    path = tmp_path / "archive.prom"
    path.write_text("old")
    done = archive("metrics", "-d", str(tmp_path / "none.db"), "-o", str(path))
    assert (done.code, done.out, path.read_text()) == (1, "", "old")


def test_promtool_accepts_the_metrics(place: str) -> None:
    """The names follow Prometheus' conventions."""
    program = monitors.program("promtool")
    printed = archive("metrics", place, "--now", NOW).out
    done = subprocess.run(
        [program, "check", "metrics"], input=printed, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
