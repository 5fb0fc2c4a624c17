-- Last success of each appliance
--
-- Which appliances have been without a successful backup for longest? One row per appliance, the
-- worst first. An appliance that has never had a success has no age and comes first. Reads the
-- appliances, not the jobs.
--
--   state                      ok, overdue, never or no recent data, as in the report rpo
--   last_success, age_days     day of its last successful job, and its age in days
--   last_attempt, last_status  day and status of its last job, in any status
--   consecutive_failures       number of failed jobs after the last success
--   last_seen                  time of its last import: if it is old, the archive is out of date,
--                              and the backups may be fine
WITH param AS (
    SELECT
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- day from which to count ages
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
today AS (
    SELECT calendar.ordinal
    FROM param
    LEFT JOIN calendar ON param.today = calendar.day
)

SELECT
    v_standing.appliance,
    v_standing.state,
    v_standing.last_success,
    today.ordinal - calendar.ordinal AS age_days,
    v_standing.last_attempt,
    v_standing.last_attempt_status AS last_status,
    v_standing.consecutive_failures,
    v_standing.last_seen
FROM v_standing
CROSS JOIN param
CROSS JOIN today
LEFT JOIN calendar ON v_standing.last_success = calendar.day
WHERE lower(v_standing.appliance) LIKE lower(param.appliance)
ORDER BY age_days DESC NULLS FIRST, v_standing.appliance;
