-- Open jobs, beside the longest success of their appliance.
SELECT
    open.appliance_id,
    open.key,
    open.start_time,
    (
        SELECT max(job.duration_seconds)
        FROM job
        WHERE job.appliance_id = open.appliance_id AND job.status = 'SUCCEEDED'
    ) AS longest
FROM job AS open
WHERE open.status IN ('PENDING', 'BLOCKED', 'RUNNING')
ORDER BY open.start_time
