-- Failures by message
--
-- Why do backups fail? Counts the messages of the failed jobs, the most frequent first. Failures
-- without a message share one row. Reads the jobs of the period.
--
--   message_id           the same in every language
--   jobs, appliances     number of failed jobs with the message, and of their appliances
--   first_day, last_day  first and last day with such a job
--   example              one of its texts; the arguments may differ
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

-- One row per job and message id.
failed AS (
    SELECT
        job.appliance_id,
        job.id,
        job.day,
        message_template.message_id,
        max(coalesce(message_content.localized, message_template.default_message)) AS example
    FROM job
    INNER JOIN appliance ON job.appliance_id = appliance.id
    CROSS JOIN param
    LEFT JOIN message
        ON
            job.appliance_id = message.appliance_id
            AND job.id = message.job_id
            AND message.role IN (2, 3)  -- message, error
    LEFT JOIN message_content
        ON
            message.appliance_id = message_content.appliance_id
            AND message.content_id = message_content.id
    LEFT JOIN message_template ON message_content.template_id = message_template.id
    WHERE
        job.status = 'FAILED'
        AND job.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(appliance.name) LIKE lower(param.appliance)
    GROUP BY job.appliance_id, job.id, job.day, message_template.message_id
)

SELECT
    message_id,
    count(*) AS jobs,
    count(DISTINCT appliance_id) AS appliances,
    min(day) AS first_day,
    max(day) AS last_day,
    max(example) AS example
FROM failed
GROUP BY message_id
ORDER BY jobs DESC, message_id NULLS LAST;
