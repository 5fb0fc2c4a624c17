-- Values in messages
--
-- Which named values do the messages of the last days contain? Newest day first. Reads the jobs of
-- the period and the params of their messages; positional arguments are in message_arg.
--
--   path       name of the param, after the names of the params that contain it
--   s          the value, if it is a text
--   i, d       the value, if it is a number
--   dt         the value, if it is a time
--   nested_id  the value, if it is another message: the id of that message
WITH param AS (
    SELECT
        '%' AS message_id,                  -- only messages with a matching id
        '%' AS path,                        -- only params with a matching path; % matches any text
        30 AS days,                         -- number of days, including today
        100 AS params,                      -- maximum number of values
        '%' AS appliance,                   -- only matching appliances
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
    v_message.message_id,
    message_param.path,
    message_param.s,
    message_param.i,
    message_param.d,
    message_param.dt,
    message_param.nested_id
FROM v_message
CROSS JOIN param
INNER JOIN message
    ON
        v_message.appliance_id = message.appliance_id
        AND v_message.job_id = message.job_id
        AND v_message.seq = message.seq
INNER JOIN message_param
    ON
        message.appliance_id = message_param.appliance_id
        AND message.content_id = message_param.content_id
WHERE
    v_message.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
    AND lower(v_message.appliance) LIKE lower(param.appliance)
    AND lower(v_message.message_id) LIKE lower(param.message_id)
    AND lower(message_param.path) LIKE lower(param.path)
ORDER BY
    v_message.day DESC, v_message.appliance, v_message.key, message.seq, message_param.seq
LIMIT (SELECT params FROM param);
