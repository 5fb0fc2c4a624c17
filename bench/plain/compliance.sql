-- Every day of each appliance with a success of it, if there is one: as if all were daily.
SELECT
    life.appliance_id,
    calendar.day,
    job.key,
    job.start_time,
    job.end_time,
    job.size_bytes,
    job.digest,
    job.run_id
FROM (SELECT appliance_id, min(day) AS first_day, max(day) AS last_day FROM job GROUP BY appliance_id) AS life
INNER JOIN calendar ON calendar.day BETWEEN life.first_day AND life.last_day
LEFT JOIN
    (
        SELECT appliance_id, day, min(id) AS id
        FROM job
        WHERE status = 'SUCCEEDED'
        GROUP BY appliance_id, day
    ) AS met
    ON life.appliance_id = met.appliance_id AND calendar.day = met.day
LEFT JOIN job ON met.appliance_id = job.appliance_id AND met.id = job.id
ORDER BY life.appliance_id, calendar.day
