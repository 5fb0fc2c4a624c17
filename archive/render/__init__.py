"""Formats of rows: tables, CSV, JSON, charts and HTML for mail.

All take columns and rows, and know no report. Tables, charts and mail show rounded values in
readable units; CSV and JSON have exact ones in base units.
"""
