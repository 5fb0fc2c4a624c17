"""The figures as Prometheus reads them: the text format, by its own library.

Times are instants in Unix seconds, not ages: those are for Prometheus to tell. The one label of a
series that comes from the archive is the name of an appliance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from archive import timestamps
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OK, OVERDUE
from archive.monitoring.states import DAYS
from archive.monitoring.totals import Totals
from archive.store import collection_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from archive.monitoring.states import State
    from archive.store.collection_log import Collection
    from archive.store.import_log import LoggedRun

_STATES = (OK, OVERDUE, NEVER, NO_RECENT_DATA)
_COLLECTIONS = (
    collection_log.RUNNING, collection_log.COMPLETE, collection_log.PARTIAL, collection_log.FAILED, collection_log.INTERRUPTED,
)  # fmt: skip
_RUNS = ("running", "complete", "failed")


class Told(NamedTuple):
    """All that is exposed: `run` and `collection` are the latest, None if there is none.

    `heard` is when the archive last heard of any appliance, of these or others, None if never.
    """

    version: str
    now: str
    states: Sequence[State]
    totals: Mapping[str, Totals]
    run: LoggedRun | None
    collection: Collection | None
    heard: str | None
    quarantined: int


def exposition(told: Told) -> str:
    """Return it in the text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(told))
    return generate_latest(registry).decode()


class _Collector(Collector):
    def __init__(self, told: Told) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics that have samples."""
        for metric in _metrics(self._told):
            if metric.samples:
                yield metric


def _metrics(told: Told) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "archive_build", "The version of archive that wrote this.", {"version": told.version}
    )
    yield _one("archive_metrics_timestamp_seconds", "As of when this was written.", _unix(told.now))
    yield from _of_appliances(told.states)
    yield from _counters(told)
    yield from _of_runs(told.run)
    yield from _of_collections(told.collection)
    yield _one(
        "archive_last_import_timestamp_seconds",
        "When the archive last heard of any appliance.",
        _unix(told.heard),
    )
    yield _one(
        "archive_quarantine_documents",
        "Documents that could not be archived as jobs and are kept aside.",
        told.quarantined,
    )


def _of_appliances(states: Sequence[State]) -> Iterator[Metric]:
    metric = GaugeMetricFamily(
        "archive_backup_state",
        "Whether the last success is recent enough (1 for the state it is in): ok, late, never, or"
        " unknown because nothing was heard that would tell.",
        labels=("appliance", "state"),
    )
    for state in states:
        for one in _STATES:
            metric.add_metric((state.name, one), float(state.state == one))
    yield metric

    def gauge(name: str, help_: str, samples: Iterable[tuple[str, float | None]]) -> Metric:
        metric = GaugeMetricFamily(name, help_, labels=("appliance",))
        for appliance, value in samples:
            if value is not None:
                metric.add_metric((appliance,), float(value))
        return metric

    recent = [(state.name, state.rpo) for state in states if state.rpo is not None]
    successes = [(state.name, state.success) for state in states if state.success is not None]
    tallies = [(state.name, state.tally) for state in states if state.tally is not None]
    yield gauge(
        "archive_backup_objective_seconds",
        "The greatest age that the last success may have.",
        ((one, row.objective_seconds) for one, row in recent),
    )
    yield gauge(
        "archive_backup_last_success_start_timestamp_seconds",
        "When the last successful backup started.",
        ((one, _unix(row.success_start_time)) for one, row in recent),
    )
    yield gauge(
        "archive_backup_last_success_end_timestamp_seconds",
        "When the last successful backup ended.",
        ((one, _unix(row.success_end_time)) for one, row in recent),
    )
    yield gauge(
        "archive_backup_last_success_size_bytes",
        "How much the last successful backup transferred.",
        ((one, row.size_bytes) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_duration_seconds",
        "How long the last successful backup took.",
        ((one, row.duration_seconds) for one, row in successes),
    )
    yield gauge(
        "archive_backup_last_success_size_drop_ratio",
        "By how much the last successful backup is smaller than usual; 0 if it is not unusual.",
        ((state.name, None if state.drop is None else state.drop / 100) for state in states),
    )
    yield gauge(
        "archive_backup_last_attempt_start_timestamp_seconds",
        "When the last backup started, whatever became of it.",
        ((one, _unix(row.attempt_start_time)) for one, row in recent),
    )
    yield gauge(
        "archive_backup_last_attempt_succeeded",
        "Whether the last backup succeeded (1) or not, or not yet (0).",
        (
            (one, None if row.attempt_status is None else row.attempt_status == "SUCCEEDED")
            for one, row in recent
        ),
    )
    yield gauge(
        "archive_backup_consecutive_failures",
        "Failures in a row of the latest finished backups.",
        ((state.name, state.consecutive_failures) for state in states if state.rpo is not None),
    )
    yield gauge(
        "archive_backup_expected_recent",
        f"On how many of the last {DAYS} days a backup was expected.",
        ((one, row.expected) for one, row in tallies),
    )
    yield gauge(
        "archive_backup_missed_recent",
        f"On how many of the last {DAYS} days an expected backup did not come.",
        ((one, row.missed) for one, row in tallies),
    )
    yield gauge(
        "archive_appliance_last_import_timestamp_seconds",
        "When the archive last heard of the appliance.",
        ((state.name, _unix(state.collection.last_seen)) for state in states),
    )
    yield gauge(
        "archive_appliance_not_reporting",
        "Whether the archive has not heard of the appliance for longer than usual (1).",
        ((state.name, state.not_reporting) for state in states),
    )
    yield gauge(
        "archive_appliance_quarantine_documents",
        "Documents of the appliance that could not be archived as jobs and are kept aside.",
        ((state.name, state.collection.quarantined) for state in states),
    )


def _counters(told: Told) -> Iterator[Metric]:
    finished = CounterMetricFamily(
        "archive_backup_finished",
        "Backups of the archive's history that have finished, by outcome.",
        labels=("appliance", "outcome"),
    )
    transferred = CounterMetricFamily(
        "archive_backup_transferred_bytes",
        "What the successful backups of the archive's history transferred.",
        labels=("appliance",),
    )
    duration = CounterMetricFamily(
        "archive_backup_duration_seconds",
        "How long the successful backups of the archive's history took together.",
        labels=("appliance",),
    )
    for state in told.states:
        if state.rpo is None:
            continue
        totals = told.totals.get(state.name, Totals())
        finished.add_metric((state.name, "succeeded"), totals.succeeded)
        finished.add_metric((state.name, "failed"), totals.failed)
        transferred.add_metric((state.name,), totals.size_bytes)
        duration.add_metric((state.name,), totals.duration_seconds)
    yield from (finished, transferred, duration)


def _of_runs(run: LoggedRun | None) -> Iterator[Metric]:
    if run is None:
        return
    name = "archive_last_import"
    yield _one(
        f"{name}_start_timestamp_seconds", "When the latest import began.", _unix(run.started)
    )
    yield _one(
        f"{name}_end_timestamp_seconds", "When the latest import ended.", _unix(run.finished)
    )
    yield _outcomes(f"{name}_outcome", "What became of the latest import.", _RUNS, run.outcome)


def _of_collections(collection: Collection | None) -> Iterator[Metric]:
    if collection is None:
        return
    name = "archive_last_collection"
    yield _one(
        f"{name}_start_timestamp_seconds",
        "When the latest collection began.",
        _unix(collection.started),
    )
    yield _one(
        f"{name}_end_timestamp_seconds",
        "When the latest collection ended.",
        _unix(collection.finished),
    )
    yield _outcomes(
        f"{name}_outcome",
        "What became of the latest collection.",
        _COLLECTIONS,
        collection.outcome,
    )
    metric = GaugeMetricFamily(
        f"{name}_appliances", "Appliances that the latest collection asked.", labels=("outcome",)
    )
    for outcome in (collection_log.COMPLETE, collection_log.PARTIAL, collection_log.FAILED):
        metric.add_metric((outcome,), float(getattr(collection, outcome)))
    yield metric


def _one(name: str, help_: str, value: float | None) -> Metric:
    metric = GaugeMetricFamily(name, help_)
    if value is not None:
        metric.add_metric((), float(value))
    return metric


def _outcomes(name: str, help_: str, known: Iterable[str], found: str) -> Metric:
    metric = GaugeMetricFamily(name, f"{help_[:-1]} (1 for the outcome).", labels=("outcome",))
    for outcome in known:
        metric.add_metric((outcome,), float(outcome == found))
    return metric


def _unix(instant: str | None) -> float | None:
    return None if instant is None else timestamps.to_datetime(instant).timestamp()
