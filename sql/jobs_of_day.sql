-- Jobs of a day
--
-- What ran on a day of the archive's calendar, and what became of it? In the order of their starts;
-- what has not started stands at the end. Reads the jobs of that day.
--
--   duration_seconds, size_bytes  as reported; of a job that has not succeeded they say little
WITH param AS (
    SELECT
        CURRENT_DATE AS day,  -- which day
        '%' AS appliance,     -- only appliances like this; % stands for any text
        '%' AS status         -- only jobs in this status, such as FAILED
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
