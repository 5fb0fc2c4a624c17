-- Days without a backup
--
-- On how many days was a backup expected and none succeeded? One row an appliance that missed any,
-- most first. One is expected on each day from its first job to when it was last heard from, or on
-- those of them that its schedule names: see v_missed. Looks up each day of each appliance.
--
--   missed               days without a success
--   without_jobs         those of them on which no job ran at all, or none was ever seen
--   first_day, last_day  first and last of them in the period
--   most_in_a_row        how many days followed each other
WITH param AS (
    SELECT
        30 AS days,            -- how many days to look back, today included
        '%' AS appliance,      -- only appliances like this; % stands for any text
        CURRENT_DATE AS today  -- the last of these days
),

-- The calendar numbers the days from 2016 to 2045, and all years that have jobs.
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar
        ON calendar.ordinal BETWEEN today.ordinal - param.days + 1 AND today.ordinal
),

-- Along days that follow each other, the number of the day and its place grow alike.
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
