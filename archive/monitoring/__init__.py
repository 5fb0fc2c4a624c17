"""The figures of the reports for monitoring: metrics for Prometheus, plugin output for Nagios.

`states` gathers them from the reports, so all say the same; `exposition` is for Prometheus,
`verdict`, `thresholds`, `ranges` and `plugin` are for Nagios.
"""
