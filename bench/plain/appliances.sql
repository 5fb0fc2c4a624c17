-- How many jobs each appliance has, how many succeeded, and when it last did.
SELECT
    appliance.name,
    count(job.id) AS jobs,
    count(CASE WHEN job.status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    min(job.day) AS first_day,
    max(CASE WHEN job.status = 'SUCCEEDED' THEN job.end_time END) AS success_end_time
FROM appliance
LEFT JOIN job ON appliance.id = job.appliance_id
GROUP BY appliance.name
ORDER BY success_end_time
