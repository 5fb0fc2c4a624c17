-- Throughput by month
--
-- How much data did the successful jobs of the whole fleet transfer, and how fast? Reads the day
-- totals, not the jobs.
--
--   jobs                          number of successful jobs
--   measured                      number of these with a size and a duration above 0
--   size_bytes, duration_seconds  sums of the sizes and durations of the measured jobs
--   bytes_per_second              size_bytes divided by duration_seconds, in whole bytes
WITH param AS (
    SELECT
        '%' AS type  -- only jobs of this type, such as SCHEDULED
),

-- Sums the upper and lower halves separately: the sum of sizes may exceed 64 bits.
summed AS (
    SELECT
        calendar.month,
        sum(day_total.jobs) AS jobs,
        sum(day_total.rated) AS measured,
        CAST(sum(day_total.rated_size_high) AS NUMERIC) * 4294967296
        + sum(day_total.rated_size_low) AS size_bytes,
        CAST(sum(day_total.rated_duration_high) AS NUMERIC) * 4294967296
        + sum(day_total.rated_duration_low) AS duration_seconds
    FROM day_total
    INNER JOIN calendar ON day_total.day = calendar.day
    CROSS JOIN param
    WHERE
        day_total.status = 'SUCCEEDED'
        AND lower(day_total.type) LIKE lower(param.type)
    GROUP BY calendar.month
)

SELECT
    month,
    jobs,
    measured,
    size_bytes,
    duration_seconds,
    -- Without a remainder, both databases divide alike.
    CAST(
        (size_bytes - size_bytes % nullif(duration_seconds, 0)) / nullif(duration_seconds, 0)
        AS DECIMAL(38, 0)
    ) AS bytes_per_second
FROM summed
ORDER BY month;
