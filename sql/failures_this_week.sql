-- Failures of this week, with their messages
--
-- What failed lately, and what did vCenter say? Newest first; one row a message, so a job with
-- several messages has several rows, and one without any has one row with no text.
--
--   day, appliance, key, type  the failed job
--   role                       `message`, or `error` for the messages of its error
--   text                       what vCenter said, in the language that it was asked for
WITH param AS (
    SELECT
        7 AS days,             -- how many days back, this one included
        '%' AS appliance,      -- only appliances like this; % stands for any text
        CURRENT_DATE AS today  -- the day to count back from
),

-- The number of that day as calendar.ordinal counts; the calendar may end before it.
today AS (
    SELECT 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d - 306 AS ordinal
    FROM (
        -- Years from March to February, so that a leap day is the last of its year.
        SELECT year - (month + 9) % 12 / 10 AS y, (month + 9) % 12 AS m, day AS d
        FROM (
            SELECT
                CAST(substr(CAST(today AS TEXT), 1, 4) AS INTEGER) AS year,
                CAST(substr(CAST(today AS TEXT), 6, 2) AS INTEGER) AS month,
                CAST(substr(CAST(today AS TEXT), 9, 2) AS INTEGER) AS day
            FROM param
        ) AS part
    ) AS shifted
)

SELECT
    v_job.day,
    v_job.appliance,
    v_job.key,
    v_job.type,
    v_message.role,
    v_message.text
FROM v_job
CROSS JOIN param
CROSS JOIN today
LEFT JOIN v_message
    ON
        v_job.appliance_id = v_message.appliance_id
        AND v_job.job_id = v_message.job_id
        AND v_message.role IN ('message', 'error')
WHERE
    v_job.failed = 1
    AND v_job.day_ordinal > today.ordinal - param.days
    AND lower(v_job.appliance) LIKE lower(param.appliance)
ORDER BY v_job.day DESC, v_job.key DESC, v_job.appliance, v_message.seq NULLS LAST;
