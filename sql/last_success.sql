-- Last success of each appliance
--
-- Which appliances have gone longest without a good backup? One row an appliance, worst first; an
-- appliance that never had a success has no age and stands at the top. Walks the appliances, not
-- the jobs.
--
--   last_success, age_days     day of its last successful job, and how many days ago that was
--   last_attempt, last_status  day and status of its last job, whatever became of it
--   failed_since               failed jobs after the last success
--   last_seen                  when the archive last heard from it: an old one means that the
--                              archive is out of date, and the backups may be fine
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
),

-- Walks the appliances, not the jobs. Within a day, job keys sort by the time of creation.
latest AS (
    SELECT
        appliance.id,
        appliance.name,
        appliance.last_seen,
        (
            SELECT job.id FROM job
            WHERE job.appliance_id = appliance.id
            ORDER BY job.day DESC, job.key DESC
            LIMIT 1
        ) AS attempt_id,
        (
            SELECT job.id FROM job
            WHERE job.appliance_id = appliance.id AND job.status = 'SUCCEEDED'
            ORDER BY job.day DESC, job.key DESC
            LIMIT 1
        ) AS success_id
    FROM appliance
    INNER JOIN param ON lower(appliance.name) LIKE lower(param.appliance)
)

SELECT
    latest.name AS appliance,
    success.day AS last_success,
    today.ordinal - calendar.ordinal AS age_days,
    attempt.day AS last_attempt,
    attempt.status AS last_status,
    -- Apart, so that only the days since the last success are read where there was one.
    CASE
        WHEN success.day IS NULL THEN (
            SELECT count(*) FROM job
            WHERE job.appliance_id = latest.id AND job.status = 'FAILED'
        )
        ELSE (
            SELECT count(*) FROM job
            WHERE
                job.appliance_id = latest.id
                AND job.status = 'FAILED'
                AND job.day >= success.day
                AND (job.day > success.day OR job.key > success.key)
        )
    END AS failed_since,
    latest.last_seen
FROM latest
CROSS JOIN today
LEFT JOIN job AS attempt
    ON latest.id = attempt.appliance_id AND latest.attempt_id = attempt.id
LEFT JOIN job AS success
    ON latest.id = success.appliance_id AND latest.success_id = success.id
LEFT JOIN calendar ON success.day = calendar.day
ORDER BY age_days DESC NULLS FIRST, appliance;
