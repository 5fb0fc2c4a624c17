-- Least, median, p95 and greatest by month.
WITH ranked AS (
    SELECT
        calendar.month, job.duration_seconds,
        row_number() OVER (PARTITION BY calendar.month ORDER BY job.duration_seconds) AS place,
        count(*) OVER (PARTITION BY calendar.month) AS jobs
    FROM job
    INNER JOIN calendar ON job.day = calendar.day
    WHERE job.status = 'SUCCEEDED'
)

SELECT
    month,
    min(duration_seconds) AS least,
    max(CASE WHEN place = (jobs * 50 + 99) / 100 THEN duration_seconds END) AS median,
    max(CASE WHEN place = (jobs * 95 + 99) / 100 THEN duration_seconds END) AS p95,
    max(duration_seconds) AS greatest
FROM ranked
GROUP BY month
ORDER BY month
