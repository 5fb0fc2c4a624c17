-- The slope of sizes over a year, by least squares, in bytes a day.
SELECT
    job.appliance_id,
    count(*) AS successes,
    (
        count(*) * sum(1.0 * calendar.ordinal * job.size_bytes)
        - sum(1.0 * calendar.ordinal) * sum(1.0 * job.size_bytes)
    )
    / nullif(
        count(*) * sum(1.0 * calendar.ordinal * calendar.ordinal)
        - sum(1.0 * calendar.ordinal) * sum(1.0 * calendar.ordinal), 0
    ) AS slope
FROM job
INNER JOIN calendar ON job.day = calendar.day
WHERE job.status = 'SUCCEEDED' AND job.day >= '2025-10-01'
GROUP BY job.appliance_id
ORDER BY slope DESC
