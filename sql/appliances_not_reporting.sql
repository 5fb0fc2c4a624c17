-- Appliances that have fallen silent
--
-- From which appliances has nothing been heard for some days? Of their backups nothing can be said,
-- whatever the last one was. One that was asked by the latest collection and has never answered has
-- no last_seen and stands at the top. Walks the appliances, not the jobs.
--
--   last_seen        as of when its latest answer is
--   silent_days      how many days ago that was
--   asked_at         when a collection last asked it; empty: none has
--   outcome, reason  what came of that
WITH param AS (
    SELECT
        2 AS days,             -- only those silent for at least so many days
        '%' AS appliance,      -- only appliances like this; % stands for any text
        CURRENT_DATE AS today  -- the day from which ages are counted
),

-- The calendar numbers the days from 2016 to 2045, and all years that have jobs.
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
    today.ordinal - known.ordinal AS silent_days,
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
