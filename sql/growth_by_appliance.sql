-- Growth of the backups of each appliance
--
-- How much have the backups grown? Compares the median size of an appliance's successful backups in
-- the last month of the period with that in the first. The fastest growth comes first. Reads and
-- sorts the jobs of the period.
--
--   first_month, first_size_bytes  first month with a success, and its median size
--   last_month, last_size_bytes    last month with a success, and its median size
--   growth_bytes                   last size minus first size
--   growth_ratio                   last size divided by first size
--   monthly_growth_bytes           growth_bytes divided by the number of months in between
WITH param AS (
    SELECT
        '%' AS appliance,         -- only matching appliances; % matches any text
        '0001-01' AS from_month,  -- first month of the period
        '9999-12' AS to_month     -- last month of the period
),

successes AS (
    SELECT
        v_job.appliance,
        v_job.month,
        v_job.size_bytes,
        12 * CAST(substr(v_job.month, 1, 4) AS INTEGER)
        + CAST(substr(v_job.month, 6, 2) AS INTEGER) AS month_number
    FROM v_job
    CROSS JOIN param
    WHERE
        v_job.succeeded = 1
        AND v_job.size_bytes >= 0
        AND v_job.month BETWEEN param.from_month AND param.to_month
        AND lower(v_job.appliance) LIKE lower(param.appliance)
),

ranked AS (
    SELECT
        successes.*,
        row_number() OVER (PARTITION BY appliance, month ORDER BY size_bytes) AS place,
        count(*) OVER (PARTITION BY appliance, month) AS number,
        min(month) OVER (PARTITION BY appliance) AS first_month,
        max(month) OVER (PARTITION BY appliance) AS last_month
    FROM successes
),

-- The median is the middle value, or the smaller of two middle values.
ends AS (
    SELECT
        appliance,
        first_month,
        max(CASE WHEN month = first_month THEN size_bytes END) AS first_size_bytes,
        last_month,
        max(CASE WHEN month = last_month THEN size_bytes END) AS last_size_bytes,
        max(month_number) - min(month_number) AS months
    FROM ranked
    WHERE place = (number + 1) / 2
    GROUP BY appliance, first_month, last_month
)

SELECT
    appliance,
    first_month,
    first_size_bytes,
    last_month,
    last_size_bytes,
    last_size_bytes - first_size_bytes AS growth_bytes,
    -- Four decimals, ties rounded up (1e-7); cast to text, so that all shells print the same.
    CAST(CAST(
        round(
            10000 * CAST(last_size_bytes AS DOUBLE PRECISION) / nullif(first_size_bytes, 0) + 1e-7
        ) / 10000
        AS TEXT) AS NUMERIC) AS growth_ratio,
    (last_size_bytes - first_size_bytes) / nullif(months, 0) AS monthly_growth_bytes
FROM ends
ORDER BY growth_ratio DESC NULLS LAST, appliance;
