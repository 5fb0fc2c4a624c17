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
)

SELECT
    appliance.name AS appliance,
    job.day,
    job.key,
    job.status,
    job.type,
    job.start_time,
    job.duration_seconds,
    job.size_bytes
FROM appliance
CROSS JOIN param
LEFT JOIN appliance_standing ON appliance.id = appliance_standing.appliance_id
LEFT JOIN job
    ON
        appliance_standing.appliance_id = job.appliance_id
        AND appliance_standing.attempt_id = job.id
WHERE lower(appliance.name) LIKE lower(param.appliance)
ORDER BY job.day NULLS FIRST, appliance.name;
