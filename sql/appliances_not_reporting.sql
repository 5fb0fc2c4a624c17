-- Appliances that are not reporting
--
-- From which appliances is an import missing? It is missing when the last one is much older than
-- the time between imports usually is; then the state of the backups is unknown, whatever the last
-- job was. An appliance that collections asked and that has never answered has no last_seen and
-- comes first. Reads the appliances and the attempts to ask them, not the jobs.
--
--   last_seen             time of its last import
--   not_reporting_days    age of that import in days
--   usual_import_seconds  usual time between its imports; empty: too few to know
--   import_due_time       from when on another import has been missing
--   asked_at              when a collection last asked the appliance; empty: never
--   outcome, reason       result of that attempt
WITH param AS (
    SELECT
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- day from which to count ages
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
today AS (
    SELECT calendar.ordinal
    FROM param
    LEFT JOIN calendar ON param.today = calendar.day
),

missing AS (
    SELECT
        v_standing.appliance,
        v_standing.last_seen,
        v_standing.usual_import_seconds,
        v_standing.import_due_time,
        (
            SELECT calendar.ordinal FROM calendar
            WHERE calendar.start_time <= v_standing.last_seen
            ORDER BY calendar.start_time DESC, calendar.ordinal DESC
            LIMIT 1
        ) AS ordinal
    FROM v_standing
    WHERE v_standing.not_reporting = 1
)

SELECT
    missing.appliance,
    missing.last_seen,
    today.ordinal - missing.ordinal AS not_reporting_days,
    missing.usual_import_seconds,
    missing.import_due_time,
    latest.asked_at,
    latest.outcome,
    latest.reason
FROM missing
CROSS JOIN param
CROSS JOIN today
LEFT JOIN attempt AS latest
    ON
        missing.appliance = latest.appliance_name
        AND latest.collection_id = (
            SELECT max(attempt.collection_id) FROM attempt
            WHERE attempt.appliance_name = missing.appliance
        )
WHERE lower(missing.appliance) LIKE lower(param.appliance)
ORDER BY missing.last_seen NULLS FIRST, missing.appliance;
