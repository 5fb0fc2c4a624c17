-- Collections and their attempts
--
-- What were the results of the latest collections? Newest first. Reads the attempts of these
-- collections.
--
--   asked                      appliances to ask
--   complete, partial, failed  appliances by outcome
--   not_asked                  appliances without an attempt: it is running, or was interrupted
--   new_jobs, changed_jobs     jobs that the imports added or changed
--   reasons, example           number of different reasons for other outcomes, and one of them
WITH param AS (
    SELECT
        20 AS collections  -- maximum number of collections
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
