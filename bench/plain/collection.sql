-- The longest gap between imports of each appliance.
SELECT appliance_id, count(*) AS imports, max(seen_at) AS last_seen, min(seen_at) AS first_seen
FROM ingest_run
WHERE outcome = 'complete' AND appliance_id IS NOT NULL
GROUP BY appliance_id
ORDER BY last_seen
