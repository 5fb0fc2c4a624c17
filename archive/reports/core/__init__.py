"""Building blocks of reports: scope, date ranges, SQL, comparison and charts.

A report asks one of three sources: jobs (`sql`), totals of days or months (`from_totals`,
`from_months`), or the judgement (`expected_backups`). The totals give the same counts and sums as
the jobs.
"""
