-- Recovery after failures
--
-- How long does it take until a backup succeeds again? One row per appliance with failures; the one
-- that has been failing for longest comes first. Ignores jobs in progress and those with the time
-- of a wrong clock. Reads and sorts the jobs of the period.
--
--   failing_since           day of the first failure after the last success; empty: not failing now
--   outages, recovered      number of times it started to fail, and succeeded again
--   median_days, most_days  days from the first failure to the next success: median and maximum
WITH param AS (
    SELECT
        365 AS days,                        -- number of days, including today
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

finished AS (
    SELECT
        v_job.appliance,
        v_job.key,
        v_job.day,
        coalesce(v_job.start_time, v_job.first_seen) AS began,
        v_job.status,
        lag(v_job.status) OVER (
            PARTITION BY v_job.appliance_id
            ORDER BY v_job.day, coalesce(v_job.start_time, v_job.first_seen), v_job.key
        ) AS status_before
    FROM v_job
    CROSS JOIN param
    WHERE
        v_job.finished = 1
        AND v_job.wrong_clock = 0
        AND v_job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(v_job.appliance) LIKE lower(param.appliance)
),

-- The jobs where the status changes: the first failure of a series, or the first success after it.
turns AS (
    SELECT
        finished.appliance,
        finished.day,
        finished.status,
        lead(calendar.ordinal) OVER (
            PARTITION BY finished.appliance
            ORDER BY finished.day, finished.began, finished.key
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
    -- The median is the middle value, or the smaller of two middle values.
    max(CASE WHEN place = (number + 1) / 2 THEN lasted END) AS median_days,
    max(lasted) AS most_days
FROM outages
GROUP BY appliance
ORDER BY failing_since NULLS LAST, most_days DESC NULLS LAST, appliance;
