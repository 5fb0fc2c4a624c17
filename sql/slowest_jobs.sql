-- Slowest jobs against their own median
--
-- Which successful jobs took unusually long for their appliance? Each is compared with the median
-- of its own appliance's successful jobs of the period, so that a slow appliance hides nothing.
-- Reads and sorts the jobs of the period.
--
--   duration_seconds  how long the job took
--   median_seconds    how long half of the appliance's jobs take at most
--   times_median      the one divided by the other
--   size_bytes        what was transferred: was it slow, or was there more to do?
WITH param AS (
    SELECT
        20 AS jobs,               -- how many jobs to show
        '%' AS appliance,         -- only appliances like this; % stands for any text
        '0001-01' AS from_month,  -- first month of the period
        '9999-12' AS to_month     -- last month of the period
),

ranked AS (
    SELECT
        v_job.*,
        row_number() OVER (
            PARTITION BY v_job.appliance_id ORDER BY v_job.duration_seconds
        ) AS place,
        count(*) OVER (PARTITION BY v_job.appliance_id) AS number
    FROM v_job
    CROSS JOIN param
    WHERE
        v_job.succeeded = 1
        AND v_job.duration_seconds >= 0
        AND v_job.month BETWEEN param.from_month AND param.to_month
        AND lower(v_job.appliance) LIKE lower(param.appliance)
),

-- The median is the value in the middle, of two the smaller.
median AS (
    SELECT appliance_id, duration_seconds AS seconds
    FROM ranked
    WHERE place = (number + 1) / 2
),

compared AS (
    SELECT
        ranked.*,
        median.seconds AS median_seconds,
        -- Four decimals, ties up (1e-7); by way of text, so that every shell writes them alike.
        CAST(CAST(
            round(
                10000 * CAST(ranked.duration_seconds AS DOUBLE PRECISION)
                / nullif(median.seconds, 0) + 1e-7
            ) / 10000
            AS TEXT) AS NUMERIC) AS times_median
    FROM ranked
    INNER JOIN median ON ranked.appliance_id = median.appliance_id
)

SELECT
    day,
    appliance,
    key,
    type,
    duration_seconds,
    median_seconds,
    times_median,
    size_bytes
FROM compared
ORDER BY times_median DESC NULLS LAST, duration_seconds DESC, appliance, key
LIMIT (SELECT jobs FROM param);
