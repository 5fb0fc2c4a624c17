-- Recovery after failures
--
-- How long does it take until a backup succeeds again? One row an appliance that failed, the one
-- that has been failing for longest first. Open jobs count for nothing. Reads and sorts the jobs
-- of the period.
--
--   failing_since            day of the first failure after its last success, if it still fails
--   outages, recovered       how often it began to fail, and how often it succeeded again
--   median_days, most_days   from the day of the first failure to that of the next success, where
--                            there was one
WITH param AS (
    SELECT
        365 AS days,           -- how many days to look back, today included
        '%' AS appliance,      -- only appliances like this; % stands for any text
        CURRENT_DATE AS today  -- the last of these days
),

-- The calendar numbers the days from 2016 to 2045, and all years that have jobs.
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar
        ON calendar.ordinal BETWEEN today.ordinal - param.days + 1 AND today.ordinal
),

finished AS (
    SELECT
        appliance.name AS appliance,
        job.key,
        job.day,
        job.status,
        lag(job.status) OVER (PARTITION BY job.appliance_id ORDER BY job.day, job.key)
            AS status_before
    FROM job
    INNER JOIN appliance ON job.appliance_id = appliance.id
    CROSS JOIN param
    WHERE
        job.status IN ('SUCCEEDED', 'FAILED')
        AND job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(appliance.name) LIKE lower(param.appliance)
),

-- The jobs at which failing begins or ends: after one that failed, the next is one that succeeded.
turns AS (
    SELECT
        finished.appliance,
        finished.day,
        finished.status,
        lead(calendar.ordinal) OVER (
            PARTITION BY finished.appliance ORDER BY finished.day, finished.key
        ) - calendar.ordinal AS lasted
    FROM finished
    INNER JOIN calendar ON finished.day = calendar.day
    WHERE finished.status_before IS NULL OR finished.status <> finished.status_before
),

outages AS (
    SELECT
        turns.*,
        row_number() OVER (PARTITION BY appliance ORDER BY lasted NULLS LAST) AS place,
        count(lasted) OVER (PARTITION BY appliance) AS number
    FROM turns
    WHERE status = 'FAILED'
)

SELECT
    appliance,
    max(CASE WHEN lasted IS NULL THEN day END) AS failing_since,
    count(*) AS outages,
    count(lasted) AS recovered,
    -- The median is the value in the middle, of two the smaller.
    max(CASE WHEN place = (number + 1) / 2 THEN lasted END) AS median_days,
    max(lasted) AS most_days
FROM outages
GROUP BY appliance
ORDER BY failing_since NULLS LAST, most_days DESC NULLS LAST, appliance;
