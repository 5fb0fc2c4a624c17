-- Collections and their attempts
--
-- What came of the latest runs over the fleet? Newest first. Reads the attempts of these
-- collections.
--
--   asked                      appliances that were to be asked
--   complete, partial, failed  how many of them answered wholly, in part, or not
--   not_asked                  those that no attempt is known of: it runs, or was interrupted
--   new_jobs, changed_jobs     what the answers brought
--   reasons, example           how many reasons there are for what is not complete, and one of them
WITH param AS (
    SELECT
        20 AS collections  -- how many to show
),

latest AS (
    SELECT collection.*
    FROM collection
    ORDER BY collection.id DESC
    LIMIT (SELECT collections FROM param)
)

SELECT
    latest.id,
    latest.started,
    latest.finished,
    latest.outcome,
    latest.asked,
    count(CASE WHEN attempt.outcome = 'complete' THEN 1 END) AS complete,
    count(CASE WHEN attempt.outcome = 'partial' THEN 1 END) AS partial,
    count(CASE WHEN attempt.outcome = 'failed' THEN 1 END) AS failed,
    latest.asked - count(attempt.outcome) AS not_asked,
    coalesce(sum(ingest_run.new), 0) AS new_jobs,
    coalesce(sum(ingest_run.changed), 0) AS changed_jobs,
    count(DISTINCT attempt.reason) AS reasons,
    min(attempt.reason) AS example
FROM latest
LEFT JOIN attempt ON latest.id = attempt.collection_id
LEFT JOIN ingest_run ON attempt.run_id = ingest_run.id
GROUP BY latest.id, latest.started, latest.finished, latest.outcome, latest.asked
ORDER BY latest.id DESC;
