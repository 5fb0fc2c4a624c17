-- Counts, sums and percentiles by month.
WITH ranked AS (
    SELECT
        calendar.month, job.status, job.size_bytes, job.duration_seconds,
        row_number() OVER (PARTITION BY calendar.month, job.status ORDER BY job.size_bytes) AS size_rank,
        row_number() OVER (PARTITION BY calendar.month, job.status ORDER BY job.duration_seconds)
            AS duration_rank,
        count(*) OVER (PARTITION BY calendar.month, job.status) AS jobs
    FROM job
    INNER JOIN calendar ON job.day = calendar.day
)

SELECT
    month,
    count(CASE WHEN status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    count(CASE WHEN status = 'FAILED' THEN 1 END) AS failed,
    sum(CASE WHEN status = 'SUCCEEDED' THEN size_bytes END) AS size_total,
    max(CASE WHEN status = 'SUCCEEDED' AND size_rank = (jobs * 50 + 99) / 100 THEN size_bytes END)
        AS size_median,
    max(CASE WHEN status = 'SUCCEEDED' AND duration_rank = (jobs * 50 + 99) / 100 THEN duration_seconds END)
        AS duration_median,
    max(CASE WHEN status = 'SUCCEEDED' AND duration_rank = (jobs * 95 + 99) / 100 THEN duration_seconds END)
        AS duration_p95
FROM ranked
GROUP BY month
ORDER BY month
