-- Missed backups
--
-- Which appliances miss backups, and why? One row per such appliance, the most missed first. A
-- missed backup is an expected backup without a success: see v_missed. Reads the expected backups
-- of these appliances in the period, not the jobs.
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

-- On most days most appliances miss none: only those that do are looked at closely.
missing AS (
    SELECT DISTINCT v_missed.appliance_id
    FROM v_missed
    CROSS JOIN param
    WHERE
        v_missed.day BETWEEN
        (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(v_missed.appliance) LIKE lower(param.appliance)
),

-- Backups missed in a row have the same number of met ones before them.
expected AS (
    SELECT
        v_expected_backup.appliance_id,
        v_expected_backup.appliance,
        v_expected_backup.day,
        v_expected_backup.outcome,
        sum(CASE WHEN v_expected_backup.outcome = 'met' THEN 1 ELSE 0 END) OVER (
            PARTITION BY v_expected_backup.appliance_id ORDER BY v_expected_backup.due_time
        ) AS met_before
    FROM missing
    INNER JOIN v_expected_backup ON missing.appliance_id = v_expected_backup.appliance_id
    WHERE
        v_expected_backup.day BETWEEN
        (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND v_expected_backup.outcome <> 'habit changed'
),

in_a_row AS (
    SELECT
        appliance,
        count(*) AS expected,
        count(CASE WHEN outcome <> 'met' THEN 1 END) AS missed,
        count(CASE WHEN outcome = 'failed' THEN 1 END) AS failed,
        count(CASE WHEN outcome = 'running' THEN 1 END) AS running,
        count(CASE WHEN outcome = 'did not run' THEN 1 END) AS did_not_run,
        count(CASE WHEN outcome = 'no data' THEN 1 END) AS no_data,
        min(CASE WHEN outcome <> 'met' THEN day END) AS first_day,
        max(CASE WHEN outcome <> 'met' THEN day END) AS last_day
    FROM expected
    GROUP BY appliance_id, appliance, met_before
)

SELECT
    appliance,
    sum(expected) AS expected,
    sum(missed) AS missed,
    sum(failed) AS failed,
    sum(running) AS running,
    sum(did_not_run) AS did_not_run,
    sum(no_data) AS no_data,
    min(first_day) AS first_day,
    max(last_day) AS last_day,
    max(missed) AS most_in_a_row
FROM in_a_row
GROUP BY appliance
HAVING sum(missed) > 0
ORDER BY sum(missed) DESC, max(last_day) DESC, appliance;
