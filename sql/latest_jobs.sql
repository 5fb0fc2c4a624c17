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

-- One index lookup per appliance. A job that starts after it was last seen is never the latest one:
-- a clock is wrong.
latest AS (
    SELECT
        appliance.id,
        appliance.name,
        (
            SELECT job.id FROM job
            WHERE
                job.appliance_id = appliance.id
                AND (
                    job.start_time IS NULL
                    OR job.start_time <= coalesce(job.last_seen, latest_import.seen_at)
                )
            ORDER BY job.day DESC, coalesce(job.start_time, job.first_seen) DESC, job.key DESC
            LIMIT 1
        ) AS job_id
    FROM appliance
    LEFT JOIN latest_import ON appliance.id = latest_import.appliance_id
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
LEFT JOIN job ON latest.id = job.appliance_id AND latest.job_id = job.id
ORDER BY job.day NULLS FIRST, appliance;
