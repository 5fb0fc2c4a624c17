-- Failures of this week, with their messages
--
-- What failed lately, and what did vCenter say? Newest first; one row a message, so a job with
-- several messages has several rows, and one without any has one row with no text. Reads the jobs
-- of these days.
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
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar ON calendar.ordinal > today.ordinal - param.days
)

-- The tables of messages, since SQLite makes a view anew where it is joined from the right.
SELECT
    v_job.day,
    v_job.appliance,
    v_job.key,
    v_job.type,
    message.role,
    coalesce(message.localized, message_template.default_message) AS text
FROM v_job
CROSS JOIN param
LEFT JOIN message
    ON
        v_job.appliance_id = message.appliance_id
        AND v_job.job_id = message.job_id
        AND message.role IN ('message', 'error')
LEFT JOIN message_template ON message.template_id = message_template.id
WHERE
    v_job.failed = 1
    AND v_job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
    AND lower(v_job.appliance) LIKE lower(param.appliance)
ORDER BY v_job.day DESC, v_job.key DESC, v_job.appliance, message.seq NULLS LAST;
