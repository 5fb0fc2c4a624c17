-- Failed jobs by what they say.
SELECT
    message_template.message_id,
    count(DISTINCT CAST(job.appliance_id AS TEXT) || ' ' || CAST(job.id AS TEXT)) AS jobs,
    count(DISTINCT job.appliance_id) AS appliances,
    min(job.start_time) AS first_time,
    max(job.start_time) AS last_time
FROM job
INNER JOIN message ON job.appliance_id = message.appliance_id AND job.id = message.job_id
INNER JOIN message_content
    ON
        message.appliance_id = message_content.appliance_id
        AND message.content_id = message_content.id
INNER JOIN message_template ON message_content.template_id = message_template.id
WHERE job.status = 'FAILED' AND message.role IN (2, 3)
GROUP BY message_template.message_id
ORDER BY jobs DESC
