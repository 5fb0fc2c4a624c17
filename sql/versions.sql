-- Versions and time zones, now and before
--
-- What do the appliances run, as they last told, and what was that before? Reads what the
-- appliances told, not the jobs.
--
--   what, value            version or time zone
--   build_number, product  of a version
--   first_seen, last_seen  told from when to when
--   ended_at               when something else was told; none: it is as it was last told
WITH param AS (
    SELECT
        '%' AS appliance,  -- only appliances like this; % stands for any text
        0 AS past          -- 1: also what has ended
),

told AS (
    SELECT
        appliance_id,
        'version' AS what,
        version AS value,
        build_number,
        product,
        first_seen,
        last_seen,
        ended_at
    FROM system_version
    UNION ALL
    SELECT
        appliance_id,
        'time zone',
        time_zone,
        NULL,
        NULL,
        first_seen,
        last_seen,
        ended_at
    FROM system_time_zone
)

SELECT
    appliance.name AS appliance,
    told.what,
    told.value,
    told.build_number,
    told.product,
    told.first_seen,
    told.last_seen,
    told.ended_at
FROM told
INNER JOIN appliance ON told.appliance_id = appliance.id
CROSS JOIN param
WHERE
    lower(appliance.name) LIKE lower(param.appliance)
    AND (told.ended_at IS NULL OR param.past = 1)
ORDER BY appliance.name, told.what DESC, told.first_seen;
