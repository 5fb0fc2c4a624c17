-- Consecutive failures
--
-- Which appliances fail repeatedly? One row per series of failed jobs without a success in between.
-- Ongoing series come first, then the longest. Ignores jobs in progress and those with the time of
-- a wrong clock. Reads and sorts the jobs of the period.
--
--   ongoing              1 if no job has succeeded since, as of the last import, otherwise 0
--   failures             number of consecutive failures in the period
--   first_day, last_day  days of the first and last failure
--   first_key            job key of the first failure, whose messages most likely name the cause
WITH param AS (
    SELECT
        90 AS days,                         -- number of days, including today
        2 AS failures,                      -- minimum number of consecutive failures
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- last day of the period
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar
        ON calendar.ordinal BETWEEN today.ordinal - param.days + 1 AND today.ordinal
),

-- Within a series of jobs in one status, the position among all jobs and the position among the
-- jobs in that status increase together.
numbered AS (
    SELECT
        v_job.appliance,
        v_job.key,
        v_job.day,
        v_job.status,
        row_number() OVER (
            PARTITION BY v_job.appliance_id
            ORDER BY v_job.day, coalesce(v_job.start_time, v_job.first_seen), v_job.key
        ) AS place,
        row_number() OVER (
            PARTITION BY v_job.appliance_id, v_job.status
            ORDER BY v_job.day, coalesce(v_job.start_time, v_job.first_seen), v_job.key
        ) AS status_place,
        CASE WHEN v_job.job_id = appliance_standing.finished_id THEN 1 ELSE 0 END AS ongoing
    FROM v_job
    INNER JOIN appliance_standing ON v_job.appliance_id = appliance_standing.appliance_id
    CROSS JOIN param
    WHERE
        v_job.finished = 1
        AND v_job.wrong_clock = 0
        AND v_job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(v_job.appliance) LIKE lower(param.appliance)
),

failed AS (
    SELECT
        numbered.*,
        min(place) OVER (PARTITION BY appliance, place - status_place) AS first_place
    FROM numbered
    WHERE status = 'FAILED'
)

SELECT
    max(ongoing) AS ongoing,
    count(*) AS failures,
    appliance,
    min(day) AS first_day,
    max(day) AS last_day,
    max(CASE WHEN place = first_place THEN key END) AS first_key
FROM failed
GROUP BY appliance, first_place
HAVING count(*) >= (SELECT failures FROM param)
ORDER BY max(ongoing) DESC, count(*) DESC, first_day, appliance;
