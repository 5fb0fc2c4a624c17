-- Bytes a second by month: of all, and the median.
WITH ranked AS (
    SELECT
        calendar.month, job.size_bytes, job.duration_seconds,
        row_number() OVER (
            PARTITION BY calendar.month ORDER BY job.size_bytes / job.duration_seconds
        ) AS place,
        count(*) OVER (PARTITION BY calendar.month) AS jobs
    FROM job
    INNER JOIN calendar ON job.day = calendar.day
    WHERE job.status = 'SUCCEEDED' AND job.duration_seconds > 0 AND job.size_bytes >= 0
)

SELECT
    month,
    sum(size_bytes) / sum(duration_seconds) AS throughput,
    max(CASE WHEN place = (jobs + 1) / 2 THEN size_bytes / duration_seconds END) AS median
FROM ranked
GROUP BY month
ORDER BY month
