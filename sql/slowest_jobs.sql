-- Slowest jobs against their own median
--
-- Which successful jobs took unusually long for their appliance? Compares each job with the median
-- of its own appliance in the period, so that slow appliances do not hide the others. Reads and
-- sorts the jobs of the period.
--
--   duration_seconds  duration of the job
--   median_seconds    median duration of the appliance's jobs
--   times_median      duration_seconds divided by median_seconds
--   size_bytes        data transferred: shows whether the job was slow or had more to transfer
WITH param AS (
    SELECT
        20 AS jobs,               -- maximum number of jobs
        '%' AS appliance,         -- only matching appliances; % matches any text
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

-- The median is the middle value, or the smaller of two middle values.
median AS (
    SELECT appliance_id, duration_seconds AS seconds
    FROM ranked
    WHERE place = (number + 1) / 2
),

compared AS (
    SELECT
        ranked.*,
        median.seconds AS median_seconds,
        -- Four decimals, ties rounded up (1e-7); cast to text, so that all shells print the same.
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
