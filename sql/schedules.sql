-- Backup schedules, now and before
--
-- When are the appliances to back up, as they last told, and what was that before? Reads what the
-- appliances told, not the jobs.
--
--   enabled                1 if it is enabled, else 0
--   hour, minute           appliance time
--   days                   days of the week; none: daily
--   max_count              how many backups are kept
--   first_seen, last_seen  told from when to when
--   ended_at               when something else was told; none: it is as it was last told
WITH param AS (
    SELECT
        '%' AS appliance,  -- only appliances like this; % stands for any text
        0 AS past          -- 1: also what has ended
)

SELECT
    appliance.name AS appliance,
    schedule.key,
    CASE WHEN schedule.enabled THEN 1 ELSE 0 END AS enabled,
    schedule.hour,
    schedule.minute,
    schedule.days,
    schedule.max_count,
    schedule.parts,
    location.masked_url AS location,
    schedule.first_seen,
    schedule.last_seen,
    schedule.ended_at
FROM schedule
INNER JOIN appliance ON schedule.appliance_id = appliance.id
CROSS JOIN param
LEFT JOIN location ON schedule.location_id = location.id
WHERE
    lower(appliance.name) LIKE lower(param.appliance)
    AND (schedule.ended_at IS NULL OR param.past = 1)
ORDER BY appliance.name, schedule.key, schedule.first_seen;
