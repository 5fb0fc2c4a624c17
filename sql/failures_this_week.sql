-- Failures of this week, with their messages
--
-- Which jobs failed recently, and what did vCenter report? Newest first, one row per message. A job
-- with several messages has several rows; a job without messages has one row without a text. Reads
-- the jobs of these days.
--
--   day, appliance, key, type  the failed job
--   role                       `message`, or `error` for the messages of its error
--   text                       localized text, otherwise English
WITH param AS (
    SELECT
        7 AS days,                          -- number of days, including today
        '%' AS appliance,                   -- only matching appliances; % matches any text
        (SELECT day FROM v_today) AS today  -- day from which to count back
),

-- The calendar has the days of 2016 to 2045, and of all other years that have jobs.
period AS (
    SELECT
        min(calendar.day) AS first_day,
        max(calendar.day) AS last_day
    FROM param
    INNER JOIN calendar AS today ON param.today = today.day
    INNER JOIN calendar ON calendar.ordinal > today.ordinal - param.days
)

-- Joins the tables, since SQLite materialises a view on the right side of a join.
SELECT
    v_job.day,
    v_job.appliance,
    v_job.key,
    v_job.type,
    CASE message.role WHEN 2 THEN 'message' WHEN 3 THEN 'error' END AS role,
    coalesce(message_content.localized, message_template.default_message) AS text
FROM v_job
CROSS JOIN param
LEFT JOIN message
    ON
        v_job.appliance_id = message.appliance_id
        AND v_job.job_id = message.job_id
        AND message.role IN (2, 3)
LEFT JOIN message_content
    ON
        message.appliance_id = message_content.appliance_id
        AND message.content_id = message_content.id
LEFT JOIN message_template ON message_content.template_id = message_template.id
WHERE
    v_job.failed = 1
    AND v_job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
    AND lower(v_job.appliance) LIKE lower(param.appliance)
ORDER BY
    v_job.day DESC,
    coalesce(v_job.start_time, v_job.first_seen) DESC,
    v_job.key DESC,
    v_job.appliance,
    message.seq NULLS LAST;
