-- The last 30 days against the 30 before: counts, sums and means.
SELECT
    CASE WHEN day > '2026-08-31' THEN 'now' ELSE 'before' END AS span,
    count(DISTINCT appliance_id) AS appliances,
    count(CASE WHEN status = 'SUCCEEDED' THEN 1 END) AS succeeded,
    count(CASE WHEN status = 'FAILED' THEN 1 END) AS failed,
    sum(CASE WHEN status = 'SUCCEEDED' THEN size_bytes END) AS size_total,
    avg(CASE WHEN status = 'SUCCEEDED' THEN duration_seconds END) AS duration_mean,
    max(CASE WHEN status = 'SUCCEEDED' THEN duration_seconds END) AS duration_longest
FROM job
WHERE day > '2026-08-01' AND day <= '2026-09-30'
GROUP BY CASE WHEN day > '2026-08-31' THEN 'now' ELSE 'before' END
