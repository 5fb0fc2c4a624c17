-- Jobs of a day
--
-- Which jobs ran on a calendar day, and did they succeed? In the order of their start; jobs that
-- have not started come last. Reads the jobs of that day.
--
--   duration_seconds, size_bytes  as reported; they say little unless the job succeeded
WITH param AS (
    SELECT
        (SELECT day FROM v_today) AS day,  -- the day
        '%' AS appliance,                  -- only matching appliances; % matches any text
        '%' AS status                      -- only jobs in this status, such as FAILED
)

SELECT
    v_job.start_time,
    v_job.appliance,
    v_job.key,
    v_job.type,
    v_job.status,
    v_job.duration_seconds,
    v_job.size_bytes,
    v_job.location
FROM v_job
CROSS JOIN param
WHERE
    v_job.day = (SELECT day FROM param)
    AND lower(v_job.appliance) LIKE lower(param.appliance)
    AND lower(v_job.status) LIKE lower(param.status)
ORDER BY v_job.start_time NULLS LAST, v_job.appliance, v_job.key;
