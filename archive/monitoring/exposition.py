"""Metrics for Prometheus in its text format.

Times are Unix timestamps in seconds, not ages: Prometheus computes those. The only label values that
are not fixed are the name of an appliance and, without one, the place of the archive.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.utils import floatToGoString

from archive.judgement.standing import STATES
from archive.monitoring.import_metrics import of_collections, of_runs, single, unix
from archive.monitoring.states import DAYS
from archive.monitoring.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from archive.monitoring.states import State
    from archive.store.collection_log import Collection
    from archive.store.import_log import LoggedRun


class Snapshot(NamedTuple):
    """The data behind the metrics, as of `now`; instants are fixed-width UTC texts.

    `run` is the latest import, `collection` the latest collection; both None without any. `place`
    is the archive's path or URL, without passwords. `last_import` is the time of the last import of
    any appliance, selected or not; None without any. `states` are ordered by name, `totals` are by
    name; an appliance without jobs has none.
    """

    place: str
    version: str
    now: str
    states: Sequence[State]
    totals: Mapping[str, Totals]
    run: LoggedRun | None
    collection: Collection | None
    last_import: str | None
    quarantined: int


def exposition(snapshot: Snapshot) -> str:
    """Return the metrics in the text format, version 0.0.4, named by Prometheus' rules."""
    return "".join(_lines(snapshot))


# What names in the text format end in, and the types that it has for those of OpenMetrics.
_ENDINGS, _TYPES = {"counter": "_total", "info": "_info"}, {"info": "gauge"}


# prometheus_client takes twice as long, which large fleets notice: it checks every name of a label.
def _lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of the metrics that have samples."""
    for metric in _metrics(snapshot):
        if not metric.samples:
            continue
        name = f"{metric.name}{_ENDINGS.get(metric.type, '')}"
        yield f"# HELP {name} {metric.documentation}\n"
        yield f"# TYPE {name} {_TYPES.get(metric.type, metric.type)}\n"
        for sample in metric.samples:
            labels = sample.labels
            if "appliance" not in labels:
                # So that two archives of a host differ.
                labels = {"archive": snapshot.place, **labels}
            texts = [f'{label}="{_escaped(labels[label])}"' for label in sorted(labels)]
            yield f"{sample.name}{{{','.join(texts)}}} {floatToGoString(sample.value)}\n"  # type: ignore[no-untyped-call]  # it has no types


@lru_cache(4096)
def _escaped(text: str) -> str:
    """Return the value of a label as the text format has it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield all metrics, some without samples: those are left out."""
    yield InfoMetricFamily(
        "archive_build",
        "The version of archive that wrote this.",
        {"version": snapshot.version},
    )
    yield single(
        "archive_metrics_timestamp_seconds",
        "The time as of which these metrics are evaluated.",
        unix(snapshot.now),
    )
    yield from _of_appliances(snapshot.states)
    yield from _counters(snapshot)
    yield from of_runs(snapshot.run)
    yield from of_collections(snapshot.collection)
    yield single(
        "archive_last_import_timestamp_seconds",
        "Time of the last import of any appliance.",
        unix(snapshot.last_import),
    )
    yield single(
        "archive_quarantine_documents",
        "Documents in quarantine: they could not be archived as jobs.",
        snapshot.quarantined,
    )


def _of_appliances(states: Sequence[State]) -> Iterator[Metric]:
    """Yield the metrics of single appliances; a figure that is unknown has no sample."""
    metric = GaugeMetricFamily(
        "archive_backup_state",
        "State of the last success against the RPO (1 for the current state): ok, overdue, never,"
        " no recent data or retired.",
        labels=("appliance", "state"),
    )
    for state in states:
        for one in STATES:
            metric.add_metric((state.name, one), float(state.state == one))
    yield metric

    def gauge(name: str, help_: str, samples: Iterable[tuple[str, float | None]]) -> Metric:
        metric = GaugeMetricFamily(name, help_, labels=("appliance",))
        for appliance, value in samples:
            if value is not None:
                metric.add_metric((appliance,), float(value))
        return metric

    imported = [(state.name, state.current) for state in states if state.is_imported]
    successes = [(state.name, state.success) for state in states if state.success is not None]
    tallies = [(state.name, state.tally) for state in states if state.tally is not None]
    yield gauge(
        "archive_backup_rpo_seconds",
        "RPO of the appliance: the maximum age of its last success.",
        ((one, row.rpo.seconds) for one, row in imported),
    )
    yield gauge(
        "archive_backup_last_success_start_timestamp_seconds",
        "Start of the last successful backup.",
        ((one, unix(row.start_time)) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_end_timestamp_seconds",
        "End of the last successful backup.",
        ((one, unix(row.end_time)) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_size_bytes",
        "Bytes that the last successful backup transferred.",
        ((one, row.size_bytes) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_duration_seconds",
        "Duration of the last successful backup.",
        ((one, row.duration_seconds) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_size_drop_ratio",
        "How much smaller the last successful backup is than expected; 0 if it is no anomaly.",
        ((state.name, None if state.drop is None else state.drop / 100) for state in states),
    )
    yield gauge(
        "archive_backup_last_attempt_start_timestamp_seconds",
        "Start of the last backup, with any outcome.",
        ((one, unix(row.attempt_start_time)) for one, row in imported),
    )
    yield gauge(
        "archive_backup_last_attempt_succeeded",
        "Whether the last backup succeeded (1), or failed or is still in progress (0).",
        (
            (one, None if row.attempt_status is None else row.attempt_status == "SUCCEEDED")
            for one, row in imported
        ),
    )
    yield gauge(
        "archive_backup_consecutive_failures",
        "Consecutive failures up to the latest finished backup.",
        ((state.name, state.consecutive_failures) for state in states if state.is_imported),
    )
    yield gauge(
        "archive_backup_expected_recent",
        f"Expected backups in the last {DAYS} days.",
        ((one, row.expected) for one, row in tallies),
    )
    yield gauge(
        "archive_backup_missed_recent",
        f"Missed backups in the last {DAYS} days.",
        ((one, row.missed) for one, row in tallies),
    )
    yield gauge(
        "archive_backup_stuck_jobs",
        "Jobs in progress that are stuck.",
        ((state.name, state.stuck) for state in states if state.is_imported),
    )
    yield gauge(
        "archive_backup_other_recent",
        f"Backups of the last {DAYS} days whose status is not a documented one.",
        ((state.name, state.unknown_status) for state in states if state.is_imported),
    )
    yield gauge(
        "archive_appliance_last_import_timestamp_seconds",
        "Time of the last import of the appliance.",
        ((state.name, unix(state.collection.last_seen)) for state in states),
    )
    yield gauge(
        "archive_appliance_not_reporting",
        "Whether the last import of the appliance is longer ago than usual (1).",
        ((state.name, state.not_reporting) for state in states),
    )
    yield gauge(
        "archive_appliance_quarantine_documents",
        "Documents of the appliance in quarantine.",
        ((state.name, state.collection.quarantined) for state in states),
    )


def _counters(snapshot: Snapshot) -> Iterator[Metric]:
    finished = CounterMetricFamily(
        "archive_backup_finished",
        "Finished backups in the whole history, by outcome.",
        labels=("appliance", "outcome"),
    )
    other = CounterMetricFamily(
        "archive_backup_other",
        "Backups in the whole history whose status is not a documented one.",
        labels=("appliance",),
    )
    transferred = CounterMetricFamily(
        "archive_backup_transferred_bytes",
        "Bytes that the successful backups in the whole history transferred.",
        labels=("appliance",),
    )
    duration = CounterMetricFamily(
        "archive_backup_duration_seconds",
        "Total duration of the successful backups in the whole history.",
        labels=("appliance",),
    )
    for state in snapshot.states:
        if not state.is_imported:
            continue
        totals = snapshot.totals.get(state.name, Totals())
        finished.add_metric((state.name, "succeeded"), totals.succeeded)
        finished.add_metric((state.name, "failed"), totals.failed)
        other.add_metric((state.name,), totals.other)
        transferred.add_metric((state.name,), totals.size_bytes)
        duration.add_metric((state.name,), totals.duration_seconds)
    yield from (finished, other, transferred, duration)
