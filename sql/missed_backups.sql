-- Missed backups
--
-- Which appliances miss backups, and why? One row per such appliance, the most missed first. A
-- missed backup is an expected backup without a success: see v_missed. Reads the expected backups
-- of the period, not the jobs.
--
--   expected             number of expected backups, missed or not
--   missed               number of missed backups: the sum of the next four columns
--   failed, running      whose last attempt failed, or has not ended
--   did_not_run          without an attempt
--   no_data              due after the last import, which is too old to know more
--   first_day, last_day  first and last day with a missed backup in the period
--   most_in_a_row        largest number of consecutive expected backups that were missed
WITH param AS (
    SELECT
        30 AS days,                         -- number of days, including today
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- last day of the period
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar
        ON calendar.ordinal BETWEEN today.ordinal - param.days + 1 AND today.ordinal
),

expected AS (
    SELECT
        v_expected_backup.appliance,
        v_expected_backup.day,
        v_expected_backup.due_time,
        v_expected_backup.outcome,
        CASE WHEN v_expected_backup.outcome = 'met' THEN 0 ELSE 1 END AS missed
    FROM v_expected_backup
    CROSS JOIN param
    WHERE
        v_expected_backup.day BETWEEN
        (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND v_expected_backup.outcome <> 'habit changed'
        AND lower(v_expected_backup.appliance) LIKE lower(param.appliance)
),

-- Between two met backups, the number of met ones before is the same.
placed AS (
    SELECT
        expected.*,
        sum(1 - missed) OVER (PARTITION BY appliance ORDER BY due_time) AS met_before
    FROM expected
),

counted AS (
    SELECT
        placed.*,
        sum(missed) OVER (PARTITION BY appliance, met_before) AS in_a_row
    FROM placed
)

SELECT
    appliance,
    count(*) AS expected,
    sum(missed) AS missed,
    count(CASE WHEN outcome = 'failed' THEN 1 END) AS failed,
    count(CASE WHEN outcome = 'running' THEN 1 END) AS running,
    count(CASE WHEN outcome = 'did not run' THEN 1 END) AS did_not_run,
    count(CASE WHEN outcome = 'no data' THEN 1 END) AS no_data,
    min(CASE WHEN missed = 1 THEN day END) AS first_day,
    max(CASE WHEN missed = 1 THEN day END) AS last_day,
    max(in_a_row) AS most_in_a_row
FROM counted
GROUP BY appliance
HAVING sum(missed) > 0
ORDER BY missed DESC, last_day DESC, appliance;
