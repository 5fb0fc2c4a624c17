-- Jobs that have not ended
--
-- Which jobs were pending, blocked or running when they were last seen? The oldest first: one that
-- its appliance no longer knows will not end any more. Reads the jobs of the days that have such
-- jobs, which the day totals tell.
--
--   age_days   how many days ago it started, or is dated
--   last_seen  when the archive was last told of it
WITH param AS (
    SELECT
        '%' AS appliance,      -- only appliances like this; % stands for any text
        CURRENT_DATE AS today  -- the day from which ages are counted
),

-- The calendar numbers the days from 2016 to 2045, and all years that have jobs.
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
