-- Durations before and after a build
--
-- Did an update make the backups of an appliance slower? One row per appliance and build that it
-- was updated to. Compares the median duration of its first successful jobs on the new build with
-- that of its last ones on the old build. The largest slowdown comes first. Reads and sorts all
-- jobs of the appliances.
--
--   day, build_number, build_before  first day with a success on the build, and the build before it
--   jobs_before, jobs_after          number of jobs in each median
--   before_seconds, after_seconds    the medians
--   times_before                     after_seconds as a multiple of before_seconds
WITH param AS (
    SELECT
        10 AS jobs,        -- maximum number of jobs to compare on each side
        '%' AS build,      -- only matching build numbers
        '%' AS appliance   -- only matching appliances; % matches any text
),

numbered AS (
    SELECT
        appliance.name AS appliance,
        job.day,
        job.duration_seconds,
        build.build_number,
        row_number() OVER (
            PARTITION BY job.appliance_id
            ORDER BY job.day, coalesce(job.start_time, job.first_seen), job.key
        ) AS place,
        lag(build.build_number) OVER (
            PARTITION BY job.appliance_id
            ORDER BY job.day, coalesce(job.start_time, job.first_seen), job.key
        ) AS build_before
    FROM job
    INNER JOIN appliance ON job.appliance_id = appliance.id
    INNER JOIN build ON job.build_id = build.id
    CROSS JOIN param
    WHERE
        job.status = 'SUCCEEDED'
        AND job.duration_seconds >= 0
        AND lower(appliance.name) LIKE lower(param.appliance)
),

updates AS (
    SELECT
        numbered.appliance,
        numbered.day,
        numbered.place,
        numbered.build_number,
        numbered.build_before
    FROM numbered
    CROSS JOIN param
    WHERE
        numbered.build_number <> numbered.build_before
        AND lower(numbered.build_number) LIKE lower(param.build)
),

ranked AS (
    SELECT
        updates.*,
        compared.is_after,
        compared.duration_seconds,
        row_number() OVER (
            PARTITION BY updates.appliance, updates.place, compared.is_after
            ORDER BY compared.duration_seconds
        ) AS duration_place,
        count(*) OVER (
            PARTITION BY updates.appliance, updates.place, compared.is_after
        ) AS number
    FROM updates
    CROSS JOIN param
    INNER JOIN (
        SELECT
            numbered.*,
            sides.is_after
        FROM numbered
        CROSS JOIN (SELECT 0 AS is_after UNION ALL SELECT 1) AS sides
    ) AS compared
        ON
            updates.appliance = compared.appliance
            AND (
                (
                    compared.is_after = 0
                    AND compared.build_number = updates.build_before
                    AND compared.place BETWEEN updates.place - param.jobs AND updates.place - 1
                )
                OR (
                    compared.is_after = 1
                    AND compared.build_number = updates.build_number
                    AND compared.place BETWEEN updates.place AND updates.place + param.jobs - 1
                )
            )
),

-- The median is the middle value, or the smaller of two middle values.
medians AS (
    SELECT
        appliance,
        day,
        place,
        build_number,
        build_before,
        max(CASE WHEN is_after = 0 THEN number END) AS jobs_before,
        max(CASE WHEN is_after = 1 THEN number END) AS jobs_after,
        max(CASE WHEN is_after = 0 THEN duration_seconds END) AS before_seconds,
        max(CASE WHEN is_after = 1 THEN duration_seconds END) AS after_seconds
    FROM ranked
    WHERE duration_place = (number + 1) / 2
    GROUP BY appliance, day, place, build_number, build_before
)

SELECT
    day,
    appliance,
    build_before,
    build_number,
    jobs_before,
    jobs_after,
    before_seconds,
    after_seconds,
    -- Four decimals, ties rounded up (1e-7); cast to text, so that all shells print the same.
    CAST(CAST(
        round(
            10000 * CAST(after_seconds AS DOUBLE PRECISION) / nullif(before_seconds, 0) + 1e-7
        ) / 10000
        AS TEXT) AS NUMERIC) AS times_before
FROM medians
ORDER BY times_before DESC NULLS LAST, day, appliance, place;
