-- Days without a success, of each appliance between its first job and its last: as if all were daily.
SELECT
    life.appliance_id,
    calendar.day
FROM (SELECT appliance_id, min(day) AS first_day, max(day) AS last_day FROM job GROUP BY appliance_id) AS life
INNER JOIN calendar ON calendar.day BETWEEN life.first_day AND life.last_day
WHERE
    NOT EXISTS (
        SELECT 1
        FROM job
        WHERE
            job.appliance_id = life.appliance_id
            AND job.day = calendar.day
            AND job.status = 'SUCCEEDED'
    )
ORDER BY life.appliance_id, calendar.day
