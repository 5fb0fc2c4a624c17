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

-- The calendar numbers the days from 2016 to 2045, and all years that have jobs.
today AS (
    SELECT calendar.ordinal
    FROM param
    LEFT JOIN calendar ON param.today = calendar.day
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
