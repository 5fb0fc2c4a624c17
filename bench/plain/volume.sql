-- Counts and sums by month.
SELECT
    calendar.month,
    count(CASE WHEN job.status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    count(CASE WHEN job.status = 'FAILED' THEN 1 END) AS failed,
    sum(CASE WHEN job.status = 'SUCCEEDED' THEN job.size_bytes END) AS size_total,
    sum(CASE WHEN job.status = 'SUCCEEDED' THEN job.duration_seconds END) AS duration_total
FROM job
INNER JOIN calendar ON job.day = calendar.day
GROUP BY calendar.month
ORDER BY calendar.month
