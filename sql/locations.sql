-- Backup targets and their last use
--
-- Which targets are in use, and which no longer? The one that was used last stands first. Reads all
-- jobs.
--
--   location             the target as it is configured, its password hidden
--   jobs, appliances     jobs that went there, and from how many appliances
--   first_day, last_day  first and last day with such a job
--   last_success         last day on which one of them succeeded
--   schedules            schedules that, as far as is known, back up there now
WITH param AS (
    SELECT
        '%' AS location  -- only targets like this; % stands for any text
),

used AS (
    SELECT
        job.location_id,
        job.appliance_id,
        count(*) AS jobs,
        min(job.day) AS first_day,
        max(job.day) AS last_day,
        max(CASE WHEN job.status = 'SUCCEEDED' THEN job.day END) AS last_success,
        0 AS schedules
    FROM job
    GROUP BY job.location_id, job.appliance_id
    UNION ALL
    SELECT
        schedule.location_id,
        NULL,
        0,
        NULL,
        NULL,
        NULL,
        count(*)
    FROM schedule
    WHERE schedule.ended_at IS NULL
    GROUP BY schedule.location_id
)

SELECT
    location.masked_url AS location,
    sum(used.jobs) AS jobs,
    count(DISTINCT used.appliance_id) AS appliances,
    min(used.first_day) AS first_day,
    max(used.last_day) AS last_day,
    max(used.last_success) AS last_success,
    sum(used.schedules) AS schedules
FROM used
CROSS JOIN param
INNER JOIN location ON used.location_id = location.id
WHERE lower(location.masked_url) LIKE lower(param.location)
GROUP BY location.masked_url
ORDER BY last_day DESC NULLS LAST, location.masked_url;
