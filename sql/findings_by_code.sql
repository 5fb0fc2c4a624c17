-- Findings by rule
--
-- Which published rules do the documents of the jobs break? Most frequent first. A job that starts
-- after the last import of its appliance is a finding, too (starts_after_seen): a clock is wrong.
-- Reads all findings, and looks up their jobs, and the newest jobs of each appliance.
--
--   code, field          the rule, and the field of the document
--   findings, jobs       number of findings and of jobs with one
--   appliances           number of appliances with one
--   first_day, last_day  first and last day with such a job
--   example              detail of one finding
WITH param AS (
    SELECT
        '%' AS appliance  -- only matching appliances; % matches any text
),

-- With CROSS JOIN, SQLite reads the tables in this order.
found AS (
    SELECT
        job.appliance_id,
        job.id,
        job.day,
        job_finding.code,
        job_finding.field,
        count(*) AS findings,
        max(job_finding.detail) AS example
    FROM job_finding
    CROSS JOIN job
    CROSS JOIN appliance
    CROSS JOIN param
    WHERE
        job_finding.appliance_id = job.appliance_id
        AND job_finding.job_id = job.id
        AND job.appliance_id = appliance.id
        AND lower(appliance.name) LIKE lower(param.appliance)
    GROUP BY job.appliance_id, job.id, job.day, job_finding.code, job_finding.field
    UNION ALL
    SELECT
        job.appliance_id,
        job.id,
        job.day,
        'starts_after_seen',
        'start_time',
        1,
        'job ' || job.key || ' starts after the last import of its appliance'
    FROM appliance
    CROSS JOIN param
    CROSS JOIN job
    WHERE
        appliance.id = job.appliance_id
        AND appliance.last_seen < job.start_time
        AND job.day >= (
            SELECT calendar.day FROM calendar
            WHERE calendar.start_time <= appliance.last_seen
            ORDER BY calendar.start_time DESC, calendar.day DESC
            LIMIT 1
        )
        AND lower(appliance.name) LIKE lower(param.appliance)
)

SELECT
    code,
    field,
    sum(findings) AS findings,
    count(*) AS jobs,
    count(DISTINCT appliance_id) AS appliances,
    min(day) AS first_day,
    max(day) AS last_day,
    max(example) AS example
FROM found
GROUP BY code, field
ORDER BY findings DESC, code, field;
