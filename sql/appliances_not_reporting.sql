-- Appliances that are not reporting
--
-- From which appliances has no import come for some days? The state of their backups is unknown,
-- whatever their last job was. An appliance that the last collection asked and that has never
-- answered has no last_seen and comes first. Reads the appliances, not the jobs.
--
--   last_seen           time of its last import
--   not_reporting_days  age of that import in days
--   asked_at            when a collection last asked the appliance; empty: never
--   outcome, reason     result of that attempt
WITH param AS (
    SELECT
        2 AS days,                          -- only appliances not reporting for so many days
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- day from which to count ages
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
today AS (
    SELECT calendar.ordinal
    FROM param
    LEFT JOIN calendar ON param.today = calendar.day
),

known AS (
    SELECT
        appliance.name,
        appliance.last_seen,
        (
            SELECT calendar.ordinal FROM calendar
            WHERE calendar.start_time <= appliance.last_seen
            ORDER BY calendar.start_time DESC, calendar.ordinal DESC
            LIMIT 1
        ) AS ordinal
    FROM appliance
    UNION ALL
    SELECT
        attempt.appliance_name,
        NULL,
        NULL
    FROM attempt
    WHERE
        attempt.collection_id = (SELECT max(collection.id) FROM collection)
        AND NOT EXISTS (SELECT 1 FROM appliance WHERE appliance.name = attempt.appliance_name)
)

SELECT
    known.name AS appliance,
    known.last_seen,
    today.ordinal - known.ordinal AS not_reporting_days,
    latest.asked_at,
    latest.outcome,
    latest.reason
FROM known
CROSS JOIN param
CROSS JOIN today
LEFT JOIN attempt AS latest
    ON
        known.name = latest.appliance_name
        AND latest.collection_id = (
            SELECT max(attempt.collection_id) FROM attempt
            WHERE attempt.appliance_name = known.name
        )
WHERE
    lower(known.name) LIKE lower(param.appliance)
    AND (known.last_seen IS NULL OR today.ordinal - known.ordinal >= param.days)
ORDER BY known.last_seen NULLS FIRST, known.name;
