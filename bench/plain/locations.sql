-- Targets, and when they were used.
SELECT
    location.masked_url,
    count(*) AS jobs,
    count(DISTINCT job.appliance_id) AS appliances,
    min(job.day) AS first_day,
    max(job.day) AS last_day,
    sum(CASE WHEN job.status = 'SUCCEEDED' THEN job.size_bytes END) AS size_total
FROM job
INNER JOIN location ON job.location_id = location.id
GROUP BY location.masked_url
ORDER BY location.masked_url
