-- Percentiles of sizes by month
--
-- How are the sizes of the successful jobs distributed? A percentile is the smallest size that at
-- least so many percent of the jobs do not exceed. Reads and sorts the jobs of the period.
--
--   jobs  number of successful jobs with a size
WITH param AS (
    SELECT
        '%' AS appliance,         -- only matching appliances; % matches any text
        '%' AS type,              -- only jobs of this type, such as SCHEDULED
        '0001-01' AS from_month,  -- first month of the period
        '9999-12' AS to_month     -- last month of the period
),

ranked AS (
    SELECT
        v_job.month,
        v_job.size_bytes,
        row_number() OVER (PARTITION BY v_job.month ORDER BY v_job.size_bytes) AS place,
        count(*) OVER (PARTITION BY v_job.month) AS number
    FROM v_job
    CROSS JOIN param
    WHERE
        v_job.succeeded = 1
        AND v_job.size_bytes IS NOT NULL
        AND v_job.month BETWEEN param.from_month AND param.to_month
        AND lower(v_job.appliance) LIKE lower(param.appliance)
        AND lower(coalesce(v_job.type, '')) LIKE lower(param.type)
)

SELECT
    month,
    count(*) AS jobs,
    min(size_bytes) AS least_size_bytes,
    max(CASE WHEN place = (number * 10 + 99) / 100 THEN size_bytes END) AS p10_size_bytes,
    max(CASE WHEN place = (number * 50 + 99) / 100 THEN size_bytes END) AS p50_size_bytes,
    max(CASE WHEN place = (number * 90 + 99) / 100 THEN size_bytes END) AS p90_size_bytes,
    max(CASE WHEN place = (number * 95 + 99) / 100 THEN size_bytes END) AS p95_size_bytes,
    max(CASE WHEN place = (number * 99 + 99) / 100 THEN size_bytes END) AS p99_size_bytes,
    max(size_bytes) AS greatest_size_bytes
FROM ranked
GROUP BY month
ORDER BY month;
