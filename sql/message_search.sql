-- Messages with a text
--
-- Which jobs of the last days have a message with this text? Newest day first. Reads the messages
-- of the jobs of the period.
--
--   role  description, progress, message or error
--   text  localized text, otherwise English
WITH param AS (
    SELECT
        '%' AS text,                        -- only messages with this text; % matches any text
        30 AS days,                         -- number of days, including today
        100 AS messages,                    -- maximum number of messages
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
)

SELECT
    v_message.day,
    v_message.appliance,
    v_message.key,
    v_message.status,
    v_message.role,
    v_message.message_id,
    v_message.text
FROM v_message
CROSS JOIN param
WHERE
    v_message.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
    AND lower(v_message.appliance) LIKE lower(param.appliance)
    AND lower(v_message.text) LIKE lower(param.text)
ORDER BY v_message.day DESC, v_message.appliance, v_message.key, v_message.seq
LIMIT (SELECT messages FROM param);
