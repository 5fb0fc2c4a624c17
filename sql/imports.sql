-- Imports and their results
--
-- Which answers and files were imported recently, and what was new in them? Newest first. Reads the
-- import log from its end.
--
--   appliance  appliance of the jobs; empty: several, or unknown
--   seen_at    time of the content: when it was received, or as given with --seen-at
--   seen       number of documents: new, changed and unchanged jobs, and documents in quarantine
--   findings   number of findings in the documents
--   error      why the import failed
WITH param AS (
    SELECT
        50 AS imports,     -- maximum number of imports
        '%' AS appliance,  -- only matching appliances; % matches any text
        '%' AS outcome     -- only imports with this outcome: running, complete or failed
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
    ingest_run.pruned,
    ingest_run.error
FROM ingest_run
LEFT JOIN appliance ON ingest_run.appliance_id = appliance.id
CROSS JOIN param
WHERE
    lower(coalesce(appliance.name, '')) LIKE lower(param.appliance)
    AND lower(ingest_run.outcome) LIKE lower(param.outcome)
ORDER BY ingest_run.id DESC
LIMIT (SELECT imports FROM param);
