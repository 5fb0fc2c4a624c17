-- Backup schedules, now and before
--
-- Which backup schedules do the appliances have, and which did they have before? Reads the
-- histories that collections keep, not the jobs.
--
--   enabled                1 if it is enabled, otherwise 0
--   hour, minute           in the appliance's time zone
--   days                   days of the week; empty: daily
--   max_count              number of retained copies
--   first_seen, last_seen  when the appliance first and last reported it
--   ended_at               when the appliance first reported something else; empty: still current
WITH param AS (
    SELECT
        '%' AS appliance,  -- only matching appliances; % matches any text
        0 AS past          -- 1: include earlier values
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
