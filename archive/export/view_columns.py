"""The columns of the views that the migrations create, with their types.

The types decide how Parquet and CSV write a value. They are stated here because PostgreSQL and
SQLite report other types for the same view, and SQLite none for an expression.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from archive.db import tables


def _of(source: sa.Table, *names: str) -> tuple[tuple[str, Any], ...]:
    """Return columns that a view takes over from a table, each with its type."""
    return tuple((name, source.c[name].type) for name in names)


def _prefixed(prefix: str, *names: str) -> tuple[tuple[str, Any], ...]:
    """Return columns of `job` with longer names."""
    return tuple((f"{prefix}_{name}", tables.job.c[name].type) for name in names)


_NAME = (("appliance", tables.appliance.c.name.type),)
_JOB = (("appliance_id", sa.BigInteger()), ("job_id", sa.BigInteger()))
_PERIODS = (
    *_of(tables.calendar, "day"),
    ("day_ordinal", tables.calendar.c.ordinal.type),
    *_of(tables.calendar, "week", "month", "quarter", "year"),
)
# Counts of jobs by outcome, as several views have them.
_OUTCOMES = ("finished", "succeeded", "failed", "open", "other")
_NUMBER = sa.BigInteger()
# A sum may exceed 64 bits: it is passed on as the driver returns it, never as a float.
_SUM = sa.types.NullType()
_EXPECTED = (
    *_NAME,
    *_PERIODS,
    *_of(tables.expected_backup, "due_time", "basis", "outcome", "attempts"),
    *_of(tables.job, "key", "status"),
    *_JOB,
)
# The views with one or more rows for each job.
JOB_VIEWS = ("v_job", "v_message", "v_anomaly")
# The columns of the views that the migrations create, in order, with their types.
VIEWS: dict[str, tuple[tuple[str, Any], ...]] = {
    "v_job": (
        *_NAME,
        *_of(tables.job, "key", "status"),
        *((name, sa.Integer()) for name in _OUTCOMES),
        *_of(tables.job, "type", "start_time", "end_time", "duration_seconds", "size_bytes", "day"),
        ("day_ordinal", tables.calendar.c.ordinal.type),
        *_of(tables.calendar, "week", "month", "quarter", "year"),
        ("location", tables.location.c.masked_url.type),
        *_of(tables.job, "location_folder", "location_user"),
        *_of(tables.build, "version_name", "version", "build_number"),
        *_of(tables.job, "user_name", "progress_total", "progress_completed"),
        *_of(tables.job, "first_seen", "last_seen"),
        ("wrong_clock", sa.Integer()),
        *_JOB,
    ),
    "v_message": (
        *_NAME,
        *_of(tables.job, "key", "status", "day"),
        *_of(tables.message, "seq", "role"),
        *_of(tables.message_template, "message_id"),
        ("text", tables.message_content.c.localized.type),
        *_of(tables.message_template, "default_message"),
        *_of(tables.message_content, "localized"),
        *_JOB,
    ),
    "v_day": (
        *_PERIODS,
        *_of(tables.day_total, "type", "status", "jobs"),
        *((name, _NUMBER) for name in (*_OUTCOMES, "sized")),
        ("size_bytes", _SUM),
        ("timed", _NUMBER),
        ("duration_seconds", _SUM),
    ),
    "v_month": (
        *_NAME,
        *_of(tables.calendar, "month", "quarter", "year"),
        *_of(tables.appliance_month, "type", "status"),
        ("location", tables.location.c.masked_url.type),
        *_of(tables.build, "version_name", "version", "build_number"),
        *((name, _NUMBER) for name in ("jobs", *_OUTCOMES, "sized")),
        ("size_bytes", _SUM),
        ("timed", _NUMBER),
        ("duration_seconds", _SUM),
        *_of(tables.appliance_month, "first_day", "last_day"),
        ("appliance_id", _NUMBER),
    ),
    "v_today": _PERIODS,
    "v_appliance": (
        *_NAME,
        *_of(tables.appliance, "first_seen", "last_seen"),
        *_of(tables.system_version, "version", "build_number", "product"),
        *_of(tables.system_time_zone, "time_zone"),
        ("last_success", tables.job.c.day.type),
        ("last_success_key", tables.job.c.key.type),
        ("last_attempt", tables.job.c.day.type),
        ("last_attempt_key", tables.job.c.key.type),
        ("last_status", tables.job.c.status.type),
        ("schedules", _NUMBER),
        ("schedule_key", tables.schedule.c.key.type),
        ("schedule", tables.schedule.c.days.type),
        *((f"schedule_{name}", _NUMBER) for name in ("enabled", "hour", "minute")),
        ("schedule_days", tables.schedule.c.days.type),
        ("schedule_max_count", _NUMBER),
        ("appliance_id", _NUMBER),
    ),
    "v_expected_backup": _EXPECTED,
    "v_missed": _EXPECTED,
    "v_standing": (
        *_NAME,
        ("state", tables.job.c.status.type),
        ("last_success", tables.job.c.day.type),
        *_prefixed("last_success", "key", "start_time", "end_time", "size_bytes", "duration_seconds"),
        ("last_attempt", tables.job.c.day.type),
        *_prefixed("last_attempt", "key", "status", "start_time"),
        *_of(
            tables.appliance_standing,
            "consecutive_failures",
            "failing_since_time",
            "worst_consecutive_failures",
            "worst_since_time",
            "rpo_seconds",
            "rpo_from",
            "overdue_since_time",
            "next_due_time",
        ),
        ("next_due", tables.job.c.status.type),
        *_of(tables.appliance, "last_seen"),
        *_of(tables.appliance_standing, "usual_import_seconds", "import_due_time"),
        ("not_reporting", sa.Integer()),
        *_of(tables.appliance, "retired_at"),
        ("appliance_id", _NUMBER),
    ),
    "v_anomaly": (
        *_NAME,
        *_of(tables.job, "key"),
        *_PERIODS,
        *_of(tables.job, "type", "start_time"),
        *_of(tables.anomaly, "what"),
        *((name, _NUMBER) for name in ("severity", "figure", "expected", "lower", "upper")),
        *_of(tables.anomaly, "previous"),
        *((name, _NUMBER) for name in ("new_level", "appliance_id", "job_id")),
    ),
}  # fmt: skip
