-- Latest job of each appliance
--
-- What is the newest that the archive knows of each appliance? One row an appliance, the one whose
-- latest job is oldest first; an appliance without any job stands at the top. Walks the appliances,
-- not the jobs.
--
--   day, key, status, type, start_time  its latest job, which need not have come to an end
--   duration_seconds, size_bytes        as reported; of one that has not succeeded they say little
WITH param AS (
    SELECT
        '%' AS appliance  -- only appliances like this; % stands for any text
),

-- Walks the appliances, not the jobs.
latest AS (
    SELECT
        appliance.id,
        appliance.name,
        (SELECT max(job.day) FROM job WHERE job.appliance_id = appliance.id) AS day
    FROM appliance
    INNER JOIN param ON lower(appliance.name) LIKE lower(param.appliance)
)

SELECT
    latest.name AS appliance,
    job.day,
    job.key,
    job.status,
    job.type,
    job.start_time,
    job.duration_seconds,
    job.size_bytes
FROM latest
LEFT JOIN job
    ON
        latest.id = job.appliance_id
        AND latest.day = job.day
        -- Within a day, job keys sort by the time of creation.
        AND NOT EXISTS (
            SELECT 1 FROM job AS later
            WHERE
                later.appliance_id = job.appliance_id
                AND later.day = job.day
                AND later.key > job.key
        )
ORDER BY job.day NULLS FIRST, appliance;
