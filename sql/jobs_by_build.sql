-- Jobs by build of vCenter
--
-- Did an update change the backups? One row per build, over all appliances. Jobs whose document
-- names no build (before 6.7.2, or not started yet) share the last row. Reads and sorts all jobs.
--
--   appliances               number of appliances with jobs on the build
--   first_day, last_day      first and last day with such a job
--   jobs, succeeded, failed  all jobs, and the finished ones; others were open when last seen
--   success_rate             succeeded / (succeeded + failed); empty if no job has finished
--   duration_median_seconds, size_median_bytes
--                            medians of the successful jobs
WITH param AS (
    SELECT
        '%' AS appliance,  -- only matching appliances; % matches any text
        '%' AS type        -- only jobs of this type, such as SCHEDULED
),

ranked AS (
    SELECT
        v_job.*,
        row_number() OVER (
            PARTITION BY v_job.version, v_job.version_name, v_job.build_number, v_job.succeeded
            ORDER BY v_job.duration_seconds NULLS LAST
        ) AS duration_place,
        count(v_job.duration_seconds) OVER (
            PARTITION BY v_job.version, v_job.version_name, v_job.build_number, v_job.succeeded
        ) AS durations,
        row_number() OVER (
            PARTITION BY v_job.version, v_job.version_name, v_job.build_number, v_job.succeeded
            ORDER BY v_job.size_bytes NULLS LAST
        ) AS size_place,
        count(v_job.size_bytes) OVER (
            PARTITION BY v_job.version, v_job.version_name, v_job.build_number, v_job.succeeded
        ) AS sizes
    FROM v_job
    CROSS JOIN param
    WHERE
        lower(v_job.appliance) LIKE lower(param.appliance)
        AND lower(coalesce(v_job.type, '')) LIKE lower(param.type)
)

SELECT
    version,
    version_name,
    build_number,
    count(DISTINCT appliance_id) AS appliances,
    min(day) AS first_day,
    max(day) AS last_day,
    count(*) AS jobs,
    sum(succeeded) AS succeeded,
    sum(failed) AS failed,
    -- Four decimals, ties rounded up (1e-7); cast to text, so that all shells print the same.
    CAST(CAST(
        round(
            CAST(10000 * sum(succeeded) AS DOUBLE PRECISION) / nullif(sum(finished), 0) + 1e-7
        ) / 10000
        AS TEXT) AS NUMERIC) AS success_rate,
    -- The median is the middle value, or the smaller of two middle values.
    max(CASE WHEN succeeded = 1 AND duration_place = (durations + 1) / 2 THEN duration_seconds END)
        AS duration_median_seconds,
    max(CASE WHEN succeeded = 1 AND size_place = (sizes + 1) / 2 THEN size_bytes END)
        AS size_median_bytes
FROM ranked
GROUP BY version, version_name, build_number
ORDER BY version NULLS LAST, build_number, version_name;
