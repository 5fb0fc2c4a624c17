-- Failures in a row
--
-- Which appliances fail again and again? Each run of failed jobs that no success interrupts, those
-- that still go on first, then the longest. Open jobs count for nothing. Reads and sorts the jobs
-- of the period.
--
--   ongoing              1 if no job has succeeded since, else 0
--   failures             how many jobs failed in a row
--   first_day, last_day  days of the first and of the last of them
--   first_key            job key of the first: what it says is the most likely cause
WITH param AS (
    SELECT
        90 AS days,            -- how many days to look back, today included
        2 AS failures,         -- only runs of at least so many
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

-- Along a run of jobs in one status, the place among all jobs and the place among those in the same
-- status grow alike.
numbered AS (
    SELECT
        appliance.name AS appliance,
        job.key,
        job.day,
        job.status,
        row_number() OVER (PARTITION BY job.appliance_id ORDER BY job.day, job.key) AS place,
        row_number() OVER (
            PARTITION BY job.appliance_id, job.status ORDER BY job.day, job.key
        ) AS status_place,
        count(*) OVER (PARTITION BY job.appliance_id) AS number
    FROM job
    INNER JOIN appliance ON job.appliance_id = appliance.id
    CROSS JOIN param
    WHERE
        job.status IN ('SUCCEEDED', 'FAILED')
        AND job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(appliance.name) LIKE lower(param.appliance)
),

failed AS (
    SELECT
        numbered.*,
        min(place) OVER (PARTITION BY appliance, place - status_place) AS first_place
    FROM numbered
    WHERE status = 'FAILED'
)

SELECT
    CASE WHEN max(place) = max(number) THEN 1 ELSE 0 END AS ongoing,
    count(*) AS failures,
    appliance,
    min(day) AS first_day,
    max(day) AS last_day,
    max(CASE WHEN place = first_place THEN key END) AS first_key
FROM failed
GROUP BY appliance, first_place
HAVING count(*) >= (SELECT failures FROM param)
ORDER BY ongoing DESC, failures DESC, first_day, appliance;
