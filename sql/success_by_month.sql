-- Success rate by month
--
-- How many of the finished jobs succeeded, month by month? A month without jobs has a row, too, so
-- that gaps in the history are visible; only whole years without jobs are left out. Reads the
-- totals by appliance and month, not the jobs.
--
--   jobs, succeeded, failed  all jobs of the month, and the finished ones
--   open                     jobs in progress when last seen; not part of the rate
--   other                    jobs in a status that is not documented; not part of the rate
--   success_rate             succeeded / (succeeded + failed); empty if no job has finished
WITH param AS (
    SELECT
        '%' AS appliance,  -- only matching appliances; % matches any text
        '%' AS type        -- only jobs of this type, such as SCHEDULED
),

wanted AS (
    SELECT v_month.*
    FROM v_month
    CROSS JOIN param
    WHERE
        lower(v_month.appliance) LIKE lower(param.appliance)
        AND lower(coalesce(v_month.type, '')) LIKE lower(param.type)
),

months AS (
    SELECT DISTINCT calendar.month
    FROM calendar
    WHERE calendar.day BETWEEN (SELECT min(first_day) FROM wanted)
    AND (SELECT max(last_day) FROM wanted)
),

counted AS (
    SELECT
        months.month,
        coalesce(sum(wanted.jobs), 0) AS jobs,
        coalesce(sum(wanted.succeeded), 0) AS succeeded,
        coalesce(sum(wanted.failed), 0) AS failed,
        coalesce(sum(wanted.open), 0) AS open,
        coalesce(sum(wanted.other), 0) AS other,
        nullif(sum(wanted.finished), 0) AS finished
    FROM months
    LEFT JOIN wanted ON months.month = wanted.month
    GROUP BY months.month
)

SELECT
    month,
    jobs,
    succeeded,
    failed,
    open,
    other,
    -- Four decimals, ties rounded up (1e-7); cast to text, so that all shells print the same.
    CAST(CAST(round(CAST(10000 * succeeded AS DOUBLE PRECISION) / finished + 1e-7) / 10000 AS TEXT)
        AS NUMERIC) AS success_rate
FROM counted
ORDER BY month;
