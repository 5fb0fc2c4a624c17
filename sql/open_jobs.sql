-- Jobs in progress
--
-- Which jobs were pending, blocked or running when they were last seen? Oldest first. A job that
-- its appliance no longer lists will never end. Reads the jobs of the days that have such jobs,
-- which it finds in the day totals.
--
--   age_days   age of the job's day in days
--   last_seen  time of the last import with the job
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
)

SELECT
    today.ordinal - v_job.day_ordinal AS age_days,
    v_job.day,
    v_job.appliance,
    v_job.key,
    v_job.status,
    v_job.type,
    v_job.start_time,
    v_job.progress_completed,
    v_job.progress_total,
    v_job.last_seen
FROM v_job
CROSS JOIN param
CROSS JOIN today
WHERE
    v_job.status IN ('PENDING', 'BLOCKED', 'RUNNING')
    AND v_job.day IN (
        SELECT day_total.day FROM day_total
        WHERE day_total.status IN ('PENDING', 'BLOCKED', 'RUNNING')
    )
    AND lower(v_job.appliance) LIKE lower(param.appliance)
ORDER BY v_job.day, v_job.appliance, v_job.key;
