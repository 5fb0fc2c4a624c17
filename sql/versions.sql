-- Versions and time zones, now and before
--
-- Which version and time zone do the appliances have, and which did they have before? Reads the
-- histories that collections keep, not the jobs.
--
--   what, value            version or time zone
--   build_number, product  of a version
--   first_seen, last_seen  when the appliance first and last reported it
--   ended_at               when the appliance first reported something else; empty: still current
WITH param AS (
    SELECT
        '%' AS appliance,  -- only matching appliances; % matches any text
        0 AS past          -- 1: include earlier values
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
