"""Metrics of the latest import and the latest collection, and how a single figure is exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from archive import timestamps
from archive.store import collection_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from archive.store.collection_log import Collection
    from archive.store.import_log import LoggedRun

# Every value of an outcome is a series of its own, as Prometheus' state sets have it: a change of
# state then does not leave the old series behind.
_COLLECTIONS = (
    collection_log.RUNNING, collection_log.COMPLETE, collection_log.PARTIAL, collection_log.FAILED, collection_log.INTERRUPTED,
)  # fmt: skip
_RUNS = ("running", "complete", "failed", "undone")


def of_runs(run: LoggedRun | None) -> Iterator[Metric]:
    """Yield the metrics of the latest import; none without one."""
    if run is None:
        return
    name = "archive_last_import"
    yield single(
        f"{name}_start_timestamp_seconds", "Start of the latest import.", unix(run.started)
    )
    yield single(f"{name}_end_timestamp_seconds", "End of the latest import.", unix(run.finished))
    yield _outcomes(f"{name}_outcome", "Outcome of the latest import.", _RUNS, run.outcome)


def of_collections(collection: Collection | None) -> Iterator[Metric]:
    """Yield the metrics of the latest collection; none without one."""
    if collection is None:
        return
    name = "archive_last_collection"
    yield single(
        f"{name}_start_timestamp_seconds",
        "Start of the latest collection.",
        unix(collection.started),
    )
    yield single(
        f"{name}_end_timestamp_seconds",
        "End of the latest collection.",
        unix(collection.finished),
    )
    yield _outcomes(
        f"{name}_outcome",
        "Outcome of the latest collection.",
        _COLLECTIONS,
        collection.outcome,
    )
    metric = GaugeMetricFamily(
        f"{name}_appliances",
        "Appliances in the latest collection, by outcome.",
        labels=("outcome",),
    )
    for outcome in (collection_log.COMPLETE, collection_log.PARTIAL, collection_log.FAILED):
        metric.add_metric((outcome,), float(getattr(collection, outcome)))
    yield metric


def single(name: str, help_: str, value: float | None) -> Metric:
    """Return a metric with one sample; without any if the value is unknown."""
    metric = GaugeMetricFamily(name, help_)
    if value is not None:
        metric.add_metric((), float(value))
    return metric


def _outcomes(name: str, help_: str, known: Iterable[str], found: str) -> Metric:
    metric = GaugeMetricFamily(name, f"{help_[:-1]} (1 for the current one).", labels=("outcome",))
    for outcome in known:
        metric.add_metric((outcome,), float(outcome == found))
    return metric


def unix(instant: str | None) -> float | None:
    """Return a fixed-width UTC instant in seconds since 1970."""
    return None if instant is None else timestamps.to_datetime(instant).timestamp()
