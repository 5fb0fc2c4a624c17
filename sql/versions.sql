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

fact AS (
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
    fact.what,
    fact.value,
    fact.build_number,
    fact.product,
    fact.first_seen,
    fact.last_seen,
    fact.ended_at
FROM fact
INNER JOIN appliance ON fact.appliance_id = appliance.id
CROSS JOIN param
WHERE
    lower(appliance.name) LIKE lower(param.appliance)
    AND (fact.ended_at IS NULL OR param.past = 1)
ORDER BY appliance.name, fact.what DESC, fact.first_seen;
