-- Quarantine by reason
--
-- Which documents could not be archived as a job, and why? The most frequent reason first. Reads
-- the whole quarantine.
--
--   documents, size_bytes  number of documents, and the sum of their sizes
--   appliances             number of appliances, as far as known
--   first_seen, last_seen  time of the earliest and of the last import with one
--   example                number of the newest: `archive quarantine show` prints it
WITH param AS (
    SELECT
        '%' AS appliance  -- only matching appliances; % matches any text
)

SELECT
    quarantine.reason,
    count(*) AS documents,
    sum(length(quarantine.document)) AS size_bytes,
    count(DISTINCT quarantine.appliance_name) AS appliances,
    min(quarantine.first_seen) AS first_seen,
    max(quarantine.last_seen) AS last_seen,
    max(quarantine.id) AS example
FROM quarantine
CROSS JOIN param
WHERE lower(coalesce(quarantine.appliance_name, '')) LIKE lower(param.appliance)
GROUP BY quarantine.reason
ORDER BY documents DESC, quarantine.reason;
