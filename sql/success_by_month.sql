-- Success rate by month
--
-- How many of the finished jobs succeeded, month by month? A month without jobs has a row, too, so
-- that a gap in the history shows; only whole years without jobs are left out. Reads all jobs;
-- where no appliance is asked for, v_day has the same from the day totals.
--
--   jobs, succeeded, failed  all jobs of the month, and those that came to an end
--   open                     pending, blocked or running when last seen: not in the rate
--   success_rate             succeeded / (succeeded + failed); none if no job has finished
WITH param AS (
    SELECT
        '%' AS appliance,  -- only appliances like this; % stands for any text
        '%' AS type        -- only jobs of this type, such as SCHEDULED
),

wanted AS (
    SELECT v_job.*
    FROM v_job
    CROSS JOIN param
    WHERE
        lower(v_job.appliance) LIKE lower(param.appliance)
        AND lower(coalesce(v_job.type, '')) LIKE lower(param.type)
),

months AS (
    SELECT DISTINCT calendar.month
    FROM calendar
    WHERE calendar.day BETWEEN (SELECT min(day) FROM wanted) AND (SELECT max(day) FROM wanted)
),

counted AS (
    SELECT
        months.month,
        count(wanted.key) AS jobs,
        coalesce(sum(wanted.succeeded), 0) AS succeeded,
        coalesce(sum(wanted.failed), 0) AS failed,
        count(CASE WHEN wanted.status IN ('PENDING', 'BLOCKED', 'RUNNING') THEN 1 END) AS open,
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
    -- Four decimals, ties up (1e-7); by way of text, so that every shell writes them alike.
    CAST(CAST(round(CAST(10000 * succeeded AS DOUBLE PRECISION) / finished + 1e-7) / 10000 AS TEXT)
        AS NUMERIC) AS success_rate
FROM counted
ORDER BY month;
