"""What was expected of an appliance, what became of it, and what is unlike before.

Pure: no database, no clock of this machine; `now` is always an argument. `schedules`, `habit` and
`due_times` say when backups are due, `expected` and `outcome` what became of them, `standing`,
`streaks` and `reporting` how an appliance stands, `levels`, `recurrence` and `outliers` which
successes are anomalies, `weeks` and `forecast` what is ahead.
"""
