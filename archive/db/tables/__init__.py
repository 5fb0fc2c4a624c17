"""The archive's tables for SQLAlchemy Core; the migrations create them.

Every table that grows with the jobs has `appliance_id` first in its primary key, so that a job's
rows are stored together and the table can be distributed by appliance. On SQLite such tables are
clustered on that key (WITHOUT ROWID). `attempt` has the appliance's name there instead, since it
also has appliances that never answered.
"""

from __future__ import annotations

from archive.db.tables.base import metadata
from archive.db.tables.evidence import evidence_link, evidence_list
from archive.db.tables.facts import schedule, system_time_zone, system_version
from archive.db.tables.jobs import (
    irregular_document,
    job,
    job_error,
    job_finding,
    job_status,
    latest_import,
)
from archive.db.tables.judgement import anomaly, appliance_standing, expected_backup
from archive.db.tables.logs import (
    MAINTENANCE,
    attempt,
    collection,
    ingest_run,
    maintenance,
    notified_problem,
    quarantine,
)
from archive.db.tables.messages import (
    MESSAGE_ROLES,
    OUTCOME_ROLES,
    message,
    message_arg,
    message_content,
    message_param,
)
from archive.db.tables.pruned import pruned_appliance, pruned_build, pruned_day, pruned_month
from archive.db.tables.shared import (
    appliance,
    build,
    calendar,
    location,
    message_template,
    operation,
    setting,
    write_lock,
)
from archive.db.tables.totals import (
    appliance_month,
    build_sketch,
    day_sketch,
    day_total,
    size_forecast,
)

__all__ = [
    "MAINTENANCE",
    "MESSAGE_ROLES",
    "OUTCOME_ROLES",
    "anomaly",
    "appliance",
    "appliance_month",
    "appliance_standing",
    "attempt",
    "build",
    "build_sketch",
    "calendar",
    "collection",
    "day_sketch",
    "day_total",
    "evidence_link",
    "evidence_list",
    "expected_backup",
    "ingest_run",
    "irregular_document",
    "job",
    "job_error",
    "job_finding",
    "job_status",
    "latest_import",
    "location",
    "maintenance",
    "message",
    "message_arg",
    "message_content",
    "message_param",
    "message_template",
    "metadata",
    "notified_problem",
    "operation",
    "pruned_appliance",
    "pruned_build",
    "pruned_day",
    "pruned_month",
    "quarantine",
    "schedule",
    "setting",
    "size_forecast",
    "system_time_zone",
    "system_version",
    "write_lock",
]
