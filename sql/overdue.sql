-- Overdue appliances
--
-- Which appliances are overdue, have never had a success, or have no recent data? One row per such
-- appliance, these three states in turn, the oldest success first. Reads the appliances, not the
-- jobs.
--
--   state                        overdue and never are as of the last import; no recent data: an
--                                import is missing, so the backups may be fine
--   overdue_since_time           when the first missed backup was due; empty: not overdue
--   rpo_seconds, rpo_from        greatest allowed age of the last success, and where it comes from
--   next_due_time, next_due      when the next backup is due; overdue or unknown if that has passed
--   last_seen, import_due_time   last import, and when another one is missing
WITH param AS (
    SELECT
        '%' AS appliance,  -- only matching appliances; % matches any text
        '%' AS state       -- only appliances in this state
)

SELECT
    v_standing.appliance,
    v_standing.state,
    v_standing.overdue_since_time,
    v_standing.last_success_end_time,
    v_standing.consecutive_failures,
    v_standing.rpo_seconds,
    v_standing.rpo_from,
    v_standing.next_due_time,
    v_standing.next_due,
    v_standing.last_seen,
    v_standing.import_due_time
FROM v_standing
CROSS JOIN param
WHERE
    v_standing.state NOT IN ('ok', 'retired')
    AND v_standing.state LIKE lower(param.state)
    AND lower(v_standing.appliance) LIKE lower(param.appliance)
ORDER BY
    CASE v_standing.state WHEN 'never' THEN 0 WHEN 'overdue' THEN 1 ELSE 2 END,
    v_standing.last_success_end_time NULLS FIRST,
    v_standing.appliance;
