-- Least, median, p95 and greatest by month.
WITH ranked AS (
    SELECT
        calendar.month, job.size_bytes,
        row_number() OVER (PARTITION BY calendar.month ORDER BY job.size_bytes) AS place,
        count(*) OVER (PARTITION BY calendar.month) AS jobs
    FROM job
    INNER JOIN calendar ON job.day = calendar.day
    WHERE job.status = 'SUCCEEDED'
)

SELECT
    month,
    min(size_bytes) AS least,
    max(CASE WHEN place = (jobs * 50 + 99) / 100 THEN size_bytes END) AS median,
    max(CASE WHEN place = (jobs * 95 + 99) / 100 THEN size_bytes END) AS p95,
    max(size_bytes) AS greatest
FROM ranked
GROUP BY month
ORDER BY month
