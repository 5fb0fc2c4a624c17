-- What became of the jobs by month, and of how many appliances they were.
SELECT
    calendar.month,
    count(CASE WHEN job.status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    count(CASE WHEN job.status = 'FAILED' THEN 1 END) AS failed,
    count(DISTINCT job.appliance_id) AS appliances
FROM job
INNER JOIN calendar ON job.day = calendar.day
GROUP BY calendar.month
ORDER BY calendar.month
