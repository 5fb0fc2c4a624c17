-- Last success of each appliance
--
-- Which appliances have gone longest without a good backup? One row an appliance, worst first;
-- an appliance that never had a success has no age and stands at the top.
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

-- The number of that day as calendar.ordinal counts; the calendar may end before it.
today AS (
    SELECT 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d - 306 AS ordinal
    FROM (
        -- Years from March to February, so that a leap day is the last of its year.
        SELECT year - (month + 9) % 12 / 10 AS y, (month + 9) % 12 AS m, day AS d
        FROM (
            SELECT
                CAST(substr(CAST(today AS TEXT), 1, 4) AS INTEGER) AS year,
                CAST(substr(CAST(today AS TEXT), 6, 2) AS INTEGER) AS month,
                CAST(substr(CAST(today AS TEXT), 9, 2) AS INTEGER) AS day
            FROM param
        ) AS part
    ) AS shifted
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
    today.ordinal - success.day_ordinal AS age_days,
    attempt.day AS last_attempt,
    attempt.status AS last_status,
    (
        SELECT count(*) FROM job
        WHERE
            job.appliance_id = latest.id
            AND job.status = 'FAILED'
            AND (
                success.day IS NULL
                OR job.day > success.day
                OR (job.day = success.day AND job.key > success.key)
            )
    ) AS failed_since,
    latest.last_seen
FROM latest
CROSS JOIN today
LEFT JOIN v_job AS attempt
    ON latest.id = attempt.appliance_id AND latest.attempt_id = attempt.job_id
LEFT JOIN v_job AS success
    ON latest.id = success.appliance_id AND latest.success_id = success.job_id
ORDER BY age_days DESC NULLS FIRST, appliance;
