-- Sizes further than three standard deviations from the mean of the 30 before.
WITH told AS (
    SELECT
        appliance_id, key, size_bytes,
        count(*) OVER before AS number,
        avg(1.0 * size_bytes) OVER before AS mean,
        avg(1.0 * size_bytes * size_bytes) OVER before AS square
    FROM job
    WHERE status = 'SUCCEEDED'
    WINDOW before AS (
        PARTITION BY appliance_id, type ORDER BY day, start_time ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING
    )
)

SELECT appliance_id, key, size_bytes, mean
FROM told
WHERE
    number >= 7
    AND (size_bytes - mean) * (size_bytes - mean) > 9 * (square - mean * mean)
ORDER BY appliance_id, key
