"""Create the archive: appliances, jobs, messages, and when they were seen.

A migration runs in one transaction together with its new revision number. It must keep every row,
work on SQLite and PostgreSQL, and be reversible; drop and recreate the views that a change touches.
Add its revision to `archive.db.migrate.REVISIONS`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.calendar import calendar_year
from archive.db import Day, Id, Instant, Text, insert

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# A job that starts more than a day after it was first seen, in whole seconds.
TOO_LATE = {
    "sqlite": "substr(job.start_time, 1, 19)"
    " > strftime('%Y-%m-%dT%H:%M:%S', job.first_seen, '+1 day')",
    "postgresql": "date_trunc('second', job.start_time)"
    " > date_trunc('second', job.first_seen) + INTERVAL '1 day'",
}

V_JOB = """
CREATE VIEW v_job AS
SELECT
    appliance.name AS appliance,
    job.key,
    job.status,
    CASE WHEN job.status IN ('SUCCEEDED', 'FAILED') THEN 1 ELSE 0 END AS finished,
    CASE WHEN job.status = 'SUCCEEDED' THEN 1 ELSE 0 END AS succeeded,
    CASE WHEN job.status = 'FAILED' THEN 1 ELSE 0 END AS failed,
    CASE WHEN job.status IN ('PENDING', 'BLOCKED', 'RUNNING') THEN 1 ELSE 0 END AS open,
    CASE
        WHEN job.status IN ('SUCCEEDED', 'FAILED', 'PENDING', 'BLOCKED', 'RUNNING') THEN 0 ELSE 1
    END AS other,
    job.type,
    job.start_time,
    job.end_time,
    job.duration_seconds,
    job.size_bytes,
    job.day,
    calendar.ordinal AS day_ordinal,
    calendar.week,
    calendar.month,
    calendar.quarter,
    calendar.year,
    location.masked_url AS location,
    job.location_folder,
    job.location_user,
    build.version_name,
    build.version,
    build.build_number,
    job.user_name,
    job.progress_total,
    job.progress_completed,
    job.first_seen,
    coalesce(job.last_seen, latest_import.seen_at) AS last_seen,
    CASE WHEN job.start_time > job.first_seen AND {too_late} THEN 1 ELSE 0 END AS wrong_clock,
    job.appliance_id,
    job.id AS job_id
FROM job
INNER JOIN appliance ON job.appliance_id = appliance.id
INNER JOIN calendar ON job.day = calendar.day
LEFT JOIN latest_import ON job.appliance_id = latest_import.appliance_id
LEFT JOIN location ON job.location_id = location.id
LEFT JOIN build ON job.build_id = build.id
"""

V_MESSAGE = """
CREATE VIEW v_message AS
SELECT
    appliance.name AS appliance,
    job.key,
    job.status,
    job.day,
    message.seq,
    CASE message.role
        WHEN 0 THEN 'description' WHEN 1 THEN 'progress' WHEN 2 THEN 'message' ELSE 'error'
    END AS role,
    message_template.message_id,
    coalesce(message_content.localized, message_template.default_message) AS text,
    message_template.default_message,
    message_content.localized,
    message.appliance_id,
    message.job_id
FROM message
INNER JOIN job ON message.appliance_id = job.appliance_id AND message.job_id = job.id
INNER JOIN appliance ON message.appliance_id = appliance.id
INNER JOIN message_content
    ON message.appliance_id = message_content.appliance_id AND message.content_id = message_content.id
INNER JOIN message_template ON message_content.template_id = message_template.id
"""

# From the totals: its cost grows with days, not jobs. The upper half is NUMERIC, because some sums
# exceed PostgreSQL's BIGINT.
V_DAY = """
CREATE VIEW v_day AS
SELECT
    day_total.day,
    calendar.ordinal AS day_ordinal,
    calendar.week,
    calendar.month,
    calendar.quarter,
    calendar.year,
    nullif(day_total.type, '') AS type,
    day_total.status,
    day_total.jobs,
    CASE WHEN day_total.status IN ('SUCCEEDED', 'FAILED') THEN day_total.jobs ELSE 0 END AS finished,
    CASE WHEN day_total.status = 'SUCCEEDED' THEN day_total.jobs ELSE 0 END AS succeeded,
    CASE WHEN day_total.status = 'FAILED' THEN day_total.jobs ELSE 0 END AS failed,
    CASE
        WHEN day_total.status IN ('PENDING', 'BLOCKED', 'RUNNING') THEN day_total.jobs ELSE 0
    END AS open,
    CASE
        WHEN day_total.status IN ('SUCCEEDED', 'FAILED', 'PENDING', 'BLOCKED', 'RUNNING') THEN 0
        ELSE day_total.jobs
    END AS other,
    day_total.sized,
    CAST(day_total.size_high AS NUMERIC) * 4294967296 + day_total.size_low AS size_bytes,
    day_total.timed,
    CAST(day_total.duration_high AS NUMERIC) * 4294967296 + day_total.duration_low
        AS duration_seconds
FROM day_total
INNER JOIN calendar ON day_total.day = calendar.day
"""

# Sums as in `v_day`; the periods come from the label of the month.
V_MONTH = """
CREATE VIEW v_month AS
SELECT
    appliance.name AS appliance,
    appliance_month.month,
    substr(appliance_month.month, 1, 4)
    || CASE
        WHEN substr(appliance_month.month, 6) < '04' THEN '-Q1'
        WHEN substr(appliance_month.month, 6) < '07' THEN '-Q2'
        WHEN substr(appliance_month.month, 6) < '10' THEN '-Q3'
        ELSE '-Q4'
    END AS quarter,
    substr(appliance_month.month, 1, 4) AS year,
    appliance_month.type,
    appliance_month.status,
    location.masked_url AS location,
    build.version_name,
    build.version,
    build.build_number,
    appliance_month.jobs,
    CASE
        WHEN appliance_month.status IN ('SUCCEEDED', 'FAILED') THEN appliance_month.jobs ELSE 0
    END AS finished,
    CASE WHEN appliance_month.status = 'SUCCEEDED' THEN appliance_month.jobs ELSE 0 END
        AS succeeded,
    CASE WHEN appliance_month.status = 'FAILED' THEN appliance_month.jobs ELSE 0 END AS failed,
    CASE
        WHEN appliance_month.status IN ('PENDING', 'BLOCKED', 'RUNNING') THEN appliance_month.jobs
        ELSE 0
    END AS open,
    CASE
        WHEN
            appliance_month.status IN ('SUCCEEDED', 'FAILED', 'PENDING', 'BLOCKED', 'RUNNING')
            THEN 0
        ELSE appliance_month.jobs
    END AS other,
    appliance_month.sized,
    CAST(appliance_month.size_high AS NUMERIC) * 4294967296 + appliance_month.size_low
        AS size_bytes,
    appliance_month.timed,
    CAST(appliance_month.duration_high AS NUMERIC) * 4294967296 + appliance_month.duration_low
        AS duration_seconds,
    appliance_month.first_day,
    appliance_month.last_day,
    appliance_month.appliance_id
FROM appliance_month
INNER JOIN appliance ON appliance_month.appliance_id = appliance.id
LEFT JOIN location ON appliance_month.location_id = location.id
LEFT JOIN build ON appliance_month.build_id = build.id
"""

# The calendar day now: SQL has no time zones, and a day need not start at midnight.
V_TODAY = """
CREATE VIEW v_today AS
SELECT
    day,
    ordinal AS day_ordinal,
    week,
    month,
    quarter,
    year
FROM calendar
WHERE start_time <= {now}
ORDER BY start_time DESC, ordinal DESC
LIMIT 1
"""

# On SQLite it has the fixed width of all instants.
NOW = {"sqlite": "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')", "postgresql": "CURRENT_TIMESTAMP"}

# Its cost grows with appliances, not jobs.
V_APPLIANCE = """
CREATE VIEW v_appliance AS
WITH latest AS (
    SELECT
        appliance.id,
        appliance.name,
        appliance.first_seen,
        appliance.last_seen,
        appliance_standing.attempt_id,
        appliance_standing.success_id,
        (
            SELECT count(*) FROM schedule
            WHERE schedule.appliance_id = appliance.id AND schedule.ended_at IS NULL
        ) AS schedules,
        (
            SELECT schedule.key FROM schedule
            WHERE schedule.appliance_id = appliance.id AND schedule.ended_at IS NULL
            ORDER BY schedule.enabled DESC, schedule.key
            LIMIT 1
        ) AS schedule_key
    FROM appliance
    LEFT JOIN appliance_standing ON appliance.id = appliance_standing.appliance_id
)

SELECT
    latest.name AS appliance,
    latest.first_seen,
    latest.last_seen,
    coalesce(system_version.version, build.version) AS version,
    CASE
        WHEN system_version.version IS NULL THEN build.build_number
        ELSE system_version.build_number
    END AS build_number,
    system_version.product,
    system_time_zone.time_zone,
    success.day AS last_success,
    success.key AS last_success_key,
    attempt.day AS last_attempt,
    attempt.key AS last_attempt_key,
    attempt.status AS last_status,
    latest.schedules,
    latest.schedule_key,
    coalesce(
        nullif(
            replace(
                replace(replace(replace(schedule.days, '[', ''), ']', ''), '"', ''), ',', ', '
            ),
            ''
        ),
        CASE WHEN schedule.key IS NOT NULL THEN 'daily' END
    )
    || coalesce(
        ' at '
        || CASE WHEN schedule.hour < 10 THEN '0' ELSE '' END || CAST(schedule.hour AS TEXT) || ':'
        || CASE WHEN schedule.minute < 10 THEN '0' ELSE '' END || CAST(schedule.minute AS TEXT),
        ''
    )
    || coalesce(', the last ' || CAST(schedule.max_count AS TEXT) || ' kept', '')
    || CASE WHEN schedule.enabled THEN '' ELSE ', disabled' END AS schedule,
    CASE WHEN schedule.enabled THEN 1 WHEN NOT schedule.enabled THEN 0 END AS schedule_enabled,
    schedule.hour AS schedule_hour,
    schedule.minute AS schedule_minute,
    schedule.days AS schedule_days,
    schedule.max_count AS schedule_max_count,
    latest.id AS appliance_id
FROM latest
LEFT JOIN job AS attempt
    ON latest.id = attempt.appliance_id AND latest.attempt_id = attempt.id
LEFT JOIN job AS success
    ON latest.id = success.appliance_id AND latest.success_id = success.id
LEFT JOIN build ON coalesce(attempt.build_id, success.build_id) = build.id
LEFT JOIN system_version
    ON latest.id = system_version.appliance_id AND system_version.ended_at IS NULL
LEFT JOIN system_time_zone
    ON latest.id = system_time_zone.appliance_id AND system_time_zone.ended_at IS NULL
LEFT JOIN schedule
    ON
        latest.id = schedule.appliance_id
        AND latest.schedule_key = schedule.key
        AND schedule.ended_at IS NULL
"""

# What an import could not show yet is left out, unless another import is missing.
_EXPECTED = """
SELECT
    appliance.name AS appliance,
    calendar.day,
    calendar.ordinal AS day_ordinal,
    calendar.week,
    calendar.month,
    calendar.quarter,
    calendar.year,
    expected_backup.due_time,
    expected_backup.basis,
    coalesce(expected_backup.outcome, 'no data') AS outcome,
    expected_backup.attempts,
    job.key,
    job.status,
    expected_backup.appliance_id,
    expected_backup.job_id
FROM expected_backup
INNER JOIN appliance ON expected_backup.appliance_id = appliance.id
INNER JOIN appliance_standing
    ON expected_backup.appliance_id = appliance_standing.appliance_id
INNER JOIN calendar ON expected_backup.day = calendar.day
LEFT JOIN job
    ON
        expected_backup.appliance_id = job.appliance_id
        AND expected_backup.job_id = job.id
WHERE
    expected_backup.due_time <= {now}
    AND (expected_backup.outcome IS NOT NULL OR appliance_standing.import_due_time < {now})
"""

V_EXPECTED_BACKUP = f"""
CREATE VIEW v_expected_backup AS
{_EXPECTED}"""

# Jobs in progress and in unknown statuses, which are few: see `archive.store.selection`.
NOT_FINISHED = "status NOT IN ('SUCCEEDED', 'FAILED')"
FAILED = "status = 'FAILED'"

# An index has the first condition: SQLite uses it only for the same words.
NOT_MET = "outcome IS NULL OR outcome <> 'met'"
V_MISSED = f"""
CREATE VIEW v_missed AS
{_EXPECTED}    AND (expected_backup.outcome IS NULL OR expected_backup.outcome <> 'met')
    AND (expected_backup.outcome IS NULL OR expected_backup.outcome <> 'habit changed')
"""

# The state is that of the last import; only a missing import makes time pass. Appliances that
# collections asked and that never answered are found by steps along the attempts' primary key.
V_STANDING = """
CREATE VIEW v_standing AS
WITH RECURSIVE asked (name) AS (
    SELECT min(appliance_name) FROM attempt
    UNION ALL
    SELECT
        (
            SELECT min(attempt.appliance_name) FROM attempt
            WHERE attempt.appliance_name > asked.name
        )
    FROM asked
    WHERE asked.name IS NOT NULL
)

SELECT
    appliance.name AS appliance,
    CASE
        WHEN appliance.retired_at <= {now} THEN 'retired'
        WHEN appliance_standing.success_id IS NULL THEN 'never'
        WHEN appliance_standing.overdue_since_time IS NOT NULL THEN 'overdue'
        WHEN appliance_standing.import_due_time < {now} THEN 'no recent data'
        ELSE 'ok'
    END AS state,
    success.day AS last_success,
    success.key AS last_success_key,
    success.start_time AS last_success_start_time,
    success.end_time AS last_success_end_time,
    success.size_bytes AS last_success_size_bytes,
    success.duration_seconds AS last_success_duration_seconds,
    attempt.day AS last_attempt,
    attempt.key AS last_attempt_key,
    attempt.status AS last_attempt_status,
    attempt.start_time AS last_attempt_start_time,
    appliance_standing.consecutive_failures,
    appliance_standing.failing_since_time,
    appliance_standing.worst_consecutive_failures,
    appliance_standing.worst_since_time,
    appliance_standing.rpo_seconds,
    appliance_standing.rpo_from,
    appliance_standing.overdue_since_time,
    CASE
        WHEN appliance_standing.next_due_time > {now} THEN appliance_standing.next_due_time
        WHEN appliance.retired_at <= {now} OR appliance_standing.success_id IS NULL THEN NULL
        WHEN appliance_standing.overdue_since_time IS NOT NULL THEN NULL
        WHEN appliance_standing.import_due_time < {now} THEN NULL
        ELSE appliance_standing.next_due_time
    END AS next_due_time,
    CASE
        WHEN appliance.retired_at <= {now} OR appliance_standing.next_due_time > {now} THEN NULL
        WHEN appliance_standing.next_due_time IS NULL THEN NULL
        WHEN appliance_standing.success_id IS NULL THEN 'overdue'
        WHEN appliance_standing.overdue_since_time IS NOT NULL THEN 'overdue'
        WHEN appliance_standing.import_due_time < {now} THEN 'unknown'
    END AS next_due,
    appliance.last_seen,
    appliance_standing.usual_import_seconds,
    appliance_standing.import_due_time,
    CASE
        WHEN appliance.retired_at <= {now} THEN 0
        WHEN appliance_standing.import_due_time < {now} THEN 1
        ELSE 0
    END AS not_reporting,
    appliance.retired_at,
    appliance.id AS appliance_id
FROM appliance
INNER JOIN appliance_standing ON appliance.id = appliance_standing.appliance_id
LEFT JOIN job AS success
    ON appliance.id = success.appliance_id AND appliance_standing.success_id = success.id
LEFT JOIN job AS attempt
    ON appliance.id = attempt.appliance_id AND appliance_standing.attempt_id = attempt.id
UNION ALL
SELECT
    asked.name,
    'no recent data',
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL,
    1,
    NULL,
    NULL
FROM asked
LEFT JOIN (SELECT name FROM appliance) AS known ON asked.name = known.name
WHERE asked.name IS NOT NULL AND known.name IS NULL
"""

# As the report: not of jobs with the time of a wrong clock.
V_ANOMALY = """
CREATE VIEW v_anomaly AS
SELECT
    v_job.appliance,
    v_job.key,
    v_job.day,
    v_job.day_ordinal,
    v_job.week,
    v_job.month,
    v_job.quarter,
    v_job.year,
    v_job.type,
    v_job.start_time,
    anomaly.what,
    anomaly.severity,
    anomaly.figure,
    anomaly.expected,
    anomaly.lower,
    anomaly.upper,
    anomaly.previous,
    CASE WHEN anomaly.confirmed_by IS NULL THEN 0 ELSE 1 END AS new_level,
    anomaly.appliance_id,
    anomaly.job_id
FROM anomaly
INNER JOIN v_job ON anomaly.appliance_id = v_job.appliance_id AND anomaly.job_id = v_job.job_id
WHERE v_job.wrong_clock = 0
"""

VIEWS = {
    "v_job": V_JOB,
    "v_message": V_MESSAGE,
    "v_day": V_DAY,
    "v_month": V_MONTH,
    "v_today": V_TODAY,
    "v_appliance": V_APPLIANCE,
    "v_expected_backup": V_EXPECTED_BACKUP,
    "v_missed": V_MISSED,
    "v_standing": V_STANDING,
    "v_anomaly": V_ANOMALY,
}


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "appliance",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("cadence_seconds", sa.BigInteger(), nullable=True),
        sa.Column("rpo_seconds", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.Column("held_at", Instant(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_appliance_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appliance")),
        sa.UniqueConstraint("name", name=op.f("uq_appliance_name")),
    )
    op.create_index(
        "ix_appliance_unsealed",
        "appliance",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "build",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version_name", Text, nullable=False),
        sa.Column("version", Text, nullable=False),
        sa.Column("build_number", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build")),
        sa.UniqueConstraint("digest", name=op.f("uq_build_digest")),
    )
    calendar = op.create_table(
        "calendar",
        sa.Column("day", Day(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("week", Text, nullable=False),
        sa.Column("month", Text, nullable=False),
        sa.Column("quarter", Text, nullable=False),
        sa.Column("year", Text, nullable=False),
        sa.Column("start_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_calendar_ordinal")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_calendar_start_time"), "calendar", ["start_time"], unique=False)
    op.create_table(
        "location",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("url", Text, nullable=False),
        sa.Column("masked_url", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("digest", name=op.f("uq_location_digest")),
    )
    op.create_table(
        "message_template",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", Text, nullable=False),
        sa.Column("default_message", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
        sa.UniqueConstraint("digest", name=op.f("uq_message_template_digest")),
    )
    op.create_table(
        "operation",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("service", Text, nullable=True),
        sa.Column("operation", Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
        sa.UniqueConstraint("digest", name=op.f("uq_operation_digest")),
    )
    op.create_table(
        "notified_problem",
        sa.Column("recipient", Text, autoincrement=False, nullable=False),
        sa.Column("appliance_name", Text, autoincrement=False, nullable=False),
        sa.Column("problems", Text, nullable=False),
        sa.Column("notified_at", Instant, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("recipient", "appliance_name", name=op.f("pk_notified_problem")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_notified_problem_unsealed",
        "notified_problem",
        ["recipient"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "setting",
        sa.Column("name", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_index(
        "ix_setting_unsealed",
        "setting",
        ["name"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "write_lock",
        sa.Column("name", Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_write_lock")),
    )
    op.create_table(
        "ingest_run",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("source", Text, nullable=False),
        sa.Column("appliance_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("started", Instant(), nullable=False),
        sa.Column("finished", Instant(), nullable=True),
        sa.Column("outcome", Text, nullable=False),
        sa.Column("error", Text, nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("pruned", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('running', 'complete', 'failed', 'undone')",
            name=op.f("ck_ingest_run_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_ingest_run_appliance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_run")),
    )
    op.create_index(
        "ix_ingest_run_unsealed",
        "ingest_run",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_index(
        op.f("ix_ingest_run_appliance_id_seen_at"),
        "ingest_run",
        ["appliance_id", "seen_at"],
        unique=False,
    )
    op.create_table(
        "job",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("day", Day(), nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("type", Text, nullable=True),
        sa.Column("start_time", Instant(), nullable=True),
        sa.Column("end_time", Instant(), nullable=True),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=True),
        sa.Column("duration_derived", sa.Boolean(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("location_folder", Text, nullable=True),
        sa.Column("location_user", Text, nullable=True),
        sa.Column("fast_backup", sa.Boolean(), nullable=True),
        sa.Column("cancelable", sa.Boolean(), nullable=True),
        sa.Column("user_name", Text, nullable=True),
        sa.Column("parent", Text, nullable=True),
        sa.Column("target_type", Text, nullable=True),
        sa.Column("target_id", Text, nullable=True),
        sa.Column("progress_total", sa.BigInteger(), nullable=True),
        sa.Column("progress_completed", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("build_id", sa.BigInteger(), nullable=True),
        sa.Column("operation_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("ck_job_seen_order")),
        sa.CheckConstraint("length(key) BETWEEN 1 AND 255", name=op.f("ck_job_key_length")),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_job_appliance_id")
        ),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_job_build_id")),
        sa.ForeignKeyConstraint(["day"], ["calendar.day"], name=op.f("fk_job_day")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_job_location_id")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_job_operation_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_job_run_id")),
        sa.PrimaryKeyConstraint("appliance_id", "id", name=op.f("pk_job")),
        sa.UniqueConstraint("appliance_id", "key", name=op.f("uq_job_appliance_id_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_job_unsealed",
        "job",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_index(op.f("ix_job_appliance_id_day"), "job", ["appliance_id", "day"], unique=False)
    op.create_index(op.f("ix_job_day"), "job", ["day"], unique=False)
    op.create_index(
        "ix_job_not_finished",
        "job",
        ["day", "appliance_id"],
        unique=False,
        sqlite_where=sa.text(NOT_FINISHED),
        postgresql_where=sa.text(NOT_FINISHED),
    )
    op.create_index(
        "ix_job_failed",
        "job",
        ["day", "appliance_id"],
        unique=False,
        sqlite_where=sa.text(FAILED),
        postgresql_where=sa.text(FAILED),
    )
    op.create_table(
        "latest_import",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_latest_import_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", name=op.f("pk_latest_import")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_latest_import_unsealed",
        "latest_import",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("appliance_name", Text, nullable=True),
        sa.Column("job_key", Text, nullable=True),
        sa.Column("position", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_quarantine_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("digest", name=op.f("uq_quarantine_digest")),
    )
    op.create_index(
        "ix_quarantine_unsealed",
        "quarantine",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "irregular_document",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_irregular_document_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", name=op.f("pk_irregular_document")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_error",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("class_name", Text, nullable=True),
        sa.Column("error_type", Text, nullable=True),
        sa.Column("challenge", Text, nullable=True),
        sa.Column("data", Text, nullable=True),
        sa.Column("has_value", sa.Boolean(), nullable=False),
        sa.Column("has_messages", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_job_error_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", name=op.f("pk_job_error")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_finding",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", Text, nullable=False),
        sa.Column("field", Text, nullable=False),
        sa.Column("detail", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_job_finding_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", "seq", name=op.f("pk_job_finding")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_status",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", Text, autoincrement=False, nullable=False),
        sa.Column("observed_at", Instant(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_job_status_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_job_status_run_id")),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", "status", name=op.f("pk_job_status")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_job_status_unsealed",
        "job_status",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "message_content",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("localized", Text, nullable=True),
        sa.Column("has_params", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_message_content_appliance_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["message_template.id"], name=op.f("fk_message_content_template_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "id", name=op.f("pk_message_content")),
        sa.UniqueConstraint(
            "appliance_id", "digest", name=op.f("uq_message_content_appliance_id_digest")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_message_content_template_id"), "message_content", ["template_id"], unique=False
    )
    op.create_index(
        "ix_message_content_localized",
        "message_content",
        ["appliance_id", "id"],
        unique=False,
        sqlite_where=sa.text("localized IS NOT NULL"),
        postgresql_where=sa.text("localized IS NOT NULL"),
    )
    op.create_table(
        "message_arg",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id", "content_id"],
            ["message_content.appliance_id", "message_content.id"],
            name=op.f("fk_message_arg_appliance_id_content_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "content_id", "seq", name=op.f("pk_message_arg")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message_param",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_seq", sa.Integer(), nullable=True),
        sa.Column("name", Text, nullable=False),
        sa.Column("path", Text, nullable=False),
        sa.Column("s", Text, nullable=True),
        sa.Column("dt", Instant(), nullable=True),
        sa.Column("i", sa.BigInteger(), nullable=True),
        sa.Column("d", sa.Double(), nullable=True),
        sa.Column("format", Text, nullable=True),
        sa.Column("precision", sa.BigInteger(), nullable=True),
        sa.Column("nested_id", Text, nullable=True),
        sa.Column("nested_has_params", sa.Boolean(), nullable=True),
        sa.CheckConstraint("parent_seq < seq", name=op.f("ck_message_param_parent_first")),
        sa.ForeignKeyConstraint(
            ["appliance_id", "content_id", "parent_seq"],
            ["message_param.appliance_id", "message_param.content_id", "message_param.seq"],
            name=op.f("fk_message_param_appliance_id_content_id_parent_seq"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["appliance_id", "content_id"],
            ["message_content.appliance_id", "message_content.id"],
            name=op.f("fk_message_param_appliance_id_content_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "content_id", "seq", name=op.f("pk_message_param")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("content_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role BETWEEN 0 AND 3", name=op.f("ck_message_role")),
        sa.ForeignKeyConstraint(
            ["appliance_id", "content_id"],
            ["message_content.appliance_id", "message_content.id"],
            name=op.f("fk_message_appliance_id_content_id"),
        ),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_message_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", "seq", name=op.f("pk_message")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_message_appliance_id_content_id"),
        "message",
        ["appliance_id", "content_id"],
        unique=False,
    )
    op.create_table(
        "schedule",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("minute", sa.Integer(), nullable=True),
        sa.Column("days", Text, nullable=True),
        sa.Column("max_count", sa.BigInteger(), nullable=True),
        sa.Column("parts", Text, nullable=True),
        sa.Column("fast_backup", sa.Boolean(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("location_user", Text, nullable=True),
        sa.Column("other", Text, nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("ck_schedule_seen_order")),
        sa.CheckConstraint("last_seen < ended_at", name=op.f("ck_schedule_end_order")),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_schedule_appliance_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_schedule_location_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "key", "first_seen", name=op.f("pk_schedule")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_schedule_unsealed",
        "schedule",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "system_version",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("version", Text, nullable=False),
        sa.Column("product", Text, nullable=True),
        sa.Column("build_number", Text, nullable=True),
        sa.Column("type", Text, nullable=True),
        sa.Column("summary", Text, nullable=True),
        sa.Column("release_date", Text, nullable=True),
        sa.Column("install_time", Text, nullable=True),
        sa.Column("name", Text, nullable=True),
        sa.Column("other", Text, nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("ck_system_version_seen_order")),
        sa.CheckConstraint("last_seen < ended_at", name=op.f("ck_system_version_end_order")),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_system_version_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "first_seen", name=op.f("pk_system_version")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_system_version_unsealed",
        "system_version",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "system_time_zone",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("time_zone", Text, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("ck_system_time_zone_seen_order")),
        sa.CheckConstraint("last_seen < ended_at", name=op.f("ck_system_time_zone_end_order")),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_system_time_zone_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "first_seen", name=op.f("pk_system_time_zone")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_system_time_zone_unsealed",
        "system_time_zone",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "collection",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("started", Instant(), nullable=False),
        sa.Column("finished", Instant(), nullable=True),
        sa.Column("outcome", Text, nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.BigInteger(), nullable=False),
        sa.Column("partial", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')",
            name=op.f("ck_collection_outcome"),
        ),
        sa.CheckConstraint(
            "outcome <> 'running' OR finished IS NULL", name=op.f("ck_collection_finished")
        ),
        sa.CheckConstraint(
            "complete + partial + failed <= asked", name=op.f("ck_collection_counts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
    )
    op.create_index(
        "ix_collection_unsealed",
        "collection",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "attempt",
        sa.Column("appliance_name", Text, nullable=False),
        sa.Column("collection_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("outcome", Text, nullable=False),
        sa.Column("reason", Text, nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "length(appliance_name) BETWEEN 1 AND 255", name=op.f("ck_attempt_name_length")
        ),
        sa.CheckConstraint("asked_at <= answered_at", name=op.f("ck_attempt_answer_order")),
        sa.CheckConstraint(
            "outcome IN ('complete', 'partial', 'failed', 'interrupted')",
            name=op.f("ck_attempt_outcome"),
        ),
        sa.CheckConstraint(
            "(outcome = 'complete') = (reason IS NULL)", name=op.f("ck_attempt_reason")
        ),
        sa.CheckConstraint(
            "(outcome IN ('complete', 'partial')) = (run_id IS NOT NULL)",
            name=op.f("ck_attempt_run"),
        ),
        sa.CheckConstraint(
            "run_id IS NULL OR answered_at IS NOT NULL", name=op.f("ck_attempt_answered")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_attempt_collection_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ingest_run.id"], name=op.f("fk_attempt_run_id")),
        sa.PrimaryKeyConstraint("appliance_name", "collection_id", name=op.f("pk_attempt")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempt_unsealed",
        "attempt",
        ["appliance_name"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_index(op.f("ix_attempt_collection_id"), "attempt", ["collection_id"], unique=False)
    op.create_table(
        "maintenance",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("what", Text, nullable=False),
        sa.Column("appliance_name", Text, nullable=True),
        sa.Column("new_name", Text, nullable=True),
        sa.Column("jobs", sa.BigInteger(), nullable=True),
        sa.Column("detail", Text, nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "what IN ('rename', 'merge', 'retire', 'forget', 'undo', 'calendar', 'vacuum', 'prune',"
            " 'hold', 'release')",
            name=op.f("ck_maintenance_what"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    op.create_index(
        "ix_maintenance_unsealed",
        "maintenance",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "evidence_link",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("what", Text, nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("appliance_name", Text, nullable=True),
        sa.Column("seen_at", Instant(), nullable=True),
        sa.Column("documents", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", Text, nullable=True),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.Column("facts", Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_link")),
    )
    op.create_table(
        "evidence_list",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("job_keys", sa.LargeBinary(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_evidence_list_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "link_id", "seq", name=op.f("pk_evidence_list")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_total",
        sa.Column("day", Day(), nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("sized", sa.BigInteger(), nullable=False),
        sa.Column("size_high", sa.BigInteger(), nullable=False),
        sa.Column("size_low", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.BigInteger(), nullable=False),
        sa.Column("duration_high", sa.BigInteger(), nullable=False),
        sa.Column("duration_low", sa.BigInteger(), nullable=False),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.Column("rated_size_high", sa.BigInteger(), nullable=False),
        sa.Column("rated_size_low", sa.BigInteger(), nullable=False),
        sa.Column("rated_duration_high", sa.BigInteger(), nullable=False),
        sa.Column("rated_duration_low", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("jobs > 0", name=op.f("ck_day_total_jobs")),
        sa.ForeignKeyConstraint(["day"], ["calendar.day"], name=op.f("fk_day_total_day")),
        sa.PrimaryKeyConstraint("day", "type", "status", name=op.f("pk_day_total")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_sketch",
        sa.Column("day", Day(), nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("sizes", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.Column("rates", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["day", "type", "status"],
            ["day_total.day", "day_total.type", "day_total.status"],
            name=op.f("fk_day_sketch_day_type_status"),
        ),
        sa.PrimaryKeyConstraint("day", "type", "status", name=op.f("pk_day_sketch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "expected_backup",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", Day(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_time", Instant(), nullable=False),
        sa.Column("basis", Text, nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("outcome", Text, nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('met', 'failed', 'running', 'did not run', 'habit changed')",
            name=op.f("ck_expected_backup_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_expected_backup_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "day", "number", name=op.f("pk_expected_backup")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_expected_backup_day_outcome"), "expected_backup", ["day", "outcome"], unique=False
    )
    op.create_index(
        "ix_expected_backup_not_met",
        "expected_backup",
        ["day", "appliance_id", "outcome"],
        unique=False,
        sqlite_where=sa.text(NOT_MET),
        postgresql_where=sa.text(NOT_MET),
    )
    op.create_table(
        "appliance_standing",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pending_from", Instant(), nullable=True),
        sa.Column("success_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.Column("finished_id", sa.BigInteger(), nullable=True),
        sa.Column("consecutive_failures", sa.BigInteger(), nullable=False),
        sa.Column("failing_since_time", Instant(), nullable=True),
        sa.Column("worst_consecutive_failures", sa.BigInteger(), nullable=False),
        sa.Column("worst_since_time", Instant(), nullable=True),
        sa.Column("recoveries", sa.BigInteger(), nullable=False),
        sa.Column("recovery_seconds", sa.BigInteger(), nullable=False),
        sa.Column("recovery_worst_seconds", sa.BigInteger(), nullable=False),
        sa.Column("rpo_seconds", sa.BigInteger(), nullable=True),
        sa.Column("rpo_from", Text, nullable=False),
        sa.Column("overdue_since_time", Instant(), nullable=True),
        sa.Column("next_due_time", Instant(), nullable=True),
        sa.Column("usual_import_seconds", sa.BigInteger(), nullable=True),
        sa.Column("import_due_time", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_appliance_standing_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", name=op.f("pk_appliance_standing")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "appliance_month",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", Text, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", Text, nullable=True),
        sa.Column("status", Text, nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("build_id", sa.BigInteger(), nullable=True),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("sized", sa.BigInteger(), nullable=False),
        sa.Column("size_high", sa.BigInteger(), nullable=False),
        sa.Column("size_low", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.BigInteger(), nullable=False),
        sa.Column("duration_high", sa.BigInteger(), nullable=False),
        sa.Column("duration_low", sa.BigInteger(), nullable=False),
        sa.Column("first_day", Day(), nullable=False),
        sa.Column("last_day", Day(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_appliance_month_appliance_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_appliance_month_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["build_id"], ["build.id"], name=op.f("fk_appliance_month_build_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "month", "seq", name=op.f("pk_appliance_month")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "anomaly",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", Text, nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("figure", sa.BigInteger(), nullable=True),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("lower", sa.BigInteger(), nullable=True),
        sa.Column("upper", sa.BigInteger(), nullable=True),
        sa.Column("previous", Text, nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("severity BETWEEN 1 AND 3", name=op.f("ck_anomaly_severity")),
        sa.ForeignKeyConstraint(
            ["appliance_id", "job_id"],
            ["job.appliance_id", "job.id"],
            name=op.f("fk_anomaly_appliance_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appliance_id", "job_id", "what", name=op.f("pk_anomaly")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "build_sketch",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("build_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sizes", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_build_sketch_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "build_id", name=op.f("pk_build_sketch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "size_forecast",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_day", Day(), nullable=False),
        sa.Column("successes", sa.BigInteger(), nullable=False),
        sa.Column("reason", Text, nullable=True),
        sa.Column("last_day", Day(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("weeks", sa.Integer(), nullable=True),
        sa.Column("freedom", sa.Integer(), nullable=True),
        sa.Column("line_weight", sa.Double(), nullable=True),
        *(
            sa.Column(f"{line}_{name}", sa.Double(), nullable=True)
            for line in ("line", "curve")
            for name in ("day", "value", "slope", "slope_error", "deviation")
        ),
        sa.CheckConstraint(
            "(reason IS NULL) = (last_day IS NOT NULL)", name=op.f("ck_size_forecast_reason")
        ),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_size_forecast_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", name=op.f("pk_size_forecast")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pruned_appliance",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_time", Instant(), nullable=False),
        sa.Column("judged_from_time", Instant(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("pruned_at", Instant(), nullable=False),
        sa.Column("consecutive_failures", sa.BigInteger(), nullable=False),
        sa.Column("failing_since_time", Instant(), nullable=True),
        sa.Column("worst_consecutive_failures", sa.BigInteger(), nullable=False),
        sa.Column("worst_since_time", Instant(), nullable=True),
        sa.Column("recoveries", sa.BigInteger(), nullable=False),
        sa.Column("recovery_seconds", sa.BigInteger(), nullable=False),
        sa.Column("recovery_worst_seconds", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_pruned_appliance_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", name=op.f("pk_pruned_appliance")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_pruned_appliance_unsealed",
        "pruned_appliance",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "pruned_day",
        sa.Column("day", Day(), nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("sized", sa.BigInteger(), nullable=False),
        sa.Column("size_high", sa.BigInteger(), nullable=False),
        sa.Column("size_low", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.BigInteger(), nullable=False),
        sa.Column("duration_high", sa.BigInteger(), nullable=False),
        sa.Column("duration_low", sa.BigInteger(), nullable=False),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.Column("rated_size_high", sa.BigInteger(), nullable=False),
        sa.Column("rated_size_low", sa.BigInteger(), nullable=False),
        sa.Column("rated_duration_high", sa.BigInteger(), nullable=False),
        sa.Column("rated_duration_low", sa.BigInteger(), nullable=False),
        sa.Column("sizes", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.Column("rates", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["day"], ["calendar.day"], name=op.f("fk_pruned_day_day")),
        sa.PrimaryKeyConstraint("day", "type", "status", name=op.f("pk_pruned_day")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_pruned_day_unsealed",
        "pruned_day",
        ["day"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "pruned_month",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", Text, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", Text, nullable=True),
        sa.Column("status", Text, nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("build_id", sa.BigInteger(), nullable=True),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("sized", sa.BigInteger(), nullable=False),
        sa.Column("size_high", sa.BigInteger(), nullable=False),
        sa.Column("size_low", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.BigInteger(), nullable=False),
        sa.Column("duration_high", sa.BigInteger(), nullable=False),
        sa.Column("duration_low", sa.BigInteger(), nullable=False),
        sa.Column("first_day", Day(), nullable=False),
        sa.Column("last_day", Day(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_pruned_month_appliance_id")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_pruned_month_location_id")
        ),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_pruned_month_build_id")),
        sa.PrimaryKeyConstraint("appliance_id", "month", "seq", name=op.f("pk_pruned_month")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_pruned_month_unsealed",
        "pruned_month",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.create_table(
        "pruned_build",
        sa.Column("appliance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("build_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sizes", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appliance_id"], ["appliance.id"], name=op.f("fk_pruned_build_appliance_id")
        ),
        sa.PrimaryKeyConstraint("appliance_id", "build_id", name=op.f("pk_pruned_build")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_pruned_build_unsealed",
        "pruned_build",
        ["appliance_id"],
        unique=False,
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    # SQL queries count back from today, so the calendar needs days without jobs.
    for year in range(2016, 2046):
        insert(op.get_bind(), calendar, calendar_year(year))
    dialect = op.get_context().dialect.name
    for view in VIEWS.values():
        op.execute(view.replace("{now}", NOW[dialect]).replace("{too_late}", TOO_LATE[dialect]))


def downgrade() -> None:
    """Take the change back."""
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for name in ("pruned_build", "pruned_month", "pruned_day", "pruned_appliance"):
        op.drop_table(name)
    op.drop_table("appliance_standing")
    op.drop_index("ix_expected_backup_not_met", table_name="expected_backup")
    op.drop_index(op.f("ix_expected_backup_day_outcome"), table_name="expected_backup")
    op.drop_table("expected_backup")
    op.drop_table("anomaly")
    op.drop_table("size_forecast")
    op.drop_table("build_sketch")
    op.drop_table("appliance_month")
    op.drop_table("day_sketch")
    op.drop_table("day_total")
    op.drop_index(op.f("ix_attempt_collection_id"), table_name="attempt")
    op.drop_table("evidence_list")
    op.drop_table("evidence_link")
    op.drop_table("maintenance")
    op.drop_table("attempt")
    op.drop_table("collection")
    op.drop_table("system_time_zone")
    op.drop_table("system_version")
    op.drop_table("schedule")
    op.drop_index(op.f("ix_message_appliance_id_content_id"), table_name="message")
    op.drop_table("message")
    op.drop_table("message_param")
    op.drop_table("message_arg")
    op.drop_index("ix_message_content_localized", table_name="message_content")
    op.drop_index(op.f("ix_message_content_template_id"), table_name="message_content")
    op.drop_table("message_content")
    op.drop_table("job_status")
    op.drop_table("job_finding")
    op.drop_table("job_error")
    op.drop_table("irregular_document")
    op.drop_table("quarantine")
    op.drop_table("latest_import")
    op.drop_index("ix_job_failed", table_name="job")
    op.drop_index("ix_job_not_finished", table_name="job")
    op.drop_index(op.f("ix_job_day"), table_name="job")
    op.drop_index(op.f("ix_job_appliance_id_day"), table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("ix_ingest_run_appliance_id_seen_at"), table_name="ingest_run")
    op.drop_table("ingest_run")
    op.drop_table("write_lock")
    op.drop_table("setting")
    op.drop_table("notified_problem")
    op.drop_table("operation")
    op.drop_table("message_template")
    op.drop_table("location")
    op.drop_index(op.f("ix_calendar_start_time"), table_name="calendar")
    op.drop_table("calendar")
    op.drop_table("build")
    op.drop_table("appliance")
