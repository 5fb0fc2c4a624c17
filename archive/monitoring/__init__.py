"""What monitoring is told: the figures of the reports, as Prometheus and as Nagios read them."""
