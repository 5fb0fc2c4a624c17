-- When each appliance last succeeded.
SELECT
    appliance.name,
    max(CASE WHEN job.status = 'SUCCEEDED' THEN job.end_time END) AS success_end_time,
    max(job.start_time) AS attempt_start_time
FROM appliance
LEFT JOIN job ON appliance.id = job.appliance_id
GROUP BY appliance.name
ORDER BY success_end_time
