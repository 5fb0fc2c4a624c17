-- Builds, and how backups went with them.
SELECT
    build.version,
    build.build_number,
    min(job.day) AS first_day,
    count(*) AS jobs,
    count(DISTINCT job.appliance_id) AS appliances,
    count(CASE WHEN job.status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    avg(CASE WHEN job.status = 'SUCCEEDED' THEN job.size_bytes END) AS size_mean,
    avg(CASE WHEN job.status = 'SUCCEEDED' THEN job.duration_seconds END) AS duration_mean
FROM job
INNER JOIN build ON job.build_id = build.id
GROUP BY build.version, build.build_number
ORDER BY first_day
