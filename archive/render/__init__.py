"""Formats of rows: tables, CSV, JSON, charts and HTML for mail."""
