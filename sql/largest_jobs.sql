-- Largest backups
--
-- Which successful jobs transferred the most data? Reads the jobs of the period.
--
--   size_bytes        data transferred to the target
--   duration_seconds  duration of the job
WITH param AS (
    SELECT
        20 AS jobs,               -- maximum number of jobs
        '%' AS appliance,         -- only matching appliances; % matches any text
        '0001-01' AS from_month,  -- first month of the period
        '9999-12' AS to_month     -- last month of the period
)

SELECT
    v_job.day,
    v_job.appliance,
    v_job.key,
    v_job.type,
    v_job.size_bytes,
    v_job.duration_seconds,
    v_job.location
FROM v_job
CROSS JOIN param
WHERE
    v_job.succeeded = 1
    AND v_job.month BETWEEN param.from_month AND param.to_month
    AND lower(v_job.appliance) LIKE lower(param.appliance)
ORDER BY v_job.size_bytes DESC NULLS LAST, v_job.day DESC, v_job.appliance, v_job.key
LIMIT (SELECT jobs FROM param);
