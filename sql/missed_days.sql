-- Days without a backup
--
-- On how many days was a backup expected but none succeeded? One row per appliance with such days,
-- the most first. A backup is expected on each day from the first job to the last import, or on
-- those of these days that the schedule names: see v_missed. Looks up each day of each appliance.
--
--   missed               number of days without a success
--   without_jobs         number of these days without any known job
--   first_day, last_day  first and last of these days in the period
--   most_in_a_row        largest number of consecutive days
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

-- Over consecutive days, the number of the day and its position increase together.
missed AS (
    SELECT
        v_missed.appliance,
        v_missed.day,
        v_missed.jobs,
        v_missed.day_ordinal
        - row_number() OVER (PARTITION BY v_missed.appliance ORDER BY v_missed.day) AS run
    FROM v_missed
    CROSS JOIN param
    WHERE
        v_missed.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(v_missed.appliance) LIKE lower(param.appliance)
),

counted AS (
    SELECT
        missed.*,
        count(*) OVER (PARTITION BY appliance, run) AS in_a_row
    FROM missed
)

SELECT
    appliance,
    count(*) AS missed,
    count(CASE WHEN jobs = 0 THEN 1 END) AS without_jobs,
    min(day) AS first_day,
    max(day) AS last_day,
    max(in_a_row) AS most_in_a_row
FROM counted
GROUP BY appliance
ORDER BY missed DESC, last_day DESC, appliance;
