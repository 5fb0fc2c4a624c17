-- Failures by message
--
-- Why do backups fail? What vCenter said of the failed jobs of the last days, most frequent first;
-- failures without any message share a row. Reads the jobs of the period.
--
--   message_id           the same in every language
--   jobs, appliances     how many failed jobs have such a message, and on how many appliances
--   first_day, last_day  first and last day with such a job
--   example              one of its texts, whose arguments differ
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

-- One row for each job and identifier.
told AS (
    SELECT
        job.appliance_id,
        job.id,
        job.day,
        message_template.message_id,
        max(coalesce(message.localized, message_template.default_message)) AS example
    FROM job
    INNER JOIN appliance ON job.appliance_id = appliance.id
    CROSS JOIN param
    LEFT JOIN message
        ON
            job.appliance_id = message.appliance_id
            AND job.id = message.job_id
            AND message.role IN ('message', 'error')
    LEFT JOIN message_template ON message.template_id = message_template.id
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
FROM told
GROUP BY message_id
ORDER BY jobs DESC, message_id NULLS LAST;
