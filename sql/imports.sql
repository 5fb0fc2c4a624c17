-- Imports and what they brought
--
-- Which answers and files were imported lately, and what was new in them? Newest first. Reads the
-- run log from its end.
--
--   appliance  whose jobs it has; none: of several appliances, or not known
--   seen_at    as of when the answer is
--   seen       documents in it: new, changed and unchanged jobs, and quarantined ones
--   findings   what they break of the published rules
--   error      why an import failed
WITH param AS (
    SELECT
        50 AS imports,  -- how many to show
        '%' AS appliance,  -- only appliances like this; % stands for any text
        '%' AS outcome     -- only those that are running, complete or failed
)

SELECT
    ingest_run.id,
    appliance.name AS appliance,
    ingest_run.source,
    ingest_run.seen_at,
    ingest_run.outcome,
    ingest_run.seen,
    ingest_run.new,
    ingest_run.changed,
    ingest_run.unchanged,
    ingest_run.findings,
    ingest_run.quarantined,
    ingest_run.error
FROM ingest_run
LEFT JOIN appliance ON ingest_run.appliance_id = appliance.id
CROSS JOIN param
WHERE
    lower(coalesce(appliance.name, '')) LIKE lower(param.appliance)
    AND lower(ingest_run.outcome) LIKE lower(param.outcome)
ORDER BY ingest_run.id DESC
LIMIT (SELECT imports FROM param);
