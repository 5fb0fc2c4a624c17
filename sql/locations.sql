-- Backup targets and their last use
--
-- Which targets are in use, and which are not any more? The most recently used one comes first.
-- Reads the totals by appliance and month, not the jobs.
--
--   location             the target as configured, with the password hidden
--   jobs, appliances     number of jobs to the target, and of their appliances
--   first_day, last_day  first and last day with such a job
--   last_success         last day with a successful one
--   schedules            number of known schedules that back up to the target now
WITH param AS (
    SELECT
        '%' AS location  -- only matching targets; % matches any text
),

used AS (
    SELECT
        location_id,
        appliance_id,
        sum(jobs) AS jobs,
        min(first_day) AS first_day,
        max(last_day) AS last_day,
        max(CASE WHEN status = 'SUCCEEDED' THEN last_day END) AS last_success,
        0 AS schedules
    FROM appliance_month
    GROUP BY location_id, appliance_id
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
