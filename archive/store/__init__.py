"""Rows in and out of the archive."""
