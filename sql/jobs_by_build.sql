-- Jobs by build of vCenter
--
-- Did an update change anything? One row a build, whichever appliances ran it. Jobs whose document
-- names no build (before 6.7.2, or before they started) share the last row. Reads and sorts all
-- jobs.
--
--   appliances               how many appliances ran jobs on the build
--   first_day, last_day      first and last day with such a job
--   jobs, succeeded, failed  its jobs; those that are in neither had not finished when last seen
--   success_rate             succeeded / (succeeded + failed); none if no job has finished
--   duration_median_seconds, size_median_bytes
--                            of the successful jobs
WITH param AS (
    SELECT
        '%' AS appliance,  -- only appliances like this; % stands for any text
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
    -- Four decimals, ties up (1e-7); by way of text, so that every shell writes them alike.
    CAST(CAST(
        round(
            CAST(10000 * sum(succeeded) AS DOUBLE PRECISION) / nullif(sum(finished), 0) + 1e-7
        ) / 10000
        AS TEXT) AS NUMERIC) AS success_rate,
    -- The median is the value in the middle, of two the smaller.
    max(CASE WHEN succeeded = 1 AND duration_place = (durations + 1) / 2 THEN duration_seconds END)
        AS duration_median_seconds,
    max(CASE WHEN succeeded = 1 AND size_place = (sizes + 1) / 2 THEN size_bytes END)
        AS size_median_bytes
FROM ranked
GROUP BY version, version_name, build_number
ORDER BY version NULLS LAST, build_number, version_name;
