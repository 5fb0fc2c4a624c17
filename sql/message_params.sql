-- Values in messages
--
-- Which values did the messages of the last days have in them, by name? Newest day first. Reads the
-- jobs of the period and the params of their messages; arguments without a name are in message_arg.
--
--   path       name of the param, after those that it is below
--   s          the value: a text,
--   i, d       a number,
--   dt         an instant,
--   nested_id  or another message
WITH RECURSIVE param AS (
    SELECT
        '%' AS message_id,     -- only messages whose identifier is like this
        '%' AS path,           -- only params whose path is like this; % stands for any text
        30 AS days,            -- how many days to look back, today included
        100 AS params,         -- how many values to show
        '%' AS appliance,      -- only appliances like this
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

named AS (
    SELECT
        v_message.day,
        v_message.appliance,
        v_message.key,
        v_message.message_id,
        message_param.appliance_id,
        message_param.job_id,
        message_param.message_seq,
        message_param.seq,
        message_param.name AS path
    FROM v_message
    CROSS JOIN param
    INNER JOIN message_param
        ON
            v_message.appliance_id = message_param.appliance_id
            AND v_message.job_id = message_param.job_id
            AND v_message.seq = message_param.message_seq
            AND message_param.parent_seq IS NULL
    WHERE
        v_message.day BETWEEN (SELECT first_day FROM period) AND (SELECT last_day FROM period)
        AND lower(v_message.appliance) LIKE lower(param.appliance)
        AND lower(v_message.message_id) LIKE lower(param.message_id)
    UNION ALL
    SELECT
        named.day,
        named.appliance,
        named.key,
        named.message_id,
        message_param.appliance_id,
        message_param.job_id,
        message_param.message_seq,
        message_param.seq,
        named.path || '.' || message_param.name
    FROM named
    INNER JOIN message_param
        ON
            named.appliance_id = message_param.appliance_id
            AND named.job_id = message_param.job_id
            AND named.message_seq = message_param.message_seq
            AND named.seq = message_param.parent_seq
)

SELECT
    named.day,
    named.appliance,
    named.key,
    named.message_id,
    named.path,
    message_param.s,
    message_param.i,
    message_param.d,
    message_param.dt,
    message_param.nested_id
FROM named
CROSS JOIN param
INNER JOIN message_param
    ON
        named.appliance_id = message_param.appliance_id
        AND named.job_id = message_param.job_id
        AND named.message_seq = message_param.message_seq
        AND named.seq = message_param.seq
WHERE lower(named.path) LIKE lower(param.path)
ORDER BY named.day DESC, named.appliance, named.key, named.message_seq, named.seq
LIMIT (SELECT params FROM param);
