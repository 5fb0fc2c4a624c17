-- Latest job of each appliance
--
-- What is the latest job of each appliance? One row per appliance, the oldest latest job first. An
-- appliance without jobs comes first. Reads the appliances, and looks up their last jobs.
--
--   day, key, status, type, start_time  its latest job, which may still be in progress
--   duration_seconds, size_bytes        as reported; they say little unless the job succeeded
WITH param AS (
    SELECT
        '%' AS appliance  -- only matching appliances; % matches any text
),

-- One index lookup per appliance.
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
        -- Within a day, job keys sort by time of creation.
        AND NOT EXISTS (
            SELECT 1 FROM job AS later
            WHERE
                later.appliance_id = job.appliance_id
                AND later.day = job.day
                AND later.key > job.key
        )
ORDER BY job.day NULLS FIRST, appliance;
