"""The figures of the reports for monitoring: metrics for Prometheus, plugin output for Nagios."""
