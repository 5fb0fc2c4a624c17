"""Rows to text: formats know no report, reports know no format."""
