"""The archive over HTTP: the page, every report, and metrics; read-only."""
