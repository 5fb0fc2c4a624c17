"""Metrics for Prometheus in its text format.

Times are Unix timestamps in seconds, not ages: Prometheus computes those. The only label values that
are not fixed are the name of an appliance and, without one, the place of the archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import InfoMetricFamily
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


class _Family(NamedTuple):
    """A metric of single appliances: the name and type of the text format, its help, and its samples.

    A sample has its labels as the text format has them, and its value; without a value it is left out.
    """

    name: str
    type: str
    help: str
    samples: Iterable[tuple[str, float | None]]


# What names in the text format end in, and the types that it has for those of OpenMetrics.
_ENDINGS, _TYPES = {"info": "_info"}, {"info": "gauge"}
_HELP, _TYPE = "# HELP {} {}\n", "# TYPE {} {}\n"
# From here on numbers are written with an exponent.
_LARGE = 1e6


def _lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of the metrics that have samples."""
    for metric in _metrics(snapshot):
        if isinstance(metric, _Family):
            yield from _of_family(metric)
            continue
        if not metric.samples:
            continue
        name = f"{metric.name}{_ENDINGS.get(metric.type, '')}"
        yield _HELP.format(name, metric.documentation)
        yield _TYPE.format(name, _TYPES.get(metric.type, metric.type))
        for sample in metric.samples:
            # So that two archives of a host differ.
            labels = {"archive": snapshot.place, **sample.labels}
            texts = [f'{label}="{_escaped(labels[label])}"' for label in sorted(labels)]
            yield f"{sample.name}{{{','.join(texts)}}} {_number(sample.value)}\n"


# prometheus_client takes several times as long, which large fleets notice: it makes an object of each
# sample, and checks the name of each label.
def _of_family(family: _Family) -> Iterator[str]:
    """Yield the lines of a metric of single appliances, if it has any samples."""
    name = family.name
    lines = [
        f"{name}{{{labels}}} {_number(value)}\n"
        for labels, value in family.samples
        if value is not None
    ]
    if lines:
        yield _HELP.format(name, family.help)
        yield _TYPE.format(name, family.type)
        yield "".join(lines)


def _number(value: float) -> str:
    """Return a number as the text format has it; a flag is 1 or 0."""
    if value < _LARGE:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # it has no types
    return text


def _escaped(text: str) -> str:
    """Return the value of a label as the text format has it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _metrics(snapshot: Snapshot) -> Iterator[Metric | _Family]:
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
    # The label of each appliance is written once, and used by all its metrics.
    labels = [(f'appliance="{_escaped(state.name)}"', state) for state in snapshot.states]
    yield from _of_appliances(labels)
    yield from _counters(labels, snapshot.totals)
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


def _of_appliances(labelled: Sequence[tuple[str, State]]) -> Iterator[_Family]:
    """Yield the metrics of single appliances; a figure that is unknown has no sample."""
    yield _gauge(
        "archive_backup_state",
        "State of the last success against the RPO (1 for the current state): ok, overdue, never,"
        " no recent data or retired.",
        (
            (f'{label},state="{one}"', state.state == one)
            for label, state in labelled
            for one in STATES
        ),
    )
    imported = [(label, state.current) for label, state in labelled if state.is_imported]
    successes = [(label, state.success) for label, state in labelled if state.success is not None]
    tallies = [(label, state.tally) for label, state in labelled if state.tally is not None]
    yield _gauge(
        "archive_backup_rpo_seconds",
        "RPO of the appliance: the maximum age of its last success.",
        ((one, row.rpo.seconds) for one, row in imported),
    )
    yield _gauge(
        "archive_backup_last_success_start_timestamp_seconds",
        "Start of the last successful backup.",
        ((one, unix(row.start_time)) for one, row in successes),
    )
    yield _gauge(
        "archive_backup_last_success_end_timestamp_seconds",
        "End of the last successful backup.",
        ((one, unix(row.end_time)) for one, row in successes),
    )
    yield _gauge(
        "archive_backup_last_success_size_bytes",
        "Bytes that the last successful backup transferred.",
        ((one, row.size_bytes) for one, row in successes),
    )
    yield _gauge(
        "archive_backup_last_success_duration_seconds",
        "Duration of the last successful backup.",
        ((one, row.duration_seconds) for one, row in successes),
    )
    yield _gauge(
        "archive_backup_last_success_size_drop_ratio",
        "How much smaller the last successful backup is than expected; 0 if it is no anomaly.",
        ((label, None if state.drop is None else state.drop / 100) for label, state in labelled),
    )
    yield _gauge(
        "archive_backup_last_attempt_start_timestamp_seconds",
        "Start of the last backup, with any outcome.",
        ((one, unix(row.attempt_start_time)) for one, row in imported),
    )
    yield _gauge(
        "archive_backup_last_attempt_succeeded",
        "Whether the last backup succeeded (1), or failed or is still in progress (0).",
        (
            (one, None if row.attempt_status is None else row.attempt_status == "SUCCEEDED")
            for one, row in imported
        ),
    )
    yield _gauge(
        "archive_backup_consecutive_failures",
        "Consecutive failures up to the latest finished backup.",
        ((label, state.consecutive_failures) for label, state in labelled if state.is_imported),
    )
    yield _gauge(
        "archive_backup_expected_recent",
        f"Expected backups in the last {DAYS} days.",
        ((one, row.expected) for one, row in tallies),
    )
    yield _gauge(
        "archive_backup_missed_recent",
        f"Missed backups in the last {DAYS} days.",
        ((one, row.missed) for one, row in tallies),
    )
    yield _gauge(
        "archive_backup_stuck_jobs",
        "Jobs in progress that are stuck.",
        ((label, state.stuck) for label, state in labelled if state.is_imported),
    )
    yield _gauge(
        "archive_backup_other_recent",
        f"Backups of the last {DAYS} days whose status is not a documented one.",
        ((label, state.unknown_status) for label, state in labelled if state.is_imported),
    )
    yield _gauge(
        "archive_appliance_last_import_timestamp_seconds",
        "Time of the last import of the appliance.",
        ((label, unix(state.collection.last_seen)) for label, state in labelled),
    )
    yield _gauge(
        "archive_appliance_not_reporting",
        "Whether the last import of the appliance is longer ago than usual (1).",
        ((label, state.not_reporting) for label, state in labelled),
    )
    yield _gauge(
        "archive_appliance_quarantine_documents",
        "Documents of the appliance in quarantine.",
        ((label, state.collection.quarantined) for label, state in labelled),
    )


def _gauge(name: str, text: str, samples: Iterable[tuple[str, float | None]]) -> _Family:
    return _Family(name, "gauge", text, samples)


def _counters(
    labelled: Sequence[tuple[str, State]], known: Mapping[str, Totals]
) -> Iterator[_Family]:
    """Yield the totals of the appliances that were imported."""
    found = [
        (label, known.get(state.name, Totals())) for label, state in labelled if state.is_imported
    ]

    def counter(name: str, text: str, samples: Iterable[tuple[str, float]]) -> _Family:
        return _Family(f"{name}_total", "counter", text, samples)

    yield counter(
        "archive_backup_finished",
        "Finished backups in the whole history, by outcome.",
        (
            sample
            for label, totals in found
            for sample in (
                (f'{label},outcome="succeeded"', totals.succeeded),
                (f'{label},outcome="failed"', totals.failed),
            )
        ),
    )
    yield counter(
        "archive_backup_other",
        "Backups in the whole history whose status is not a documented one.",
        ((label, totals.other) for label, totals in found),
    )
    yield counter(
        "archive_backup_transferred_bytes",
        "Bytes that the successful backups in the whole history transferred.",
        ((label, totals.size_bytes) for label, totals in found),
    )
    yield counter(
        "archive_backup_duration_seconds",
        "Total duration of the successful backups in the whole history.",
        ((label, totals.duration_seconds) for label, totals in found),
    )
