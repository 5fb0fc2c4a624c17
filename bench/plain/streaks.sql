-- The longest streak of failures of each appliance, by gaps and islands.
WITH numbered AS (
    SELECT
        appliance_id, status,
        row_number() OVER (PARTITION BY appliance_id ORDER BY start_time)
        - row_number() OVER (PARTITION BY appliance_id, status ORDER BY start_time) AS island
    FROM job
    WHERE status IN ('SUCCEEDED', 'FAILED')
),

streak AS (
    SELECT appliance_id, island, count(*) AS failures
    FROM numbered
    WHERE status = 'FAILED'
    GROUP BY appliance_id, island
)

SELECT appliance_id, max(failures) AS worst
FROM streak
GROUP BY appliance_id
ORDER BY worst DESC, appliance_id
