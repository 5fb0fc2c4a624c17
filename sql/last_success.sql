-- Last success of each appliance
--
-- Which appliances have been without a successful backup for longest? One row per appliance, the
-- worst first. An appliance that has never had a success has no age and comes first. Reads the
-- appliances, and looks up their last jobs.
--
--   last_success, age_days     day of its last successful job, and its age in days
--   last_attempt, last_status  day and status of its last job, in any status
--   failed_since               number of failed jobs after the last success
--   last_seen                  time of its last import: if it is old, the archive is out of date,
--                              and the backups may be fine
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

-- One index lookup per appliance. A job that starts after it was last seen is never the last one:
-- a clock is wrong.
latest AS (
    SELECT
        appliance.id,
        appliance.name,
        appliance.last_seen,
        latest_import.seen_at,
        (
            SELECT job.id FROM job
            WHERE
                job.appliance_id = appliance.id
                AND (
                    job.start_time IS NULL
                    OR job.start_time <= coalesce(job.last_seen, latest_import.seen_at)
                )
            ORDER BY job.day DESC, coalesce(job.start_time, job.first_seen) DESC, job.key DESC
            LIMIT 1
        ) AS attempt_id,
        (
            SELECT job.id FROM job
            WHERE
                job.appliance_id = appliance.id
                AND job.status = 'SUCCEEDED'
                AND (
                    job.start_time IS NULL
                    OR job.start_time <= coalesce(job.last_seen, latest_import.seen_at)
                )
            ORDER BY job.day DESC, coalesce(job.start_time, job.first_seen) DESC, job.key DESC
            LIMIT 1
        ) AS success_id
    FROM appliance
    LEFT JOIN latest_import ON appliance.id = latest_import.appliance_id
    INNER JOIN param ON lower(appliance.name) LIKE lower(param.appliance)
)

SELECT
    latest.name AS appliance,
    success.day AS last_success,
    today.ordinal - calendar.ordinal AS age_days,
    attempt.day AS last_attempt,
    attempt.status AS last_status,
    -- Two cases: after a success, only the days since then are read.
    CASE
        WHEN success.day IS NULL THEN (
            SELECT count(*) FROM job
            WHERE
                job.appliance_id = latest.id
                AND job.status = 'FAILED'
                AND (
                    job.start_time IS NULL
                    OR job.start_time <= coalesce(job.last_seen, latest.seen_at)
                )
        )
        ELSE (
            SELECT count(*) FROM job
            WHERE
                job.appliance_id = latest.id
                AND job.status = 'FAILED'
                AND job.day >= success.day
                AND (
                    job.start_time IS NULL
                    OR job.start_time <= coalesce(job.last_seen, latest.seen_at)
                )
                AND (job.day, coalesce(job.start_time, job.first_seen), job.key)
                > (success.day, coalesce(success.start_time, success.first_seen), success.key)
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
