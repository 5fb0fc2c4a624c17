-- Quarantine by reason
--
-- What could not be archived as a job, and why? Most documents first. Reads all of quarantine.
--
--   documents, size_bytes  how many, and their bytes added up
--   appliances             of how many appliances, as far as that is known
--   first_seen, last_seen  when the first of them came, and when one came last
--   example                number of the newest: `archive quarantine show` prints it
WITH param AS (
    SELECT
        '%' AS appliance  -- only appliances like this; % stands for any text
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
